import type { Environment } from './environment-references.ts';
import type { MessageOutput } from './output.ts';

/** What every command of a connector works with. */
export type CommandContext = {
  output: MessageOutput;
  /** Aborted by SIGTERM or SIGINT: finish what has begun, write the states for it, and end. */
  stop: AbortSignal;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The variables that `${NAME}` in a configuration refers to; absent if it has no such meaning. */
  environment?: Environment;
};
