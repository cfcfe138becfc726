import { type ConfiguredCatalog, type ConfiguredStream, streamKey } from '../../protocol/catalog.ts';
import type { Change } from '../codes.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import { resolveSettings } from '../config/streams.ts';
import { destinationError } from '../errors.ts';
import { EventArena } from '../event-arena.ts';
import { readColumnTypes } from './column-types.ts';
import { EventMapper } from './mapper.ts';
import { findMappingErrors } from './mapping-check.ts';

/** A stream of the catalog. `key` is unique among all streams. */
export type EventStream = {
  name: string;
  key: string;
  mapper: EventMapper;
  /** Whether the name is unique across all namespaces. */
  hasUniqueName: boolean;
};

type NamespacedStream = EventStream & { namespace: string | undefined };

/** The streams of a catalog, which can be found by name. */
export class EventStreams {
  readonly #byName = new Map<string, NamespacedStream[]>();

  constructor(streams: readonly NamespacedStream[]) {
    for (const stream of streams) {
      const ofThatName = this.#byName.get(stream.name);
      if (ofThatName === undefined) this.#byName.set(stream.name, [stream]);
      else ofThatName.push(stream);
    }
  }

  /**
   * Finds the stream of a message. If only one stream has the name, the namespace is not compared, because platforms may
   * change or remove it.
   *
   * @returns undefined if no stream has this name, or if several have it but none is in this namespace.
   */
  find(name: string, namespace: string | undefined): EventStream | undefined {
    const streams = this.#byName.get(name) ?? [];
    return streams.length === 1 ? streams[0] : streams.find((stream) => stream.namespace === namespace);
  }
}

/**
 * Creates the streams of the catalog, each with its mapper.
 *
 * @param arena holds the events.
 * @throws ConnectorError (config_error) if the mapping does not fit a stream, for example because the stream lacks a
 * column.
 */
export function createEventStreams(
  configuration: Pick<DestinationConfiguration, 'limits' | 'policies' | 'mapping' | 'streams' | 'event_id_attribute'>,
  catalog: ConfiguredCatalog,
  now: () => number,
  onChange: (stream: string, change: Change) => void,
  arena = new EventArena(),
): EventStreams {
  const { limits, event_id_attribute: eventIdAttribute } = configuration;
  const streams = catalog.streams.map(({ stream }) => ({
    name: stream.name,
    namespace: stream.namespace ?? undefined,
    key: streamKey(stream),
    settings: resolveSettings(configuration, stream.name),
    cursorColumn: findSourceCursor(stream),
    columns: listColumns(stream),
    columnTypes: readColumnTypes(stream),
  }));
  const errors = findMappingErrors(configuration, streams);
  if (errors.length > 0) throw destinationError('mapping_unfit', errors.join(' '));
  return new EventStreams(
    streams.map(({ name, namespace, key, settings, cursorColumn, columnTypes }) => ({
      name,
      namespace,
      key,
      hasUniqueName: streams.every((other) => other.name !== name || other.key === key),
      mapper: new EventMapper(
        limits,
        {
          ...settings,
          stream: name,
          columnTypes,
          eventIdAttribute,
          cursorColumn,
          now,
          onChange: (change) => onChange(name, change),
        },
        arena,
      ),
    })),
  );
}

/** Returns the cursor column if the source defines it. A cursor that the user chose is sent like any other column. */
function findSourceCursor({
  source_defined_cursor,
  default_cursor_field,
}: ConfiguredStream['stream']): string | undefined {
  return source_defined_cursor === true ? (default_cursor_field?.[0] ?? undefined) : undefined;
}

/** Returns the columns of a stream, or undefined if its schema does not list them. */
function listColumns({ json_schema }: ConfiguredStream['stream']): ReadonlySet<string> | undefined {
  const columns = Object.keys(json_schema?.properties ?? {});
  return columns.length === 0 ? undefined : new Set(columns);
}
