import { preview } from '../../preview/preview.ts';
import { formatPreview } from '../../preview/text.ts';
import { EXIT_CODES } from '../../runner/exit-codes.ts';
import { describeTerminal } from '../../runner/table.ts';
import { printableLines } from '../../shared/printable.ts';
import { describeJsonFile, interactiveParser, parseRowCount } from '../arguments.ts';
import { runInteractive } from '../run-interactive.ts';

/** The default of --rows. */
const DEFAULT_ROWS = 20;

// Each paragraph is one line: yargs wraps it to the width of the terminal.
const USAGE = `$0 --source FILE --destination FILE

Shows what a sync would send, without sending it: the first rows, the request that sends them, what each column is sent as, and which rows of a sample would be rejected and why.`;

const EPILOGUE = `Exit codes:
  0  the whole sample would be accepted, as far as can be known before sending
  1  the source can't be read
  2  wrong arguments or configuration
  3  some rows would be rejected, or refused by Batch because of their time

To keep secrets out of a configuration, use \${NAME} for an environment variable or \${file:/PATH} for the content of a file.`;

/**
 * Runs `preview`.
 *
 * @param launcher the name of the launcher.
 * @param args the arguments after `preview`.
 */
export async function runPreview(launcher: string, args: readonly string[]): Promise<void> {
  await runInteractive(async (context) => {
    const parsed = await parse(`${launcher} preview`, args);
    if (parsed.help === true) return EXIT_CODES.allAccepted;
    const { source, destination, stream, rows = DEFAULT_ROWS } = parsed;
    const warn = (message: string): void => void process.stderr.write(`WARN  ${printableLines(message)}\n`);
    const shown = await preview(context, { source, destination, stream, rows, warn });
    process.stdout.write(formatPreview(shown, describeTerminal(process.stdout)));
    return shown.sample.wouldAllArrive ? EXIT_CODES.allAccepted : EXIT_CODES.rowsRejected;
  });
}

/** Parses the arguments. @throws ConnectorError (config_error) if they are invalid. */
function parse(name: string, args: readonly string[]) {
  return interactiveParser(name, args, USAGE, {
    source: describeJsonFile('the configuration of the source'),
    destination: describeJsonFile('the configuration of the destination'),
    stream: {
      type: 'string',
      requiresArg: true,
      describe: 'the table or view to show; required if the source has several',
    },
    rows: {
      type: 'string',
      requiresArg: true,
      describe: `how many rows to show (${DEFAULT_ROWS})`,
      coerce: (text: unknown) => parseRowCount('--rows', text),
    },
  })
    .epilogue(EPILOGUE)
    .parseAsync();
}
