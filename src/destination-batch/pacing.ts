import { setTimeout as sleep } from 'node:timers/promises';
import { BURST_UPDATES, UPDATES_PER_REQUEST, UPDATES_PER_SECOND } from './limits.ts';
import { type Clock, TokenBucket } from './token-bucket.ts';

/** Node takes a longer timer for one of a millisecond. Whoever wakes too early looks again. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => sleep(Math.min(milliseconds, LONGEST_TIMER_MS), undefined, { signal }),
};

/**
 * Batch counts a call when it arrives, and its bucket holds no more than the burst: when the first call takes longer to
 * arrive than the later ones, what the full bucket could not take in meanwhile is missing at the end of the burst. So
 * much difference is allowed for, in seconds.
 */
const LATENCY_MARGIN_SECONDS = 0.5;

/**
 * How fast updates may be sent. Who takes a share of the project's rate takes the same share of its burst; a request
 * never holds more updates than the bucket does.
 *
 * @param rate_limit updates a second.
 */
export function pacing(
  { rate_limit }: { rate_limit: number },
  clock = systemClock,
): { bucket: TokenBucket; updatesPerRequest: number } {
  const burst = (BURST_UPDATES * rate_limit) / UPDATES_PER_SECOND;
  const capacity = Math.max(1, Math.floor(burst - rate_limit * LATENCY_MARGIN_SECONDS));
  return {
    bucket: new TokenBucket({ capacity, perSecond: rate_limit, clock }),
    updatesPerRequest: Math.min(UPDATES_PER_REQUEST, capacity),
  };
}
