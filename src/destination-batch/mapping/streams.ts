import { type ConfiguredCatalog, type ConfiguredStream, streamKey } from '../../protocol/catalog.ts';
import type { Limits } from '../batch/limits.ts';
import type { Change } from '../codes.ts';
import type { DestinationObject } from '../config/mapping.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import { resolveObject, resolveSettings } from '../config/streams.ts';
import { destinationError } from '../errors.ts';
import { ItemArena } from '../item-arena.ts';
import { readColumnTypes } from './column-types.ts';
import { EventMapper } from './mapper.ts';
import { findMappingErrors } from './mapping-check.ts';
import { ProfileMapper } from './profile/profile-mapper.ts';
import type { MapperOptions } from './rules.ts';

/** A stream of the catalog. `key` is unique among all streams. */
export type DestinationStream = {
  name: string;
  key: string;
  /** Whether the name is unique across all namespaces. */
  hasUniqueName: boolean;
} & ObjectMapper;

/** The object that the rows of a stream become, and its mapper. */
type ObjectMapper =
  | { object: 'profile_event'; mapper: EventMapper }
  | { object: 'profile_attributes'; mapper: ProfileMapper };

/** A stream whose rows become events. */
export type EventStream = Extract<DestinationStream, { object: 'profile_event' }>;

type NamespacedStream = DestinationStream & { namespace: string | undefined };

/** The streams of a catalog, which can be found by name. */
export class DestinationStreams {
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
  find(name: string, namespace: string | undefined): DestinationStream | undefined {
    const streams = this.#byName.get(name) ?? [];
    return streams.length === 1 ? streams[0] : streams.find((stream) => stream.namespace === namespace);
  }
}

/**
 * Creates the streams of the catalog, each with its mapper.
 *
 * @param arena holds the events, and the attributes of profiles.
 * @throws ConnectorError (config_error) if the catalog names an unknown object, or if the mapping does not fit a stream, for
 *   example because the stream lacks a column.
 */
export function createDestinationStreams(
  configuration: Pick<
    DestinationConfiguration,
    'limits' | 'policies' | 'mapping' | 'streams' | 'event_id_attribute' | 'flush_interval_seconds'
  >,
  catalog: ConfiguredCatalog,
  now: () => number,
  onChange: (stream: string, change: Change) => void,
  arena = new ItemArena(),
): DestinationStreams {
  const { limits, event_id_attribute: eventIdAttribute, flush_interval_seconds: flushSeconds } = configuration;
  const streams = catalog.streams.map(({ stream, destination_object_name }) => ({
    name: stream.name,
    object: resolveObject(configuration, { stream, destination_object_name }),
    namespace: stream.namespace ?? undefined,
    key: streamKey(stream),
    settings: resolveSettings(configuration, stream.name),
    cursorColumn: findSourceCursor(stream),
    columns: listColumns(stream),
    columnTypes: readColumnTypes(stream),
  }));
  const errors = findMappingErrors(configuration, streams);
  if (errors.length > 0) throw destinationError('mapping_unfit', errors.join(' '));
  return new DestinationStreams(
    streams.map(({ name, object, namespace, key, settings, cursorColumn, columnTypes }) => ({
      name,
      namespace,
      key,
      hasUniqueName: streams.every((other) => other.name !== name || other.key === key),
      ...createMapper(
        object,
        limits,
        {
          ...settings,
          stream: name,
          columnTypes,
          eventIdAttribute,
          cursorColumn,
          flushIntervalMs: flushSeconds * 1000,
          now,
          onChange: (change) => onChange(name, change),
        },
        arena,
      ),
    })),
  );
}

function createMapper(
  object: DestinationObject,
  limits: Limits,
  options: Partial<MapperOptions>,
  arena: ItemArena,
): ObjectMapper {
  return object === 'profile_event'
    ? { object, mapper: new EventMapper(limits, options, arena) }
    : { object, mapper: new ProfileMapper(limits, options, arena) };
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
