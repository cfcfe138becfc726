import { setTimeout as sleep } from 'node:timers/promises';
import { type Endpoint, MASS_UPDATE, UPDATE } from '../batch/endpoints.ts';
import type { RetryableCallError } from '../batch/errors.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import { type Clock, TokenBucket } from './token-bucket.ts';

/**
 * The maximum delay of a Node timer, in milliseconds. Node shortens a longer delay to one millisecond. It does no harm
 * if a sleep ends early, because the token bucket checks the time after each sleep.
 */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

const systemClock: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) => sleep(Math.min(milliseconds, LONGEST_TIMER_MS), undefined, { signal }),
};

/**
 * How much longer the first call of a burst may take to arrive than later calls, in seconds. Batch counts a call when
 * it arrives. Until the first call arrives, Batch's bucket is full and gains no tokens, but our bucket already gains
 * tokens. At the end of the burst, Batch's bucket therefore has fewer tokens than ours.
 */
const LATENCY_MARGIN_SECONDS = 0.5;

/**
 * How long all requests pause after a 429 without Retry-After. Batch's documentation asks for at least five seconds.
 */
const RATE_LIMIT_PAUSE_MS = 5_000;

/** An endpoint and its rate limit. A request never has more updates than the capacity of the bucket. */
export type Route = { endpoint: Endpoint; bucket: TokenBucket; updatesPerRequest: number };

/**
 * Creates the normal route and, if the configuration allows one, the bulk route, which is used once there is a backlog.
 *
 * With `auto`, the rate of each endpoint is Batch's limit or `rate_limit`, whichever is lower. There is no bulk route
 * if `update` can already reach `rate_limit`. With a named endpoint, `rate_limit` is used even if it is higher than
 * Batch's documented limit, because Batch may have granted more.
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

/** Creates a route with a rate, and with a burst that is in proportion to the rate. */
function createRoute(endpoint: Endpoint, rate = endpoint.updatesPerSecond, clock: Clock): Route {
  const burst = (endpoint.burst * rate) / endpoint.updatesPerSecond;
  const capacity = Math.max(1, Math.floor(burst - rate * LATENCY_MARGIN_SECONDS));
  return {
    endpoint,
    bucket: new TokenBucket({ capacity, perSecond: rate, clock }),
    updatesPerRequest: Math.min(endpoint.updatesPerCall, capacity),
  };
}

/** Returns how long to wait after this error before the next request, in milliseconds. */
export function choosePauseMs({ retryAfterMs, isRateLimit }: RetryableCallError): number {
  return retryAfterMs ?? (isRateLimit ? RATE_LIMIT_PAUSE_MS : 0);
}

/** Pauses the requests of a route if the error asks for a pause. After HTTP 429, also lowers the rate of the route. */
export function pauseOrSlowDown(bucket: Route['bucket'], error: RetryableCallError): void {
  const pause = choosePauseMs(error);
  if (error.isRateLimit) bucket.slowDownAfter429(pause);
  else if (pause > 0) bucket.pause(pause);
}
