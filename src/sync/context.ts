import type { Program } from '../runner/process.ts';
import type { Wait } from '../shared/abort.ts';
import type { Reporter } from './report/reporter.ts';

/** The context that every step of `sync` receives. */
export type SyncContext = {
  /** The command that starts a connector. */
  program: Program;
  reporter: Reporter;
  /** Aborted by the first signal: `sync` then stops reading, sends the rows already read, saves the state and ends. */
  stop: AbortSignal;
  /** Aborted by the second signal: `sync` then ends immediately. */
  stopAtOnce: AbortSignal;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** How to wait for the lock of another run; a timer by default. */
  wait?: Wait;
};
