import type { Progress } from '../progress.ts';

/** Where progress is shown to a person, and lines beside it. */
export type ProgressDisplay = {
  /** How often there is something to show, in milliseconds. */
  readonly intervalMs: number;
  show: (progress: Progress) => void;
  /** Writes a line, where it does not get into the way. */
  line: (text: string) => void;
  /** The run has ended. */
  end: () => void;
};
