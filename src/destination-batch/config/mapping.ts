import { z } from 'zod';
import { EVENT_NAME } from '../batch/limits.ts';
import { nameOption, strictOptions } from './options.ts';

/** What the rows of a stream become: events of profiles, or attributes of profiles. `discover` lists these objects. */
export const DESTINATION_OBJECTS = ['profile_event', 'profile_attributes'] as const;

export type DestinationObject = (typeof DESTINATION_OBJECTS)[number];

/** The default column names. Batch's Cloud Sync uses the same names (docs/batch-api.md, section 5). */
const CUSTOM_ID = 'custom_id';
const EVENT_NAME_COLUMN = 'event_name';
const EVENT_TIME = 'event_time';

/**
 * The cursor column that Cloud Sync requires (docs/batch-api.md, section 5). It is needed only for reading, so it never
 * becomes an attribute.
 */
const CURSOR = 'last_updated_at';

/** The prefix of the columns that PyAirbyte and other platforms add to each row. */
export const PLATFORM_PREFIX = '_airbyte_';

/** The names of the options that list columns. */
export const COLUMN_LISTS = ['include_columns', 'exclude_columns', 'plain_text_columns'] as const;

const column = z.string().min(1, 'must not be empty');

/** The options that control how the columns of a row become an event, without the check for contradictions. */
export const uncheckedMapping = strictOptions({
  custom_id_column: column.optional().meta({
    title: 'Profile column',
    description: 'The column with the id of the profile. Defaults to custom_id.',
    examples: ['user_id'],
    order: 0,
  }),
  event_name_column: column.optional().meta({
    title: 'Event name column',
    description: 'The column with the name of the event. Defaults to event_name.',
    examples: ['action'],
    order: 1,
  }),
  constant_event_name: nameOption(EVENT_NAME)
    .optional()
    .meta({
      title: 'One event name for all rows',
      description:
        'The name of every event. If empty, the name comes from the event name column or, if Event name is set, from the stream.',
      examples: ['purchase'],
      order: 2,
    }),
  event_name: strictOptions({
    from: z.enum(['stream']).optional().meta({
      title: 'Name events after',
      description: 'stream: the events of each stream are named after it. If empty, the options above apply.',
      order: 0,
    }),
  })
    .optional()
    .meta({
      title: 'Event name',
      description: 'Names the events after their stream, instead of taking the name from a column or a constant.',
      order: 3,
    }),
  event_time_column: column.optional().meta({
    title: 'Event time column',
    description:
      'The column with the time of the event, in RFC 3339 with a time zone. Defaults to event_time. A stream must have the column that you set here. If you set none and there is no event_time, Batch uses the time at which it receives the event.',
    examples: ['occurred_at'],
    order: 4,
  }),
  include_columns: z
    .array(column)
    .optional()
    .meta({
      title: 'Attribute columns',
      description:
        'The only columns that become attributes. Defaults to all columns, except for those for the profile, the name and the time.',
      examples: [['item', 'price', 'url__item_url']],
      order: 5,
    }),
  exclude_columns: z
    .array(column)
    .optional()
    .meta({
      title: 'Excluded columns',
      description:
        'Columns that do not become attributes, in addition to those for the profile, the name and the time.',
      examples: [['internal_note']],
      order: 6,
    }),
  plain_text_columns: z
    .array(column)
    .optional()
    .meta({
      title: 'Plain text columns',
      description:
        'Columns whose strings are sent as strings, even if they contain a JSON array or object. In other columns, such a string is sent as an array or object.',
      examples: [['raw_payload']],
      order: 7,
    }),
});

/** The mapping of all streams. */
export const mappingOptions = uncheckedMapping
  .superRefine((mapping, context) => {
    for (const { option, error } of findContradictions(mapping)) {
      context.addIssue({ code: 'custom', path: [option], message: error });
    }
  })
  .prefault({})
  .meta({
    title: 'Mapping',
    description:
      'Use this if your columns have names other than custom_id, event_name and event_time, or to choose which columns become attributes.',
    order: 7,
  });

export type Mapping = z.output<typeof mappingOptions>;
export type MappingOption = keyof Mapping;

export type Contradiction = { option: MappingOption; error: string };

/** The options for the name of the events. Only one of them can be set. */
const NAME_OPTIONS = ['event_name_column', 'constant_event_name', 'event_name'] as const;

/** The options that are only for events, and not for attributes of profiles. */
export const EVENT_OPTIONS = [...NAME_OPTIONS, 'event_time_column'] as const;

/** Groups of options. Only one option of each group can be set. */
export const EXCLUSIVE_OPTIONS: readonly (readonly MappingOption[])[] = [
  NAME_OPTIONS,
  ['include_columns', 'exclude_columns'],
];

export const DEFAULT_MAPPING: Mapping = mappingOptions.parse({});

/** Whether events are named after their stream. */
export function isNamedAfterStream({ event_name }: Mapping): boolean {
  return event_name?.from === 'stream';
}

/**
 * The columns for the profile id, the name and the time of an event. They do not become attributes. `eventName` is
 * undefined if the name is the same for all events of a stream.
 */
export type RoleColumns = { customId: string; eventName: string | undefined; eventTime: string };

export function resolveRoleColumns(mapping: Mapping): RoleColumns {
  return {
    customId: resolveCustomIdColumn(mapping),
    eventName:
      mapping.constant_event_name === undefined && !isNamedAfterStream(mapping)
        ? (mapping.event_name_column ?? EVENT_NAME_COLUMN)
        : undefined,
    eventTime: mapping.event_time_column ?? EVENT_TIME,
  };
}

