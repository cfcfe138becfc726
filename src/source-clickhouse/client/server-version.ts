import { sourceError } from '../errors/codes.ts';

/** The oldest ClickHouse that is read, as [major, minor]: the oldest one that this source is tested on. */
const OLDEST_VERSION = [23, 6] as const;

/** How versions before 21.10 begin an error. */
const OLD_ERROR = /^Code: \d+, e\.displayText\(\) = /;

/**
 * Refuses a server that is too old.
 *
 * @param version as `version()` gives it.
 * @throws ConnectorError (config_error).
 */
export function refuseOldVersion(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_VERSION;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw createTooOldError(`ClickHouse ${version === '' ? '(no version)' : version}`);
}

/**
 * Refuses an answer that only a server writes which is too old: a client of today does not take it for an error of
 * ClickHouse, and a server so old may fail at the first query, before its version is known.
 *
 * @throws ConnectorError (config_error).
 */
export function refuseOldError(answer: string): void {
  if (!OLD_ERROR.test(answer)) return;
  const [, version] = /\(version (\d[\d.]*)/.exec(answer) ?? [];
  throw createTooOldError(version === undefined ? 'a ClickHouse from before version 21.10' : `ClickHouse ${version}`);
}

function createTooOldError(server: string): Error {
  return sourceError(
    'clickhouse_too_old',
    `The server is ${server}, which is too old: ${OLDEST_VERSION.join('.')} or later is needed, the oldest version that this connector is tested on. Upgrade the server, or read from a newer replica.`,
  );
}
