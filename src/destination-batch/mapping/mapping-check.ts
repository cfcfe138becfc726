import { COLUMN_LISTS, type Mapping, resolveRoleColumns, selectAttributeColumns } from '../config/mapping.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import { AttributeNames } from './attribute-name.ts';

/** A stream of the catalog; its columns are undefined when its schema does not tell them. */
type Stream = { name: string; cursorColumn: string | undefined; columns: ReadonlySet<string> | undefined };

type Configuration = Pick<DestinationConfiguration, 'policies' | 'mapping' | 'event_id_attribute'>;

/** What in a configuration can't be with these streams: told before a row is sent, as it holds for all of them. */
export function findMappingErrors(configuration: Configuration, streams: readonly Stream[]): string[] {
  return [
    ...streams.flatMap((stream) => findMissingColumns(configuration.mapping, stream)),
    ...findUnknownColumns(configuration.mapping, streams),
    ...streams.flatMap((stream) => findIdNameConflicts(configuration, stream)),
  ];
}

/** Each row of a stream without such a column would be rejected, or its time be lost. */
function findMissingColumns(mapping: Mapping, { name, columns }: Stream): string[] {
  const { customId, eventName, eventTime } = resolveRoleColumns(mapping);
  const needed = [
    ['custom_id_column', customId, 'the profile'],
    ['event_name_column', eventName, 'the name of the event'],
    // The time may be missing unless somebody asked for it.
    ['event_time_column', mapping.event_time_column === undefined ? undefined : eventTime, 'the time of the event'],
  ] as const;
  return needed.flatMap(([option, column, what]) => {
    if (column === undefined || columns === undefined || columns.has(column)) return [];
    return [
      `The stream "${name}" has no column "${column}", which is to tell ${what}. Name the column that does in mapping.${option}, or give the stream one of that name, for instance by a view.`,
    ];
  });
}

/** A column on a list may be in one stream and not in another; one that is in none is a slip. */
function findUnknownColumns(mapping: Mapping, streams: readonly Stream[]): string[] {
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
          `mapping.${option} names the column "${column}", which no stream of the catalog has. It may be misspelt: capitals count. Correct it or take it off the list.`,
      ),
  );
}

/** The id is not to push out an attribute of the rows. */
function findIdNameConflicts({ policies, mapping, event_id_attribute }: Configuration, stream: Stream): string[] {
  if (event_id_attribute === undefined) return [];
  const names = new AttributeNames(policies);
  const id = names.createReserved(event_id_attribute).uses;
  const isAttribute = selectAttributeColumns(mapping, stream.cursorColumn);
  return [...(stream.columns ?? [])]
    .filter((column) => isAttribute(column) && names.parseColumn(column).uses === id)
    .map(
      (column) =>
        `event_id_attribute is "${event_id_attribute}", and the column "${column}" of the stream "${stream.name}" becomes an attribute of that name as well. Choose another name for the id.`,
    );
}
