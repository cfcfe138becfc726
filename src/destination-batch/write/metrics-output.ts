import { analytics, DESTINATION_METRICS, type DestinationMetrics } from '../../protocol/analytics.ts';
import type { MessageOutput } from '../../protocol/output.ts';

/** The time between two messages, in milliseconds. */
const INTERVAL_MS = 1_000;

/** Writes the metrics of a run as ANALYTICS messages: once a second, and whenever `write` is called. */
export class MetricsOutput {
  readonly #output: MessageOutput;
  readonly #now: () => number;
  readonly #read: () => DestinationMetrics;
  readonly #timer: NodeJS.Timeout;
  #isWriting = false;

  /**
   * @param now milliseconds since the epoch.
   * @param read returns the current metrics.
   */
  constructor(output: MessageOutput, now: () => number, read: () => DestinationMetrics) {
    this.#output = output;
    this.#now = now;
    this.#read = read;
    this.#timer = setInterval(() => this.#writeUnlessBusy(), INTERVAL_MS);
  }

  /** Writes a message now. */
  write(): Promise<void> {
    return this.#output.write(analytics(DESTINATION_METRICS, this.#read(), this.#now()));
  }

  /** Stops the messages that are written once a second. */
  stop(): void {
    clearInterval(this.#timer);
  }

  /** Skips a message while the reader of the output is slow, because the next one replaces it. */
  #writeUnlessBusy(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.write()
      // If the output is closed, the session can't write its other messages either, and ends because of that.
      .catch(() => {})
      .finally(() => {
        this.#isWriting = false;
      });
  }
}
