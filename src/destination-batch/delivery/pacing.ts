import { setTimeout as sleep } from 'node:timers/promises';
import { type Endpoint, MASS_UPDATE, UPDATE } from '../batch/endpoints.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
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

/** An endpoint, and how fast updates may be sent to it. A request never holds more updates than the bucket does. */
export type Route = { endpoint: Endpoint; bucket: TokenBucket; updatesPerRequest: number };

/**
 * The route that a sync begins with, and the one for a backlog, if it may change to one.
 *
 * With `auto` the pace of each endpoint is Batch's own or `rate_limit`, whichever is less: a rate that `update` can keep is
 * no reason to change. An endpoint that is named takes `rate_limit` as it is, since Batch may have granted more.
 */
export function createRoutes(
  { endpoint, rate_limit }: Pick<DestinationConfiguration, 'endpoint' | 'rate_limit'>,
  clock = systemClock,
): { normal: Route; bulk: Route | undefined } {
  switch (endpoint) {
    case 'update':
      return { normal: createRoute(UPDATE, rate_limit, clock), bulk: undefined };
    case 'mass_update':
      return { normal: createRoute(MASS_UPDATE, rate_limit, clock), bulk: undefined };
    case 'auto': {
      const cap = rate_limit ?? Number.POSITIVE_INFINITY;
      return {
        normal: createRoute(UPDATE, Math.min(UPDATE.updatesPerSecond, cap), clock),
        bulk:
          cap > UPDATE.updatesPerSecond
            ? createRoute(MASS_UPDATE, Math.min(MASS_UPDATE.updatesPerSecond, cap), clock)
            : undefined,
      };
    }
  }
}

/** Who takes a share of an endpoint's rate takes the same share of its burst. */
function createRoute(endpoint: Endpoint, rate = endpoint.updatesPerSecond, clock: Clock): Route {
  const burst = (endpoint.burst * rate) / endpoint.updatesPerSecond;
  const capacity = Math.max(1, Math.floor(burst - rate * LATENCY_MARGIN_SECONDS));
  return {
    endpoint,
    bucket: new TokenBucket({ capacity, perSecond: rate, clock }),
    updatesPerRequest: Math.min(endpoint.updatesPerCall, capacity),
  };
}
