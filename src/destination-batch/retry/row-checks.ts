import { type ConfiguredCatalog, streamKey } from '../../protocol/catalog.ts';
import { resolveRoleColumns } from '../config/mapping.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import { resolveObject, resolveSettings } from '../config/streams.ts';
import { readColumnTypes } from '../mapping/column-types.ts';
import { normalizeDateTime, normalizeTimestamp, toEpochMs } from '../mapping/timestamp.ts';
import type { StoredRow } from './selection.ts';

const HOUR_MS = 3_600_000;

type Configuration = Pick<DestinationConfiguration, 'mapping' | 'policies' | 'streams' | 'limits'>;

/** What is known about rows before they are mapped. */
export type RowChecks = {
  /** Checks whether a row has an event that is older than Batch accepts (`limits.event_age_hours`). */
  isTooOld: (row: StoredRow) => boolean;
  /** Checks whether a row has attributes of a profile. */
  hasAttributes: (row: StoredRow) => boolean;
};

/**
 * Creates the checks for the rows of a run.
 *
 * @param catalog the catalog of the run. Streams may be added to it later.
 * @param now milliseconds since the epoch.
 */
export function createRowChecks(configuration: Configuration, catalog: ConfiguredCatalog, now: number): RowChecks {
  const isTooOld = createAgeCheck(configuration, catalog, now);
  const known = new Map<string, boolean>();
  const hasAttributes = (row: StoredRow): boolean => {
    const key = streamKey({ name: row.stream, namespace: row.namespace });
    const found = known.get(key) ?? isOfAttributes(configuration, catalog, row);
    known.set(key, found);
    return found;
  };
  return { hasAttributes, isTooOld: (row) => !hasAttributes(row) && isTooOld(row) };
}

/** Checks whether a row has attributes of a profile. Finds the stream of the row in the catalog as `write` does. */
function isOfAttributes(
  configuration: Configuration,
  { streams }: ConfiguredCatalog,
  { stream: name, namespace }: StoredRow,
): boolean {
  const ofThatName = streams.filter(({ stream }) => stream.name === name);
  const found =
    ofThatName.length === 1
      ? ofThatName[0]
      : ofThatName.find(({ stream }) => (stream.namespace ?? undefined) === namespace);
  return resolveObject(configuration, found ?? { stream: { name } }) === 'profile_attributes';
}

/** The column with the time of an event, and the function that parses it. */
type TimeReader = { eventTime: string; normalize: typeof normalizeTimestamp };

/** Returns a function that checks the age of a row's event. The policy `untimely_event` decides what is done with such an event. */
function createAgeCheck(
  configuration: Configuration,
  catalog: ConfiguredCatalog,
  now: number,
): (row: StoredRow) => boolean {
  const maxAge = configuration.limits.event_age_hours * HOUR_MS;
  const createReader = (name: string): TimeReader => {
    const { eventTime } = resolveRoleColumns(resolveSettings(configuration, name).mapping);
    const found = catalog.streams.find(({ stream }) => stream.name === name);
    const isDateTime = found !== undefined && readColumnTypes(found.stream).get(eventTime) === 'date_time';
    return { eventTime, normalize: isDateTime ? normalizeDateTime : normalizeTimestamp };
  };
  const readers = new Map<string, TimeReader>();
  return ({ stream, data }) => {
    const reader = readers.get(stream) ?? createReader(stream);
    readers.set(stream, reader);
    const written = data[reader.eventTime];
    const time = typeof written === 'string' ? reader.normalize(written) : undefined;
    return time !== undefined && now - toEpochMs(time) > maxAge;
  };
}
