import type { Program } from '../runner/process.ts';
import type { Reporter } from './report/reporter.ts';

/** What `sync` is given to work with. */
export type SyncContext = {
  /** What starts a connector. */
  program: Program;
  reporter: Reporter;
  /** Aborted by a first signal: finish what has begun, keep the state that it makes true, and end. */
  stop: AbortSignal;
  /** Aborted by a second signal: end now. */
  stopAtOnce: AbortSignal;
  /** Milliseconds since the epoch. */
  now: () => number;
};
