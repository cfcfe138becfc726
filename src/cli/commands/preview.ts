import { preview } from '../../preview/preview.ts';
import { formatPreview } from '../../preview/text.ts';
import { EXIT_CODES } from '../../runner/exit-codes.ts';
import { layOutMessage } from '../../runner/terminal/message-layout.ts';
import { describeTerminal } from '../../runner/terminal/terminal.ts';
import { shortenMessage } from '../../sync/report/text-reporter.ts';
import { describeJsonFile, parseRowCount, REFERENCES_NOTE } from '../arguments.ts';
import { type Command, type CommandHelp, commandParser, resolveLauncher } from '../command.ts';
import { runInteractive } from '../run-interactive.ts';

/** The default of --rows. */
const DEFAULT_ROWS = 20;

const HELP: CommandHelp = {
  usage: `$0 --source FILE --destination FILE

Shows what a sync would send, without sending it: the first rows, the request that sends them, what each column is sent as, and which rows of a sample would be rejected and why.`,
  examples: [
    '$0 --source source.json \\\n      --destination destination.json',
    '$0 --source source.json \\\n      --destination destination.json --stream events --rows 5',
  ],
  notes: REFERENCES_NOTE,
};

const OPTIONS = {
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
  request: {
    type: 'boolean',
    default: false,
    describe: 'show the whole first request instead of its first updates',
  },
} as const;

export const previewCommand: Command = {
  options: () => OPTIONS,
  run: (launcher, args) =>
    runInteractive(async (context) => {
      const parsed = await commandParser(launcher.name, 'preview', args, HELP, OPTIONS).parseAsync();
      if (parsed.help === true) return EXIT_CODES.allAccepted;
      const { source, destination, stream, rows = DEFAULT_ROWS, request: wholeRequest } = parsed;
      const warnings = describeTerminal(process.stderr);
      const warn = (message: string): void =>
        void process.stderr.write(`${layOutMessage('WARN', shortenMessage(message), warnings)}\n`);
      const shown = await preview(context, { source, destination, stream, rows, warn });
      const text = { launcher: resolveLauncher(), wholeRequest };
      process.stdout.write(formatPreview(shown, describeTerminal(process.stdout), text));
      return shown.sample.rejected === 0 ? EXIT_CODES.allAccepted : EXIT_CODES.rowsRejected;
    }),
};
