import type { Program } from '../runner/process.ts';
import type { Reporter } from './report/reporter.ts';

/** What every step of `sync` works with. */
export type SyncContext = {
  /** Starts a connector. */
  program: Program;
  reporter: Reporter;
  /** Aborted by the first signal: stop reading, send what was read, save the state, and end. */
  stop: AbortSignal;
  /** Aborted by the second signal: end now. */
  stopAtOnce: AbortSignal;
  /** Milliseconds since the epoch. */
  now: () => number;
};
