import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestEntry } from '../../sandbox/batch-api/request-log.ts';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';

/** How long Batch may take to answer what it was sent, in milliseconds. The longest delay is some tenths of a second. */
const SETTLED_WITHIN_MS = 10_000;

/** What Batch was asked in a run. */
export class BatchCalls {
  readonly #batch: BatchApi;
  readonly #requestsBefore: number;
  #arrived = 0;

  /** @param onArrival called for each request before it is handled. */
  constructor(batch: BatchApi, onArrival: () => void) {
    this.#batch = batch;
    this.#requestsBefore = batch.stats.requests;
    batch.onCall = () => {
      this.#arrived += 1;
      onArrival();
    };
  }

  /** Resolves when all calls are handled, those also whose client was killed. */
  async handled(): Promise<void> {
    const deadline = Date.now() + SETTLED_WITHIN_MS;
    while (this.#answered.length < this.#arrived) {
      if (Date.now() > deadline) throw new Error('The Batch API of the sandbox does not come to an end.');
      await sleep(5);
    }
  }

  /** Events of requests that were stored, or may have been, without a response to the client. */
  get eventsOfUnknownOutcome(): number {
    return this.#answered.filter(isOutcomeUnknown).reduce((sum, { events }) => sum + events, 0);
  }

  get #answered(): readonly RequestEntry[] {
    const entries = this.#batch.requests(this.#batch.stats.requests - this.#requestsBefore);
    // A call that its client did not send to its end is answered without having arrived.
    return entries.filter(({ status, fault }) => status !== 400 || fault !== null);
  }
}

/** Of those that were not stored the sandbox counts no events. */
function isOutcomeUnknown({ fault }: RequestEntry): boolean {
  return fault === 'cut' || fault === 'hang' || fault === 'status';
}
