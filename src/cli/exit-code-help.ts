import { EXIT_CODES } from '../runner/exit-codes.ts';

/** What the exit codes of a command mean. `rowsRejected` is undefined if the command never ends with that exit code. */
type Meanings = { succeeded: string; failed: string; misconfigured: string; rowsRejected?: string };

const WRONG_ARGUMENTS = 'wrong arguments';
const MISCONFIGURED = 'wrong arguments or configuration';

/** A platform reads the reason in the TRACE message, so an error in the configuration has no exit code of its own. */
const FAILED_WITH_TRACE = 'it failed; the TRACE message on stdout gives the reason';

/** The exit codes of all commands. A test compares them with the table in docs/exit-codes.md. */
export const EXIT_CODE_MEANINGS = {
  init: {
    succeeded: 'the files were written',
    failed: 'no files were written',
    misconfigured: WRONG_ARGUMENTS,
  },
  preview: {
    succeeded: 'the whole sample would be accepted, as far as can be known before sending',
    failed: "the source can't be read",
    misconfigured: MISCONFIGURED,
    rowsRejected: 'some rows would be rejected',
  },
  sync: {
    succeeded: 'every row was accepted',
    failed: 'the run failed',
    misconfigured: MISCONFIGURED,
    rowsRejected: 'the run completed, but some rows were rejected',
  },
  status: {
    succeeded: 'the last run succeeded, was stopped, or has not ended yet',
    failed: 'the last run failed, or a stream is stale (--stale-after)',
    misconfigured: "wrong arguments, or the state can't be read",
    rowsRejected: 'the last run succeeded, but some rows were rejected',
  },
  retry: {
    succeeded: 'every row that was sent was accepted, or there was none to send',
    failed: 'the retry failed; no row is lost',
    misconfigured: MISCONFIGURED,
    rowsRejected: "some rows were rejected again, or can't be read",
  },
  explain: {
    succeeded: 'the page or the list was printed',
    failed: "the page can't be read",
    misconfigured: 'wrong arguments, or an unknown code',
  },
  spec: { succeeded: 'the specification was printed', failed: FAILED_WITH_TRACE, misconfigured: WRONG_ARGUMENTS },
  check: {
    succeeded: 'every configuration works; for a platform: the status was printed',
    failed: 'the check itself failed',
    misconfigured: 'wrong arguments, or a configuration does not work',
  },
  discover: { succeeded: 'the catalog was printed', failed: FAILED_WITH_TRACE, misconfigured: WRONG_ARGUMENTS },
  read: { succeeded: 'every row was read', failed: FAILED_WITH_TRACE, misconfigured: WRONG_ARGUMENTS },
  write: {
    succeeded: 'every row was accepted or rejected',
    failed: FAILED_WITH_TRACE,
    misconfigured: WRONG_ARGUMENTS,
  },
} as const satisfies Record<string, Meanings>;

export type CommandName = keyof typeof EXIT_CODE_MEANINGS;

/** The exit codes of every command that a signal stopped. */
const STOPPED = '130  stopped by Ctrl-C (143: by SIGTERM, 129: by SIGHUP)';

/** Describes the exit codes of a command, for its help. */
export function describeExitCodes(command: CommandName): string {
  const meanings: Meanings = EXIT_CODE_MEANINGS[command];
  const lines = [
    [EXIT_CODES.allAccepted, meanings.succeeded],
    [EXIT_CODES.failed, meanings.failed],
    [EXIT_CODES.misconfigured, meanings.misconfigured],
    [EXIT_CODES.rowsRejected, meanings.rowsRejected],
  ].flatMap(([code, meaning]) => (meaning === undefined ? [] : [`    ${code}  ${meaning}`]));
  return ['Exit codes:', ...lines, `  ${STOPPED}`].join('\n');
}
