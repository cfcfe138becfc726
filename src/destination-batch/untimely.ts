import { isJsonObject, parseExact } from '../shared/exact-json.ts';
import { EVENT_AGE_MARGIN_MS } from './batch/limits.ts';
import { toEpochMs } from './mapping/timestamp.ts';

const HOUR_MS = 3_600_000;

/** Why Batch refuses an event because of its time. */
export type Untimely = { code: 'event_too_old' | 'event_in_future'; reason: string };

/**
 * Explains why an event is not sent with its time. The reason continues a sentence that begins with the time, such as
 * "is older than 24 hours".
 *
 * @param age its age in milliseconds, negative for a time in the future.
 * @param hours the maximum age that Batch accepts.
 */
export function explainUnsent(age: number, hours: number): Untimely {
  if (age < 0) return inFuture();
  return tooOld(
    `${hours} hours (minus ${EVENT_AGE_MARGIN_MS / 60_000} minutes and flush_interval_seconds for waiting in the queue)`,
  );
}

/**
 * Explains why Batch refused an event, if the time of the event is the reason. The reason is a sentence without its
 * full stop.
 *
 * @param json what Batch refused: the JSON of an event, or attributes as `writeAttributeRow` writes them.
 * @param now the current time, in milliseconds since the epoch.
 * @param hours the maximum age that Batch accepts.
 * @returns undefined if Batch accepts the time, or if there is none.
 */
export function explainRefused(json: string, now: number, hours: number): Untimely | undefined {
  const event = json.startsWith('{') ? parseExact(json) : undefined;
  if (!isJsonObject(event) || typeof event.time !== 'string') return undefined;
  const age = now - toEpochMs(event.time);
  if (age >= 0 && age <= hours * HOUR_MS) return undefined;
  const { code, reason } = age < 0 ? inFuture() : tooOld(`${hours} hours`);
  return { code, reason: `the event ${reason}` };
}

function tooOld(limit: string): Untimely {
  return { code: 'event_too_old', reason: `is older than ${limit}, and Batch refuses such events` };
}

function inFuture(): Untimely {
  return { code: 'event_in_future', reason: "is in the future by this machine's clock, and Batch refuses such events" };
}
