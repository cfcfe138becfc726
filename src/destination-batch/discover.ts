import { isDeepStrictEqual } from 'node:util';
import type { DestinationOperation, JsonSchema } from '../protocol/messages.ts';
import { NAME_FORM } from './batch/limits.ts';
import {
  type DestinationObject,
  type Mapping,
  resolveCustomIdColumn,
  resolveRoleColumns,
  selectProfileColumns,
} from './config/mapping.ts';
import { type GeneralSettings, resolveSettings } from './config/streams.ts';
import { NATIVE_COLUMNS } from './mapping/profile/native-attributes.ts';

/** The columns of a mapping: those that `write` needs, and the schemas of those that are known. */
type Columns = { required: readonly string[]; properties: Record<string, JsonSchema> };

/** Any JSON value. */
const ANY_TYPE = { type: ['null', 'string', 'number', 'boolean', 'array', 'object'] };

const CUSTOM_ID = { type: 'string', description: 'The id of the profile' };

/**
 * Returns the two operations: add events to profiles, and set attributes of profiles. The schema of an operation describes the
 * columns that the mappings name, and the columns for Batch's own attributes. Other columns become attributes if the mapping
 * selects them.
 *
 * An operation can be used for any stream, and each stream can have its own mapping. For every required column, a platform makes
 * the user choose a column of the stream, and renames it. So a column is required only if all mappings need it. The other columns
 * are only described.
 */
export function discover(settings: GeneralSettings): DestinationOperation[] {
  const profiles = listMappings(settings, 'profile_attributes');
  const ids = new Set(profiles.map(resolveCustomIdColumn));
  return [
    {
      object_name: 'profile_event',
      sync_mode: 'append',
      json_schema: createSchema(listMappings(settings, 'profile_event').map(describeEvents)),
    },
    {
      object_name: 'profile_attributes',
      sync_mode: 'append_dedup',
      matching_keys: [...ids].map((id) => [id]),
      json_schema: createSchema(profiles.map(describeAttributes)),
    },
  ];
}

/** Lists the general mapping, and those of the streams whose rows can become this object. */
function listMappings(settings: GeneralSettings, object: DestinationObject): Mapping[] {
  const streams = Object.entries(settings.streams).filter(([, own]) => (own.object ?? object) === object);
  return [settings.mapping, ...streams.map(([stream]) => resolveSettings(settings, stream).mapping)];
}

function describeEvents(mapping: Mapping): Columns {
  const { customId, eventName, eventTime } = resolveRoleColumns(mapping);
  const name = { type: 'string', description: `The name of the event: ${NAME_FORM}` };
  return {
    required: [
      customId,
      ...(eventName === undefined ? [] : [eventName]),
      // The time is optional unless the mapping names its column.
      ...(mapping.event_time_column === undefined ? [] : [eventTime]),
    ],
    properties: {
      ...describeListedColumns(mapping),
      [customId]: CUSTOM_ID,
      ...(eventName === undefined ? {} : { [eventName]: name }),
      [eventTime]: {
        type: ['null', 'string'],
        format: 'date-time',
        description: 'The time of the event. If it is missing, Batch uses the time at which it receives the event',
      },
    },
  };
}

function describeAttributes(mapping: Mapping): Columns {
  const customId = resolveCustomIdColumn(mapping);
  const isAttribute = selectProfileColumns(mapping);
  const natives = NATIVE_COLUMNS.filter(({ column }) => isAttribute(column)).map(({ column, description }) => [
    column,
    { type: ['null', 'string'], description },
  ]);
  return {
    required: [customId],
    properties: { ...describeListedColumns(mapping), ...Object.fromEntries(natives), [customId]: CUSTOM_ID },
  };
}

/** Describes the columns that the mapping lists as attributes, so that a platform can offer them. */
function describeListedColumns({ include_columns = [], plain_text_columns = [] }: Mapping): Columns['properties'] {
  return Object.fromEntries([...include_columns, ...plain_text_columns].map((column) => [column, ANY_TYPE]));
}

/** Creates one schema that is valid for the rows of all mappings. */
function createSchema(mappings: readonly Columns[]): JsonSchema {
  const properties = new Map<string, JsonSchema>();
  for (const [column, description] of mappings.flatMap((each) => Object.entries(each.properties))) {
    const known = properties.get(column);
    const isSame = known === undefined || isDeepStrictEqual(known, description);
    properties.set(column, isSame ? description : ANY_TYPE);
  }
  const [first, ...others] = mappings.map(({ required }) => required);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    type: 'object',
    additionalProperties: true,
    required: (first ?? []).filter((column) => others.every((required) => required.includes(column))),
    properties: Object.fromEntries(properties),
  };
}
