import type { DestinationOperation } from '../protocol/messages.ts';
import { NAME_FORM } from './batch/limits.ts';
import { REQUIRED_FIELDS } from './config/mapping.ts';

/** Returns the only operation: add events to profiles. Columns other than those listed here become attributes. */
export function discover(): DestinationOperation[] {
  return [
    {
      object_name: 'profile_event',
      sync_mode: 'append',
      json_schema: {
        $schema: 'http://json-schema.org/draft-07/schema#',
        type: 'object',
        additionalProperties: true,
        required: [...REQUIRED_FIELDS],
        properties: {
          custom_id: { type: 'string', description: 'The id of the profile' },
          event_name: { type: 'string', description: `The name of the event: ${NAME_FORM}` },
          event_time: {
            type: ['null', 'string'],
            format: 'date-time',
            description: 'The time of the event. If it is missing, Batch uses the time at which it receives the event',
          },
        },
      },
    },
  ];
}
