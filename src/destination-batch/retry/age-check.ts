import type { ConfiguredCatalog } from '../../protocol/catalog.ts';
import { resolveRoleColumns } from '../config/mapping.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import { readColumnTypes } from '../mapping/column-types.ts';
import { normalizeDateTime, normalizeTimestamp, toEpochMs } from '../mapping/timestamp.ts';
import type { StoredRow } from './selection.ts';

const HOUR_MS = 3_600_000;

/**
 * Returns a function that checks whether the event of a row is older than Batch accepts (`limits.event_age_hours`). The policy
 * `untimely_event` decides what is done with such an event.
 *
 * @param catalog the catalog of the row's run.
 * @param now milliseconds since the epoch.
 */
export function createAgeCheck(
  { mapping, limits }: Pick<DestinationConfiguration, 'mapping' | 'limits'>,
  catalog: ConfiguredCatalog,
  now: number,
): (row: StoredRow) => boolean {
  const { eventTime } = resolveRoleColumns(mapping);
  const declared = new Set(
    catalog.streams.flatMap(({ stream }) =>
      readColumnTypes(stream).get(eventTime) === 'date_time' ? [stream.name] : [],
    ),
  );
  return ({ stream, data }) => {
    const written = data[eventTime];
    if (typeof written !== 'string') return false;
    const time = declared.has(stream) ? normalizeDateTime(written) : normalizeTimestamp(written);
    return time !== undefined && now - toEpochMs(time) > limits.event_age_hours * HOUR_MS;
  };
}
