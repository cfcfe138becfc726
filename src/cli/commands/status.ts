import { EXIT_CODES } from '../../runner/exit-codes.ts';
import { describeTerminal } from '../../runner/terminal/terminal.ts';
import { printableLines } from '../../shared/printable.ts';
import { parseDuration } from '../../sync/duration.ts';
import { openStateStore } from '../../sync/state/open-store.ts';
import { formatStatusAsJson } from '../../sync/status/json.ts';
import { readStatus, STATUS_EXIT_CODES } from '../../sync/status/status.ts';
import { formatHistory, formatStatus } from '../../sync/status/text.ts';
import { type Command, type CommandHelp, commandParser, resolveLauncher } from '../command.ts';
import { runInteractive } from '../run-interactive.ts';

const HELP: CommandHelp = {
  usage: `$0 --state STATE

Shows how the last run of a sync ended, the cursor of each stream, and whether a sync is running. It changes nothing, and connects to neither ClickHouse nor Batch.`,
  examples: [
    '$0 --state state.json',
    '$0 --state state.json --history',
    '$0 --state state.json --stale-after 2h --json',
  ],
};

const OPTIONS = {
  state: {
    type: 'string',
    demandOption: true,
    requiresArg: true,
    describe: 'the state of the sync, as in --state of `sync`',
  },
  history: {
    type: 'boolean',
    default: false,
    describe: 'list the last runs instead, at most 100; with --json, add them',
  },
  'stale-after': {
    type: 'string',
    requiresArg: true,
    describe: 'fail if the newest row that was sent is older than this, such as 30m, 2h or 1d',
  },
  json: {
    type: 'boolean',
    default: false,
    describe: 'write one JSON object to stdout instead of text',
  },
} as const;

export const statusCommand: Command = {
  options: () => OPTIONS,
  run: (launcher, args) =>
    runInteractive(async ({ now }) => {
      const parsed = await commandParser(launcher.name, 'status', args, HELP, OPTIONS).parseAsync();
      if (parsed.help === true) return EXIT_CODES.allAccepted;
      const { state, json, history, staleAfter } = parsed;
      const staleAfterMs = staleAfter === undefined ? undefined : parseDuration('--stale-after', staleAfter);
      const warn = (message: string): void => void process.stderr.write(`WARN  ${printableLines(message)}\n`);
      const status = await readStatus(await openStateStore(state), now(), staleAfterMs, warn);
      const terminal = describeTerminal(process.stdout);
      if (json) process.stdout.write(formatStatusAsJson(status, history));
      else if (history) process.stdout.write(formatHistory(status.runs, terminal));
      else process.stdout.write(formatStatus(status, now(), terminal, resolveLauncher()));
      return STATUS_EXIT_CODES[status.condition];
    }),
};
