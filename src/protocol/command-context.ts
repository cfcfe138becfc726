import type { MessageOutput } from './output.ts';

/** What every command of a connector is given to work with. */
export type CommandContext = {
  output: MessageOutput;
  /** Aborted by SIGTERM or SIGINT: finish what is begun, write the states that it makes true, and end. */
  stop: AbortSignal;
  /** Milliseconds since the epoch. */
  now: () => number;
};
