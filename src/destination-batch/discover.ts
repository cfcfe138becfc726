import type { DestinationOperation, JsonSchema } from '../protocol/messages.ts';
import { NAME_FORM } from './batch/limits.ts';
import { type Mapping, resolveCustomIdColumn, resolveRoleColumns, selectProfileColumns } from './config/mapping.ts';
import type { DestinationConfiguration } from './config/schema.ts';
import { NATIVE_COLUMNS } from './mapping/profile/native-attributes.ts';

/** Any JSON value. */
const ANY_TYPE = { type: ['null', 'string', 'number', 'boolean', 'array', 'object'] };

const CUSTOM_ID = { type: 'string', description: 'The id of the profile' };

/**
 * Returns the operations: add events to profiles, and set attributes of profiles. Their schemas contain the columns that `write` needs
 * with this mapping. Other columns become attributes.
 */
export function discover({ mapping }: Pick<DestinationConfiguration, 'mapping'>): DestinationOperation[] {
  const customId = resolveCustomIdColumn(mapping);
  return [
    { object_name: 'profile_event', sync_mode: 'append', json_schema: describeEvents(mapping) },
    {
      object_name: 'profile_attributes',
      sync_mode: 'append_dedup',
      matching_keys: [[customId]],
      json_schema: describeAttributes(mapping, customId),
    },
  ];
}

function describeEvents(mapping: Mapping): JsonSchema {
  const { customId, eventName, eventTime } = resolveRoleColumns(mapping);
  const name = { type: 'string', description: `The name of the event: ${NAME_FORM}` };
  return createSchema(
    [
      customId,
      ...(eventName === undefined ? [] : [eventName]),
      // The time is optional unless the mapping names its column.
      ...(mapping.event_time_column === undefined ? [] : [eventTime]),
    ],
    {
      ...describeListedColumns(mapping),
      [customId]: CUSTOM_ID,
      ...(eventName === undefined ? {} : { [eventName]: name }),
      [eventTime]: {
        type: ['null', 'string'],
        format: 'date-time',
        description: 'The time of the event. If it is missing, Batch uses the time at which it receives the event',
      },
    },
  );
}

function describeAttributes(mapping: Mapping, customId: string): JsonSchema {
  const isAttribute = selectProfileColumns(mapping);
  const natives = NATIVE_COLUMNS.filter(({ column }) => isAttribute(column)).map(({ column, description }) => [
    column,
    { type: ['null', 'string'], description },
  ]);
  return createSchema([customId], {
    ...describeListedColumns(mapping),
    ...Object.fromEntries(natives),
    [customId]: CUSTOM_ID,
  });
}

/** Describes the columns that the mapping lists as attributes, so that a platform can offer them. */
function describeListedColumns({ include_columns = [], plain_text_columns = [] }: Mapping): JsonSchema {
  return Object.fromEntries([...include_columns, ...plain_text_columns].map((column) => [column, ANY_TYPE]));
}

function createSchema(required: readonly string[], properties: JsonSchema): JsonSchema {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    additionalProperties: true,
    required,
    properties,
  };
}