/**
 * Returns a function that checks whether the column with a given name becomes an attribute. `cursorColumn` is needed
 * only for reading, so it never becomes an attribute.
 */
export function selectAttributeColumns(mapping: Mapping, cursorColumn?: string): (column: string) => boolean {
  const { customId, eventName, eventTime } = resolveRoleColumns(mapping);
  return selectColumns(mapping, [customId, eventName, eventTime, cursorColumn]);
}

/** Returns the column with the id of the profile. */
export function resolveCustomIdColumn(mapping: Mapping): string {
  return mapping.custom_id_column ?? CUSTOM_ID;
}

/**
 * Like `selectAttributeColumns`, but for a stream of profile attributes: its rows have no columns for the name and the time of an
 * event, so columns with these names become attributes.
 */
export function selectProfileColumns(mapping: Mapping, cursorColumn?: string): (column: string) => boolean {
  return selectColumns(mapping, [resolveCustomIdColumn(mapping), cursorColumn]);
}

/** Returns a function that checks whether a column becomes an attribute. The columns in `used` don't. */
function selectColumns(mapping: Mapping, used: readonly (string | undefined)[]): (column: string) => boolean {
  const never = new Set([...used, CURSOR, ...(mapping.exclude_columns ?? [])]);
  const included = mapping.include_columns ?? [];
  const only = included.length === 0 ? undefined : new Set(included);
  return (column) =>
    !never.has(column) && !column.startsWith(PLATFORM_PREFIX) && (only === undefined || only.has(column));
}

/** Finds contradictions between the options of a mapping. For example, two options may name the same column. */
export function findContradictions(mapping: Mapping, object: DestinationObject = 'profile_event'): Contradiction[] {
  return [
    ...findExclusiveOptions(mapping),
    ...findSharedColumns(mapping, object),
    ...findUnsentColumns(mapping, object),
    ...findOmittedTextColumns(mapping),
  ];
}

/** Finds mutually exclusive options that are both set. */
function findExclusiveOptions(mapping: Mapping): Contradiction[] {
  const { event_name_column, constant_event_name, include_columns = [], exclude_columns = [] } = mapping;
  const found: Contradiction[] = [];
  if (constant_event_name !== undefined && event_name_column !== undefined) {
    found.push({
      option: 'constant_event_name',
      error: 'contradicts event_name_column. Set only one of the two: a name for all rows, or a column',
    });
  }
  if (isNamedAfterStream(mapping)) {
    const other = NAME_OPTIONS.find((option) => option !== 'event_name' && mapping[option] !== undefined);
    if (other !== undefined)
      found.push({ option: 'event_name', error: `contradicts ${other}. Set only one of the two` });
  }
  if (include_columns.length > 0 && exclude_columns.length > 0) {
    found.push({
      option: 'exclude_columns',
      error: 'contradicts include_columns. Set only one of the two: columns that are not included are left out anyway',
    });
  }
  return found;
}

/**
 * Finds columns that are named by two options. The error is reported for an option that the user has set. The other option may
 * be unset, if the column is its default.
 */
function findSharedColumns(mapping: Mapping, object: DestinationObject): Contradiction[] {
  const optionOf = new Map<string, MappingOption>();
  return listRoles(mapping, object).flatMap(({ option, column }) => {
    const other = optionOf.get(column);
    optionOf.set(column, option);
    if (other === undefined) return [];
    const [changed, kept] = mapping[option] === undefined ? [other, option] : [option, other];
    return {
      option: changed,
      error: `names the column "${column}", which ${kept} already uses. Name another column`,
    };
  });
}

/** Finds columns in the lists (see COLUMN_LISTS) that can never become attributes. */
function findUnsentColumns(mapping: Mapping, object: DestinationObject): Contradiction[] {
  const roles = new Map(listRoles(mapping, object).map(({ option, column }) => [column, option]));
  return COLUMN_LISTS.flatMap((option) =>
    (mapping[option] ?? []).flatMap((column) => {
      const role = roles.get(column);
      if (role === undefined && column !== CURSOR && !column.startsWith(PLATFORM_PREFIX)) return [];
      const why = role === undefined ? 'is never sent' : `is not an attribute: ${role} uses it`;
      return { option, error: `names the column "${column}", which ${why}. Remove it from this list` };
    }),
  );
}

/** Finds plain text columns that are not sent, because they are excluded or not included. */
function findOmittedTextColumns(mapping: Mapping): Contradiction[] {
  const { include_columns: included = [], exclude_columns: excluded = [], plain_text_columns: plain = [] } = mapping;
  return plain.flatMap((column) => {
    const isExcluded = excluded.includes(column);
    if (!isExcluded && (included.length === 0 || included.includes(column))) return [];
    const why = isExcluded
      ? 'exclude_columns also names. Remove it from one of the two lists'
      : 'is missing from include_columns. Add it there, or remove it from this list';
    return { option: 'plain_text_columns', error: `names the column "${column}", which ${why}` };
  });
}

/** Lists the columns for the profile id, and those for the name and the time of an event, each with the option that names it. */
function listRoles(mapping: Mapping, object: DestinationObject): { option: MappingOption; column: string }[] {
  if (object === 'profile_attributes') return [{ option: 'custom_id_column', column: resolveCustomIdColumn(mapping) }];
  const { customId, eventName, eventTime } = resolveRoleColumns(mapping);
  return [
    { option: 'custom_id_column', column: customId },
    ...(eventName === undefined ? [] : [{ option: 'event_name_column' as const, column: eventName }]),
    { option: 'event_time_column', column: eventTime },
  ];
}
