import type { DestinationMetrics } from '../protocol/analytics.ts';
import { messageOf } from '../protocol/errors.ts';
import type { RunCursors, RunRecord } from './history/run-record.ts';
import type { Progress } from './progress.ts';

/** Observes the runs of a sync. An error in a listener is logged as a warning, and never fails the sync. */
export type RunListener = {
  /** @param startedAt milliseconds since the epoch. */
  runStarted?: (startedAt: number) => void;
  /**
   * Called about once a second while rows are sent, with the counts so far.
   *
   * @param readCursors returns the cursors in the saved state. Can be called until the run ends. The first call after each save
   * parses the state; later calls reuse the result.
   */
  progress?: (progress: Progress, metrics: DestinationMetrics, readCursors: () => RunCursors) => void;
  runEnded: (record: RunRecord) => Promise<void>;
};

/** Calls several listeners, in order. */
export class RunListeners {
  readonly #listeners: readonly RunListener[];
  readonly #warn: (message: string) => void;

  constructor(listeners: readonly RunListener[], warn: (message: string) => void) {
    this.#listeners = listeners;
    this.#warn = warn;
  }

  runStarted(startedAt: number): void {
    this.#each((listener) => listener.runStarted?.(startedAt));
  }

  progress(progress: Progress, metrics: DestinationMetrics, readCursors: () => RunCursors): void {
    this.#each((listener) => listener.progress?.(progress, metrics, readCursors));
  }

  async runEnded(record: RunRecord): Promise<void> {
    for (const listener of this.#listeners) {
      try {
        await listener.runEnded(record);
      } catch (error) {
        this.#warn(messageOf(error));
      }
    }
  }

  #each(call: (listener: RunListener) => void): void {
    for (const listener of this.#listeners) {
      try {
        call(listener);
      } catch (error) {
        this.#warn(messageOf(error));
      }
    }
  }
}
