import { EXIT_CODES } from '../../runner/exit-codes.ts';
import { describeTerminal } from '../../runner/table.ts';
import { printableLines } from '../../shared/printable.ts';
import { parseDuration } from '../../sync/schedule.ts';
import { openStateStore } from '../../sync/state/open-store.ts';
import { formatStatusAsJson } from '../../sync/status/json.ts';
import { readStatus, STATUS_EXIT_CODES } from '../../sync/status/status.ts';
import { formatHistory, formatStatus } from '../../sync/status/text.ts';
import { interactiveParser } from '../arguments.ts';
import { runInteractive } from '../run-interactive.ts';

// Each paragraph is one line: yargs wraps it to the width of the terminal.
const USAGE = `$0 --state FILE|s3://BUCKET/KEY

Shows how the last run of a sync ended, the cursor of each stream, and whether a sync is running. It changes nothing, and connects to neither ClickHouse nor Batch.`;

const EPILOGUE = `Exit codes:
  0  the last run succeeded, was stopped, or has not ended yet
  1  the last run failed, or a stream is stale (--stale-after)
  2  wrong arguments, or the state can't be read
  3  the last run succeeded, but some rows were rejected`;

/**
 * Runs `status`.
 *
 * @param launcher the name of the launcher.
 * @param args the arguments after `status`.
 */
export async function runStatus(launcher: string, args: readonly string[]): Promise<void> {
  await runInteractive(async ({ now }) => {
    const parsed = await parse(`${launcher} status`, args);
    if (parsed.help === true) return EXIT_CODES.allAccepted;
    const { state, json, history, staleAfter } = parsed;
    const staleAfterMs = staleAfter === undefined ? undefined : parseDuration('--stale-after', staleAfter);
    const warn = (message: string): void => void process.stderr.write(`WARN  ${printableLines(message)}\n`);
    const status = await readStatus(await openStateStore(state), now(), staleAfterMs, warn);
    const terminal = describeTerminal(process.stdout);
    if (json) process.stdout.write(formatStatusAsJson(status, history));
    else if (history) process.stdout.write(formatHistory(status.runs, terminal));
    else process.stdout.write(formatStatus(status, now(), terminal));
    return STATUS_EXIT_CODES[status.condition];
  });
}

/** Parses the arguments. @throws ConnectorError (config_error) if they are invalid. */
function parse(name: string, args: readonly string[]) {
  return interactiveParser(name, args, USAGE, {
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
  })
    .epilogue(EPILOGUE)
    .parseAsync();
}
