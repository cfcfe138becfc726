import type { ConfiguredCatalog } from '../../protocol/catalog.ts';
import { resolveRoleColumns } from '../config/mapping.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import { resolveSettings } from '../config/streams.ts';
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
  configuration: Pick<DestinationConfiguration, 'mapping' | 'policies' | 'streams' | 'limits'>,
  catalog: ConfiguredCatalog,
  now: number,
): (row: StoredRow) => boolean {
  const maxAge = configuration.limits.event_age_hours * HOUR_MS;
  const readers = new Map(
    catalog.streams.map(({ stream }) => {
      const { eventTime } = resolveRoleColumns(resolveSettings(configuration, stream.name).mapping);
      const isDateTime = readColumnTypes(stream).get(eventTime) === 'date_time';
      return [stream.name, { eventTime, normalize: isDateTime ? normalizeDateTime : normalizeTimestamp }];
    }),
  );
  return ({ stream, data }) => {
    const reader = readers.get(stream);
    const written = reader && data[reader.eventTime];
    const time = typeof written === 'string' ? reader?.normalize(written) : undefined;
    return time !== undefined && now - toEpochMs(time) > maxAge;
  };
}
