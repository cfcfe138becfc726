import ms from 'ms';
import { syncError } from '../runner/errors.ts';

/** Matches a duration: a number and a unit, in one of the forms that the library parses. */
const DURATION = /^\d+(\.\d+)? ?(ms|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)$/;

/** The maximum duration, in milliseconds: one year. A longer one is probably a typing error. */
const LONGEST_MS = 366 * 24 * 3_600_000;

/**
 * Parses the value of an option that is a duration, such as 30s, 5m, 5min, 2h or 1d.
 *
 * @returns milliseconds, more than 0.
 * @throws ConnectorError (config_error) if the value is not a duration of at most a year.
 */
export function parseDuration(option: string, text: string): number {
  const duration = isDuration(text) ? ms(text) : 0;
  if (duration > 0 && duration <= LONGEST_MS) return duration;
  throw syncError(
    'command_invalid',
    `${option} ${text} isn't a valid duration. Give a number and a unit, at most a year: 30s, 5m, 2h or 1d.`,
  );
}

function isDuration(text: string): text is ms.StringValue {
  return DURATION.test(text);
}
