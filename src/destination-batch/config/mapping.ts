import { z } from 'zod';
import { EVENT_NAME } from '../batch/limits.ts';
import { nameOption, strictOptions } from './options.ts';

/** The columns of Cloud Sync (docs/batch-api.md, CS/ch-ev 1.2 and 1.3), used unless the mapping names others. */
const CUSTOM_ID = 'custom_id';
const EVENT_NAME_COLUMN = 'event_name';
const EVENT_TIME = 'event_time';

/** The fields that every row needs. */
export const REQUIRED_FIELDS = [CUSTOM_ID, EVENT_NAME_COLUMN] as const;

/** The cursor of Cloud Sync (docs/batch-api.md, CS/ch-ev 1.2). Only the source uses it. */
const CURSOR = 'last_updated_at';

/** Columns that PyAirbyte and other platforms add to each row. */
export const PLATFORM_PREFIX = '_airbyte_';

/** The options that list columns. */
export const COLUMN_LISTS = ['include_columns', 'exclude_columns', 'plain_text_columns'] as const;

const column = z.string().min(1, 'must not be empty');

/** What the columns of a row become. */
export const mappingOptions = strictOptions({
  custom_id_column: column.optional().meta({
    title: 'Profile column',
    description: 'The column with the id of the profile. Left empty: custom_id.',
    examples: ['user_id'],
    order: 0,
  }),
  event_name_column: column.optional().meta({
    title: 'Event name column',
    description: 'The column with the name of the event. Left empty: event_name.',
    examples: ['action'],
    order: 1,
  }),
  constant_event_name: nameOption(EVENT_NAME)
    .optional()
    .meta({
      title: 'One event name for all rows',
      description: 'The name of every event, instead of a column. Left empty: the event name column is used.',
      examples: ['purchase'],
      order: 2,
    }),
  event_time_column: column.optional().meta({
    title: 'Event time column',
    description:
      'The column with the time of the event, in RFC 3339 with a time zone. Left empty: event_time. Without such a column, Batch uses the time at which it receives the event.',
    examples: ['occurred_at'],
    order: 3,
  }),
  include_columns: z
    .array(column)
    .optional()
    .meta({
      title: 'Attribute columns',
      description: 'The only columns that become attributes. Left empty: all columns.',
      examples: [['item', 'price', 'url__item_url']],
      order: 4,
    }),
  exclude_columns: z
    .array(column)
    .optional()
    .meta({
      title: 'Excluded columns',
      description: 'Columns that do not become attributes. All other columns do.',
      examples: [['internal_note']],
      order: 5,
    }),
  plain_text_columns: z
    .array(column)
    .optional()
    .meta({
      title: 'Plain text columns',
      description:
        'Columns whose strings are sent as strings, even if they contain a JSON array or object. In other columns, such a string is sent as an array or object.',
      examples: [['raw_payload']],
      order: 6,
    }),
})
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
type MappingOption = keyof Mapping;

type Contradiction = { option: MappingOption; error: string };

export const DEFAULT_MAPPING: Mapping = mappingOptions.parse({});

/** The columns that are no attributes. Without an event name column every event has the constant name. */
export type RoleColumns = { customId: string; eventName: string | undefined; eventTime: string };

export function resolveRoleColumns(mapping: Mapping): RoleColumns {
  return {
    customId: mapping.custom_id_column ?? CUSTOM_ID,
    eventName: mapping.constant_event_name === undefined ? (mapping.event_name_column ?? EVENT_NAME_COLUMN) : undefined,
    eventTime: mapping.event_time_column ?? EVENT_TIME,
  };
}

/** Returns whether a column with a given name becomes an attribute. Only the source uses `cursorColumn`. */
export function selectAttributeColumns(mapping: Mapping, cursorColumn?: string): (column: string) => boolean {
  const { customId, eventName, eventTime } = resolveRoleColumns(mapping);
  const never = new Set([customId, eventName, eventTime, CURSOR, cursorColumn, ...(mapping.exclude_columns ?? [])]);
  const included = mapping.include_columns ?? [];
  const only = included.length === 0 ? undefined : new Set(included);
  return (column) =>
    !never.has(column) && !column.startsWith(PLATFORM_PREFIX) && (only === undefined || only.has(column));
}

/** Options that contradict each other, or name a column that can't have that role. */
function findContradictions(mapping: Mapping): Contradiction[] {
  return [
    ...findExclusiveOptions(mapping),
    ...findSharedColumns(mapping),
    ...findUnsentColumns(mapping),
    ...findOmittedTextColumns(mapping),
  ];
}

/** Options of which only one can be given. */
function findExclusiveOptions(mapping: Mapping): Contradiction[] {
  const { event_name_column, constant_event_name, include_columns = [], exclude_columns = [] } = mapping;
  const found: Contradiction[] = [];
  if (constant_event_name !== undefined && event_name_column !== undefined) {
    found.push({
      option: 'constant_event_name',
      error: 'contradicts event_name_column. Set only one of them: a name for all rows, or a column',
    });
  }
  if (include_columns.length > 0 && exclude_columns.length > 0) {
    found.push({
      option: 'exclude_columns',
      error: 'contradicts include_columns. Set only one of them: columns that are not included are left out anyway',
    });
  }
  return found;
}

/** Columns with two roles. The error is for the option that the user set; the other may be a default. */
function findSharedColumns(mapping: Mapping): Contradiction[] {
  const optionOf = new Map<string, MappingOption>();
  return listRoles(mapping).flatMap(({ option, column }) => {
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

/** Columns on a list that never become attributes. */
function findUnsentColumns(mapping: Mapping): Contradiction[] {
  const roles = new Map(listRoles(mapping).map(({ option, column }) => [column, option]));
  return COLUMN_LISTS.flatMap((option) =>
    (mapping[option] ?? []).flatMap((column) => {
      const role = roles.get(column);
      if (role === undefined && column !== CURSOR && !column.startsWith(PLATFORM_PREFIX)) return [];
      const why = role === undefined ? 'is never sent' : `is not an attribute (${role})`;
      return { option, error: `names the column "${column}", which ${why}. Remove it from this list` };
    }),
  );
}

/** Plain text columns that another list excludes. */
function findOmittedTextColumns(mapping: Mapping): Contradiction[] {
  const { include_columns: included = [], exclude_columns: excluded = [], plain_text_columns: plain = [] } = mapping;
  return plain.flatMap((column) => {
    const isExcluded = excluded.includes(column);
    if (!isExcluded && (included.length === 0 || included.includes(column))) return [];
    return {
      option: 'plain_text_columns',
      error: `names the column "${column}", which is excluded by ${isExcluded ? 'exclude_columns' : 'include_columns'}. Remove it from one of the lists`,
    };
  });
}

/** The columns that are no attributes, each with the option that names it. */
function listRoles(mapping: Mapping): { option: MappingOption; column: string }[] {
  const { customId, eventName, eventTime } = resolveRoleColumns(mapping);
  return [
    { option: 'custom_id_column', column: customId },
    ...(eventName === undefined ? [] : [{ option: 'event_name_column' as const, column: eventName }]),
    { option: 'event_time_column', column: eventTime },
  ];
}
