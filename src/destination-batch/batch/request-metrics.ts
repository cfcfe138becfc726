import type { DestinationMetrics } from '../../protocol/analytics.ts';
import { increment } from '../counts.ts';

/**
 * The upper bounds of the histogram of request durations, in seconds. Batch answers most requests within half a second. The largest
 * bound equals CALL_TIMEOUT_MS, in seconds.
 */
const BUCKET_BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

/** The key of requests that received no complete response. */
const NO_RESPONSE = 'no_response';

/** Counts the requests of a run by their status and duration. */
export class RequestMetrics {
  readonly #requests = new Map<string, number>();
  /** For each bound, the number of requests that took at most this long. */
  readonly #buckets = BUCKET_BOUNDS.map((bound) => ({ bound, count: 0 }));
  #count = 0;
  #seconds = 0;

  /** @param status the HTTP status; undefined if no complete response arrived. */
  count(status: number | undefined, milliseconds: number): void {
    increment(this.#requests, status === undefined ? NO_RESPONSE : String(status));
    const seconds = milliseconds / 1000;
    this.#count += 1;
    this.#seconds += seconds;
    for (const bucket of this.#buckets) if (seconds <= bucket.bound) bucket.count += 1;
  }

  get current(): Pick<DestinationMetrics, 'requests' | 'request_seconds'> {
    return {
      requests: Object.fromEntries(this.#requests),
      request_seconds: {
        count: this.#count,
        sum: this.#seconds,
        buckets: this.#buckets.map(({ bound, count }) => [bound, count]),
      },
    };
  }
}
