import { sourceError } from '../errors/codes.ts';

/** The oldest supported version of ClickHouse, as [major, minor]. It is the oldest version that this source is tested with. */
const OLDEST_VERSION = [23, 6] as const;

/** The beginning of an error from a version before 21.10. */
const OLD_ERROR = /^Code: \d+, e\.displayText\(\) = /;

/**
 * Refuses a server that is too old.
 *
 * @param version the version, as `version()` returns it.
 * @throws ConnectorError (config_error).
 */
export function refuseOldVersion(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_VERSION;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw createTooOldError(`ClickHouse ${version === '' ? '(no version)' : version}`);
}

/**
 * Refuses a server if its response is an error in the format of versions that are too old. The client doesn't recognise that
 * format, and an old server may fail at the first query, before its version is known.
 *
 * @throws ConnectorError (config_error).
 */
export function refuseOldError(response: string): void {
  if (!OLD_ERROR.test(response)) return;
  const [, version] = /\(version (\d[\d.]*)/.exec(response) ?? [];
  throw createTooOldError(version === undefined ? 'a ClickHouse version before 21.10' : `ClickHouse ${version}`);
}

function createTooOldError(server: string): Error {
  return sourceError(
    'clickhouse_too_old',
    `The server runs ${server}, which is too old. This connector needs ${OLDEST_VERSION.join('.')} or later, because older versions are not tested. Upgrade the server, or read from a newer replica.`,
  );
}
