import type { Environment } from './configuration/references.ts';
import type { MessageOutput } from './output.ts';

/** The context that every connector command receives. */
export type CommandContext = {
  output: MessageOutput;
  /** Aborted by a signal such as SIGTERM: the command then finishes the work in progress, writes its states and returns. */
  stop: AbortSignal;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The environment variables that replace `${NAME}` in a configuration. If undefined, no reference is replaced. */
  environment?: Environment;
  /** Whether `read` and `write` report metrics in ANALYTICS messages: see protocol/analytics.ts. */
  reportMetrics?: boolean;
};
