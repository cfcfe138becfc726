import type { Environment } from './environment-references.ts';
import type { MessageOutput } from './output.ts';

/** What every command of a connector is given to work with. */
export type CommandContext = {
  output: MessageOutput;
  /** Aborted by SIGTERM or SIGINT: finish what is begun, write the states that it makes true, and end. */
  stop: AbortSignal;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** What `${NAME}` in a configuration stands for; absent when it stands for itself. */
  environment?: Environment;
};
