import { REJECTION_CODES } from '../../destination-batch/codes.ts';
import { retry } from '../../destination-batch/commands.ts';
import type { RetryOptions, RetryPlan, RetryResult } from '../../destination-batch/retry/retry.ts';
import type { CommandContext } from '../../protocol/command-context.ts';
import { EXIT_CODES } from '../../runner/exit-codes.ts';
import { runInProcess } from '../../runner/in-process.ts';
import { onAbort } from '../../shared/abort.ts';
import { printableLines } from '../../shared/printable.ts';
import { suggestName } from '../../shared/suggest.ts';
import { parseDuration } from '../../sync/duration.ts';
import { shortenMessage } from '../../sync/report/text-reporter.ts';
import { describeJsonFile, parseRowCount, REFERENCES_NOTE } from '../arguments.ts';
import { type Command, type CommandHelp, commandParser } from '../command.ts';
import { describePlan, describeResult } from '../retry-text.ts';
import { runInteractive } from '../run-interactive.ts';

const HELP: CommandHelp = {
  usage: `$0 --destination FILE

Sends rejected rows again, if the destination has stored them (rejected_rows in its configuration). Rows that are accepted are removed; the others are kept, with their number of attempts.`,
  examples: [
    '$0 --destination destination.json --dry-run',
    '$0 --destination destination.json \\\n      --reason event_name_invalid --since 24h',
  ],
  notes: REFERENCES_NOTE,
};

const STOPPING =
  'Stopping: sending the rows that were read. Press Ctrl-C again to stop now: rows that may have arrived by then are marked, and not sent again.';

const OPTIONS = {
  destination: describeJsonFile('the configuration of the destination'),
  reason: {
    type: 'string',
    requiresArg: true,
    describe: 'only rows whose last rejection has this code',
    coerce: parseReason,
  },
  since: {
    type: 'string',
    requiresArg: true,
    describe: 'only rows that were rejected within this time, such as 90m, 24h or 7d',
    coerce: (text: unknown) => (typeof text === 'string' ? parseDuration('--since', text) : undefined),
  },
  limit: {
    type: 'string',
    requiresArg: true,
    describe: 'send at most N rows',
    coerce: (text: unknown) => parseRowCount('--limit', text),
  },
  'dry-run': {
    type: 'boolean',
    default: false,
    describe: 'show which rows would be sent and which would be rejected, without sending them',
  },
  'include-uncertain': {
    type: 'boolean',
    default: false,
    describe: 'also send rows that may have arrived already, so some events may reach Batch twice',
  },
  'include-attributes': {
    type: 'boolean',
    default: false,
    describe: 'also send rows that set profile attributes, even if a sync has sent newer values since',
  },
} as const;

export const retryCommand: Command = {
  options: () => OPTIONS,
  run: (launcher, args) =>
    runInteractive(async (context) => {
      const parsed = await commandParser(launcher.name, 'retry', args, HELP, OPTIONS).parseAsync();
      if (parsed.help === true) return EXIT_CODES.allAccepted;
      const { destination, reason, since, limit, dryRun: isDryRun, includeUncertain, includeAttributes } = parsed;
      const options = {
        reason,
        since: since === undefined ? undefined : context.now() - since,
        limit,
        includeUncertain,
        includeAttributes,
        isDryRun,
      };
      return runToEnd(context, destination, options);
    }),
};

async function runToEnd(context: CommandContext, destination: string, options: RetryOptions): Promise<number> {
  const print = (lines: readonly string[]): void => void process.stdout.write(`${printableLines(lines.join('\n'))}\n`);
  let plan: RetryPlan | undefined;
  let result: RetryResult | undefined;
  const onPlan = (made: RetryPlan): void => {
    plan = made;
    print(describePlan(made));
  };
  const stopListening = onAbort(context.stop, () => process.stderr.write(`${STOPPING}\n`));
  await runInProcess(
    async (output) => {
      result = await retry({ ...context, output }, destination, options, { onPlan });
    },
    {
      message: (message) => {
        if (message.kind !== 'log') return;
        const line = `${message.level.padEnd(5)} ${shortenMessage(message.message)}`;
        process.stderr.write(`${printableLines(line)}\n`);
      },
    },
  ).finally(stopListening);
  // A signal may have stopped the command before there was a plan.
  if (result === undefined || plan === undefined) return EXIT_CODES.failed;
  print(describeResult(plan, result, context.stop.aborted));
  if (result.failed !== undefined) throw result.failed.error;
  return result.counts.rejected.size > 0 || plan.counts.unreadable > 0
    ? EXIT_CODES.rowsRejected
    : EXIT_CODES.allAccepted;
}

function parseReason(text: unknown): string | undefined {
  if (typeof text !== 'string' || text === '' || REJECTION_CODES.includes(text))
    return text === undefined ? undefined : `${text}`;
  const near = suggestName(text, REJECTION_CODES);
  throw new Error(
    `--reason ${text} is not a rejection code.${near === undefined ? '' : ` Did you mean ${near}?`} The codes are ${REJECTION_CODES.join(', ')}.`,
  );
}
