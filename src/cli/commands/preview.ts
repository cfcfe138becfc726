import { preview } from '../../preview/preview.ts';
import { describeTerminal } from '../../preview/table.ts';
import { formatPreview } from '../../preview/text.ts';
import { EXIT_CODES } from '../../runner/exit-codes.ts';
import { printableLines } from '../../shared/printable.ts';
import { describeJsonFile, interactiveParser, parseRowCount } from '../arguments.ts';
import { runInteractive } from '../run-interactive.ts';

/** How many rows are shown, unless others are asked for. */
const DEFAULT_ROWS = 20;

// Each paragraph on one line, as it is broken to the width of the terminal.
const USAGE = `$0 --source FILE --destination FILE

Shows what a sync would send, and sends nothing: the first rows, their request to Batch, what each column becomes, and what of a sample of rows would be rejected and why.`;

const EPILOGUE = `Exit codes:
  0  no row of the sample would be rejected, nor its event be refused for its time
  1  the source can't be read
  2  wrong arguments, or a configuration that has to be corrected
  3  some would, as far as can be known before they are sent

A configuration may hold \${NAME} for the environment variable NAME, so that no secret need stand in a file.`;

/**
 * Runs `preview` as its arguments say.
 *
 * @param launcher the name that it is started by.
 * @param args those behind the word preview.
 */
export async function runPreview(launcher: string, args: readonly string[]): Promise<void> {
  await runInteractive(async (context) => {
    const parsed = await parse(`${launcher} preview`, args);
    if (parsed.help === true) return EXIT_CODES.allAccepted;
    const { source, destination, stream, rows = DEFAULT_ROWS } = parsed;
    const warn = (message: string): void => void process.stderr.write(`WARN  ${printableLines(message)}\n`);
    const shown = await preview(context, { source, destination, stream, rows, warn });
    process.stdout.write(formatPreview(shown.sample, shown.request, shown.stream, describeTerminal(process.stdout)));
    return shown.sample.wouldAllArrive ? EXIT_CODES.allAccepted : EXIT_CODES.rowsRejected;
  });
}

/** @throws ConnectorError (config_error) when the arguments are wrong. */
function parse(name: string, args: readonly string[]) {
  return interactiveParser(name, args, USAGE, {
    source: describeJsonFile('the configuration of the source'),
    destination: describeJsonFile('the configuration of the destination'),
    stream: {
      type: 'string',
      requiresArg: true,
      describe: 'the table or view to show; needed when the source finds several',
    },
    rows: {
      type: 'string',
      requiresArg: true,
      describe: `how many rows are shown (${DEFAULT_ROWS})`,
      coerce: (text: unknown) => parseRowCount('--rows', text),
    },
  })
    .epilogue(EPILOGUE)
    .parseAsync();
}
