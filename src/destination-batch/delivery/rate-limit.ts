import { setTimeout as sleep } from 'node:timers/promises';
import { type Endpoint, MASS_UPDATE, UPDATE } from '../batch/endpoints.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import { type Clock, TokenBucket } from './token-bucket.ts';

/** The longest timer of Node; it shortens a longer one to a millisecond. The token bucket checks the time after each sleep. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => sleep(Math.min(milliseconds, LONGEST_TIMER_MS), undefined, { signal }),
};

/**
 * The latency difference between calls that is allowed for, in seconds. Batch counts a call when it arrives. If the first
 * call takes longer to arrive than later ones, Batch's full bucket gains no tokens meanwhile, and has fewer at the end of
 * the burst than ours.
 */
const LATENCY_MARGIN_SECONDS = 0.5;

/** An endpoint and its rate limit. A request never has more updates than the bucket has tokens. */
export type Route = { endpoint: Endpoint; bucket: TokenBucket; updatesPerRequest: number };

/**
 * The normal route, and the bulk route for a backlog, if there is one.
 *
 * With `auto`, the rate of each endpoint is the lower of Batch's own and `rate_limit`, and there is no bulk route for a rate
 * that `update` can keep. With a named endpoint, `rate_limit` is used as it is: Batch may have granted more.
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

/** A share of an endpoint's rate comes with the same share of its burst. */
function createRoute(endpoint: Endpoint, rate = endpoint.updatesPerSecond, clock: Clock): Route {
  const burst = (endpoint.burst * rate) / endpoint.updatesPerSecond;
  const capacity = Math.max(1, Math.floor(burst - rate * LATENCY_MARGIN_SECONDS));
  return {
    endpoint,
    bucket: new TokenBucket({ capacity, perSecond: rate, clock }),
    updatesPerRequest: Math.min(endpoint.updatesPerCall, capacity),
  };
}
