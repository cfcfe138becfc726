import type { DestinationObject } from '../config/mapping.ts';
import {
  COLUMN_LISTS,
  type Mapping,
  type MappingOption,
  resolveRoleColumns,
  selectAttributeColumns,
} from '../config/mapping.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import { findNameError, findOwnSettings, type StreamSettings } from '../config/streams.ts';
import { AttributeNames } from './attribute-name.ts';

/** A stream of the catalog. `columns` is undefined if the stream's schema does not list them. */
type Stream = {
  name: string;
  settings: StreamSettings;
  object: DestinationObject;
  cursorColumn: string | undefined;
  columns: ReadonlySet<string> | undefined;
};

type Configuration = Pick<DestinationConfiguration, 'mapping' | 'streams' | 'event_id_attribute'>;

/** Finds errors in a mapping that would affect every row, so that they can be reported before any row is sent. */
export function findMappingErrors(configuration: Configuration, streams: readonly Stream[]): string[] {
  return [
    ...streams.flatMap((stream) => findMissingColumns(configuration, stream, streams.length > 1)),
    ...streams.flatMap(findEventNameErrors),
    ...findUnknownColumns(configuration.mapping, streams, 'mapping', 'no stream in the catalog has'),
    ...streams.flatMap((stream) => {
      const { mapping = {} } = findOwnSettings(configuration, stream.name);
      return findUnknownColumns(mapping, [stream], `streams.${stream.name}.mapping`, 'the stream does not have');
    }),
    ...streams.flatMap((stream) =>
      stream.object === 'profile_event'
        ? findIdNameConflicts(configuration, stream)
        : refuseEventId(configuration, stream.name),
    ),
  ];
}

/**
 * Finds required columns that a stream lacks. Without them, every row would be rejected or lose its time.
 *
 * @param hasOthers whether the catalog has other streams. If so, the general mapping applies to them too.
 */
function findMissingColumns(
  configuration: Configuration,
  { name, object, settings, columns }: Stream,
  hasOthers: boolean,
): string[] {
  const { mapping } = settings;
  const { customId, eventName, eventTime } = resolveRoleColumns(mapping);
  const own = findOwnSettings(configuration, name).mapping ?? {};
  const pathOf = (option: MappingOption): string =>
    hasOthers || own[option] !== undefined ? `streams.${name}.mapping.${option}` : `mapping.${option}`;
  const neededByEvents = [
    ['event_name_column', eventName, 'the event name'],
    // The time column is optional unless the configuration names it.
    ['event_time_column', mapping.event_time_column === undefined ? undefined : eventTime, 'the event time'],
  ] as const;
  const needed = [
    ['custom_id_column', customId, 'the profile id'] as const,
    ...(object === 'profile_event' ? neededByEvents : []),
  ];
  return needed.flatMap(([option, column, what]) => {
    if (column === undefined || columns === undefined || columns.has(column)) return [];
    // A table without event names may be a table of profiles.
    const hint =
      option === 'event_name_column'
        ? ` If its rows are attributes of profiles, set streams.${name}.object to profile_attributes.`
        : '';
    return [
      `The stream "${name}" has no column "${column}" for ${what}. Set ${pathOf(option)} to another column, or add "${column}" in a view.${hint}`,
    ];
  });
}

/**
 * Finds columns in the lists (see COLUMN_LISTS) that none of these streams has. They are probably typos. It is not an error if only
 * some streams lack a column.
 *
 * @param path the path of the mapping in the configuration.
 */
function findUnknownColumns(mapping: Mapping, streams: readonly Stream[], path: string, missing: string): string[] {
  const known = new Set<string>();
  for (const { columns } of streams) {
    if (columns === undefined) return [];
    for (const column of columns) known.add(column);
  }
  if (known.size === 0) return [];
  return COLUMN_LISTS.flatMap((option) =>
    (mapping[option] ?? [])
      .filter((column) => !known.has(column))
      .map(
        (column) =>
          `${path}.${option} names the column "${column}", which ${missing}. Check its spelling and capitalization, or remove it from the list.`,
      ),
  );
}

/** Finds columns that would become an attribute with the name of event_id_attribute. */
function findIdNameConflicts({ event_id_attribute }: Configuration, { settings, ...stream }: Stream): string[] {
  if (event_id_attribute === undefined) return [];
  const names = new AttributeNames(settings.policies);
  const id = names.createReserved(event_id_attribute).uses;
  const isAttribute = selectAttributeColumns(settings.mapping, stream.cursorColumn);
  return [...(stream.columns ?? [])]
    .filter((column) => isAttribute(column) && names.parseColumn(column).uses === id)
    .map(
      (column) =>
        `event_id_attribute is "${event_id_attribute}", but the column "${column}" of the stream "${stream.name}" becomes an attribute with that name too. Choose another event_id_attribute.`,
    );
}

/** Finds an event name that comes from the name of the stream, but is not a valid one. */
function findEventNameErrors({ name, object, settings }: Stream): string[] {
  const error = object === 'profile_event' ? findNameError(settings.mapping, name) : undefined;
  return error === undefined ? [] : [toSentence(error)];
}

function toSentence(error: string): string {
  return `${error.charAt(0).toUpperCase()}${error.slice(1)}.`;
}

/** Reports that event_id_attribute does not apply to a stream of profile attributes. */
function refuseEventId({ event_id_attribute }: Configuration, stream: string): string[] {
  if (event_id_attribute === undefined) return [];
  return [
    `event_id_attribute adds an id to events, but the rows of the stream "${stream}" become attributes of profiles. Remove event_id_attribute, or use a separate configuration for this stream.`,
  ];
}
