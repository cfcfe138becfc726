import { Ajv, type ValidateFunction } from 'ajv';

/**
 * The form of the messages in version 0.18 of the Airbyte protocol, as far as a connector prints them. Stricter than
 * the protocol's own schema in one way: a message contains only its own payload. Other payloads may be null, because some
 * clients write missing ones like this, and a destination echoes them unchanged.
 */
const text = { type: 'string' };
const count = { type: 'number', minimum: 0 };
const object = (required: string[], properties: Record<string, unknown>) => ({ type: 'object', required, properties });
const list = (items: unknown) => ({ type: 'array', items });
const oneOf = (...values: string[]) => ({ enum: values });

const streamDescriptor = object(['name'], { name: text, namespace: { type: ['string', 'null'] } });
const streamState = object(['stream_descriptor'], {
  stream_descriptor: streamDescriptor,
  // Null or missing: the state of a stream that was reset.
  stream_state: { type: ['object', 'null'], minProperties: 1 },
});
const stats = object(['recordCount'], { recordCount: count, rejectedRecordCount: count });

const payloads: Record<string, [string, unknown]> = {
  RECORD: [
    'record',
    object(['stream', 'data', 'emitted_at'], {
      stream: text,
      namespace: text,
      emitted_at: { type: 'integer' },
      data: { type: 'object', minProperties: 1 },
      meta: object(['changes'], {
        changes: list(
          object(['field', 'change', 'reason'], {
            field: text,
            change: oneOf('NULLED', 'TRUNCATED'),
            reason: oneOf('SOURCE_SERIALIZATION_ERROR'),
          }),
        ),
      }),
    }),
  ],
  STATE: [
    'state',
    {
      type: 'object',
      properties: { sourceStats: stats, destinationStats: stats },
      oneOf: [
        object(['type', 'stream'], { type: oneOf('STREAM'), stream: streamState }),
        // The source prints neither of these two; a destination echoes what any source wrote.
        object(['type', 'global'], {
          type: oneOf('GLOBAL'),
          global: object(['stream_states'], { stream_states: list(streamState), shared_state: { type: 'object' } }),
        }),
        object(['data'], { type: oneOf('LEGACY'), data: { type: 'object' } }),
      ],
    },
  ],
  LOG: [
    'log',
    object(['level', 'message'], { level: oneOf('FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE'), message: text }),
  ],
  SPEC: [
    'spec',
    object(['connectionSpecification'], {
      connectionSpecification: { type: 'object', required: ['properties'] },
      documentationUrl: text,
      protocol_version: text,
      supported_destination_sync_modes: list(oneOf('append', 'overwrite', 'append_dedup', 'update', 'soft_delete')),
    }),
  ],
  CONNECTION_STATUS: ['connectionStatus', object(['status'], { status: oneOf('SUCCEEDED', 'FAILED'), message: text })],
  CATALOG: [
    'catalog',
    object(['streams'], {
      streams: list(
        object(['name', 'json_schema', 'supported_sync_modes'], {
          name: text,
          namespace: text,
          json_schema: { type: 'object', required: ['properties'] },
          supported_sync_modes: { ...list(oneOf('full_refresh', 'incremental')), minItems: 1 },
          source_defined_cursor: { type: 'boolean' },
          default_cursor_field: list(text),
          is_resumable: { type: 'boolean' },
        }),
      ),
    }),
  ],
  DESTINATION_CATALOG: [
    'destination_catalog',
    object(['operations'], {
      operations: list(
        object(['object_name', 'sync_mode', 'json_schema'], {
          object_name: text,
          sync_mode: oneOf('append', 'overwrite', 'append_dedup', 'update', 'soft_delete'),
          json_schema: { type: 'object' },
          matching_keys: list(list(text)),
        }),
      ),
    }),
  ],
  TRACE: [
    'trace',
    {
      type: 'object',
      required: ['type', 'emitted_at'],
      oneOf: [
        object(['error'], {
          type: oneOf('ERROR'),
          emitted_at: count,
          error: object(['message', 'failure_type'], {
            message: text,
            internal_message: text,
            stack_trace: text,
            failure_type: oneOf('system_error', 'config_error', 'transient_error'),
            stream_descriptor: streamDescriptor,
          }),
        }),
        object(['estimate'], {
          type: oneOf('ESTIMATE'),
          emitted_at: count,
          estimate: object(['name', 'type'], {
            name: text,
            namespace: text,
            type: oneOf('STREAM'),
            row_estimate: { type: 'integer' },
            byte_estimate: { type: 'integer' },
          }),
        }),
        object(['stream_status'], {
          type: oneOf('STREAM_STATUS'),
          emitted_at: count,
          stream_status: object(['stream_descriptor', 'status'], {
            stream_descriptor: streamDescriptor,
            status: oneOf('STARTED', 'RUNNING', 'COMPLETE', 'INCOMPLETE'),
          }),
        }),
        object(['analytics'], {
          type: oneOf('ANALYTICS'),
          emitted_at: count,
          analytics: object(['type', 'value'], { type: text, value: text }),
        }),
      ],
    },
  ],
};

/** In addition to its payload, a RECORD of the source contains the hash of its row. */
const BESIDE: Record<string, Record<string, unknown>> = {
  RECORD: { row_hash: { type: 'string', pattern: '^[0-9]+$' } },
};

/** The keys of all payloads, including that of the one type that our connectors never print. */
const NO_PAYLOAD = Object.fromEntries(
  [...Object.values(payloads).map(([key]) => key), 'control'].map((key) => [key, { type: 'null' }]),
);

/** Validates one printed message. */
export const validateMessage: ValidateFunction = new Ajv({ strict: false }).compile({
  oneOf: Object.entries(payloads).map(([type, [key, payload]]) => ({
    type: 'object',
    required: ['type', key],
    additionalProperties: false,
    properties: { ...NO_PAYLOAD, ...BESIDE[type], type: { const: type }, [key]: payload },
  })),
});
