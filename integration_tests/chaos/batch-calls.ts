import { setTimeout as sleep } from 'node:timers/promises';
import type { RequestEntry } from '../../sandbox/batch-api/request-log.ts';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';

/** How long Batch may take to answer all calls, in milliseconds. The longest delay of a fault is 0.3 seconds. */
const SETTLED_WITHIN_MS = 10_000;

/** The calls that Batch received in a run. */
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

  /** Resolves when all calls are handled, including calls of a client that was killed. */
  async handled(): Promise<void> {
    const deadline = Date.now() + SETTLED_WITHIN_MS;
    while (this.#answered.length < this.#arrived) {
      if (Date.now() > deadline) throw new Error('The Batch API of the sandbox did not answer all calls in time.');
      await sleep(5);
    }
  }

  /** The number of events in requests that Batch may have stored although the client got no valid response. */
  get eventsOfUnknownOutcome(): number {
    return this.#answered.filter(isOutcomeUnknown).reduce((sum, { events }) => sum + events, 0);
  }

  get #answered(): readonly RequestEntry[] {
    const entries = this.#batch.requests(this.#batch.stats.requests - this.#requestsBefore);
    // The sandbox answers a call with 400 if its client did not send all of it. `onCall` does not count such a call.
    return entries.filter(({ status, fault }) => status !== 400 || fault !== null);
  }
}

/** Whether the client can't know if the call was stored. If it was not stored, the sandbox counts 0 events. */
function isOutcomeUnknown({ fault }: RequestEntry): boolean {
  return fault === 'cut' || fault === 'hang' || fault === 'status';
}
