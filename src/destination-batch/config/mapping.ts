import { z } from 'zod';
import { EVENT_NAME } from '../batch/limits.ts';
import { strictOptions } from './strict-options.ts';

/** The columns of Cloud Sync (docs/batch-api.md, CS/ch-ev 1.2 and 1.3), where the mapping names no others. */
const CUSTOM_ID = 'custom_id';
const EVENT_NAME_COLUMN = 'event_name';
const EVENT_TIME = 'event_time';

/** What a row can't do without. */
export const REQUIRED_FIELDS = [CUSTOM_ID, EVENT_NAME_COLUMN] as const;

/** The cursor of Cloud Sync (docs/batch-api.md, CS/ch-ev 1.2), which only the source uses. */
const CURSOR = 'last_updated_at';

/** Columns that PyAirbyte and other platforms add to each row. */
export const PLATFORM_PREFIX = '_airbyte_';

const column = z.string().min(1);

/** Which columns of a row become what. */
export const mappingOptions = strictOptions({
  custom_id_column: column.optional().meta({
    title: 'Profile column',
    description: 'The column with the identifier of the profile. Left empty: custom_id.',
    examples: ['user_id'],
    order: 0,
  }),
  event_name_column: column.optional().meta({
    title: 'Event name column',
    description: 'The column with the name of the event. Left empty: event_name.',
    examples: ['action'],
    order: 1,
  }),
  constant_event_name: z
    .string()
    .regex(EVENT_NAME, 'must be a name that Batch takes: 1 to 30 of a-z, 0-9 and _')
    .optional()
    .meta({
      title: 'One event name for all rows',
      description: 'The name of every event, instead of one from a column. Left empty: the column has it.',
      examples: ['purchase'],
      order: 2,
    }),
  event_time_column: column.optional().meta({
    title: 'Event time column',
    description:
      'The column with the time of the event, RFC 3339 with a zone. Left empty: event_time, if there is such a column; else Batch takes the time of reception.',
    examples: ['occurred_at'],
    order: 3,
  }),
  include_columns: z
    .array(column)
    .optional()
    .meta({
      title: 'Attribute columns',
      description: 'The columns that become attributes, and no others. Left empty: all of them.',
      examples: [['item', 'price', 'url__item_url']],
      order: 4,
    }),
  exclude_columns: z
    .array(column)
    .optional()
    .meta({
      title: 'Columns left out',
      description: 'Columns that do not become attributes, while all others do.',
      examples: [['internal_note']],
      order: 5,
    }),
  plain_text_columns: z
    .array(column)
    .optional()
    .meta({
      title: 'Columns that stay text',
      description:
        'Columns whose texts are sent as they are, also when the whole of one is a JSON array or object. In all others such a text becomes that array or object.',
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
      'For rows whose columns are not called as Batch calls them. Without it every column is taken by its name.',
    order: 7,
  });

export type Mapping = z.output<typeof mappingOptions>;
export type MappingOption = keyof Mapping;

export const DEFAULT_MAPPING: Mapping = mappingOptions.parse({});

/** The columns with a meaning of their own. Without a column for its name an event has the constant one. */
export type RoleColumns = { customId: string; eventName: string | undefined; eventTime: string };

export function resolveRoleColumns(mapping: Mapping): RoleColumns {
  return {
    customId: mapping.custom_id_column ?? CUSTOM_ID,
    eventName: mapping.constant_event_name === undefined ? (mapping.event_name_column ?? EVENT_NAME_COLUMN) : undefined,
    eventTime: mapping.event_time_column ?? EVENT_TIME,
  };
}

/** Whether a column becomes an attribute, as far as its name tells. `cursorColumn` is one that is for the source alone. */
export function selectAttributeColumns(mapping: Mapping, cursorColumn?: string): (column: string) => boolean {
  const { customId, eventName, eventTime } = resolveRoleColumns(mapping);
  const never = new Set([customId, eventName, eventTime, CURSOR, cursorColumn, ...(mapping.exclude_columns ?? [])]);
  const included = mapping.include_columns ?? [];
  const only = included.length === 0 ? undefined : new Set(included);
  return (column) =>
    !never.has(column) && !column.startsWith(PLATFORM_PREFIX) && (only === undefined || only.has(column));
}

/** What an option of the mapping asks for that another one, or the nature of the thing, forbids. */
function* findContradictions(mapping: Mapping): Generator<{ option: MappingOption; error: string }> {
  const { custom_id_column, event_name_column, constant_event_name, event_time_column } = mapping;
  const { include_columns: included = [], exclude_columns: excluded = [], plain_text_columns: plain = [] } = mapping;
  if (constant_event_name !== undefined && event_name_column !== undefined) {
    yield {
      option: 'constant_event_name',
      error: 'contradicts event_name_column. Give one of them: a name for all rows, or the column that has it',
    };
  }
  if (included.length > 0 && excluded.length > 0) {
    yield {
      option: 'exclude_columns',
      error: 'contradicts include_columns. Give one of them: what is not included is left out anyway',
    };
  }
  const { customId, eventName, eventTime } = resolveRoleColumns(mapping);
  const roles = [
    ['custom_id_column', customId, custom_id_column],
    ['event_name_column', eventName, event_name_column],
    ['event_time_column', eventTime, event_time_column],
  ] as const;
  const taken = new Map<string, MappingOption>();
  for (const [option, column, given] of roles) {
    if (column === undefined) continue;
    const other = taken.get(column);
    if (other !== undefined) {
      // The one that the user wrote is the one to change; the other may be a default.
      const [at, against] = given === undefined ? [other, option] : [option, other];
      yield {
        option: at,
        error: `names the column "${column}", which is that of ${against} already. A column tells one thing alone: name another one`,
      };
    }
    taken.set(column, option);
  }
  for (const [option, columns] of [
    ['include_columns', included],
    ['exclude_columns', excluded],
    ['plain_text_columns', plain],
  ] as const) {
    for (const column of columns) {
      const role = taken.get(column);
      if (role !== undefined) {
        yield { option, error: `names the column "${column}", which is no attribute (${role}). Take it off this list` };
      } else if (column === CURSOR || column.startsWith(PLATFORM_PREFIX)) {
        yield { option, error: `names the column "${column}", which is never sent. Take it off this list` };
      }
    }
  }
  for (const column of plain) {
    if (excluded.includes(column) || (included.length > 0 && !included.includes(column))) {
      yield {
        option: 'plain_text_columns',
        error: `names the column "${column}", which is left out by ${excluded.includes(column) ? 'exclude_columns' : 'include_columns'}. Take it off one of the lists`,
      };
    }
  }
}
