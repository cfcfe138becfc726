import type { ConfiguredCatalog, ConfiguredStream } from '../protocol/catalog.ts';
import { ConnectorError } from '../protocol/failure.ts';
import type { DestinationConfiguration } from './configuration.ts';
import { EventMapper } from './event.ts';
import { mappingFaults } from './mapping-check.ts';
import type { Change } from './reason.ts';

/**
 * The mapper of each stream in the catalog.
 *
 * @throws ConnectorError (config_error) when a stream lacks a column that the configuration needs.
 */
export function eventMappers(
  configuration: Pick<DestinationConfiguration, 'limits' | 'policies' | 'mapping' | 'event_id_attribute'>,
  catalog: ConfiguredCatalog,
  now: () => number,
  onChange: (stream: string, change: Change) => void,
): ReadonlyMap<string, EventMapper> {
  const { limits, policies, mapping, event_id_attribute: eventIdAttribute } = configuration;
  const streams = catalog.streams.map(({ stream }) => ({
    name: stream.name,
    cursorColumn: cursorOf(stream),
    columns: columnsOf(stream),
  }));
  const faults = mappingFaults(configuration, streams);
  if (faults.length > 0) throw new ConnectorError('config_error', faults.join(' '));
  return new Map(
    streams.map(({ name, cursorColumn }) => [
      name,
      new EventMapper(limits, {
        stream: name,
        policies,
        mapping,
        eventIdAttribute,
        cursorColumn,
        now,
        onChange: (change) => onChange(name, change),
      }),
    ]),
  );
}

/** The column that a source itself uses to tell which rows are new. What a user chose as cursor may be wanted in Batch. */
function cursorOf({ source_defined_cursor, default_cursor_field }: ConfiguredStream['stream']): string | undefined {
  return source_defined_cursor === true ? (default_cursor_field?.[0] ?? undefined) : undefined;
}

/** The columns that a stream has, if its schema tells. */
function columnsOf({ json_schema }: ConfiguredStream['stream']): ReadonlySet<string> | undefined {
  const columns = Object.keys(json_schema?.properties ?? {});
  return columns.length === 0 ? undefined : new Set(columns);
}
