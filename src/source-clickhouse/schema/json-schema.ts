import type { JsonSchema } from '../../protocol/messages.ts';
import { type ClickHouseType, isNullable } from './clickhouse-type.ts';

/**
 * The JSON schema (draft 7, with Airbyte's airbyte_type) of what leaves for a column of this type; the counterpart of
 * `jsonText`. https://docs.airbyte.com/platform/understanding-airbyte/supported-data-types
 */
export function columnJsonSchema(type: ClickHouseType): JsonSchema {
  const schema = valueSchema(type);
  if (!isNullable(type) && !becomesNull(type)) return schema;
  return typeof schema.type === 'string' ? { ...schema, type: ['null', schema.type] } : schema;
}

function valueSchema(type: ClickHouseType): JsonSchema {
  switch (type.kind) {
    case 'nullable':
    case 'low_cardinality':
      return valueSchema(type.of);
    case 'boolean':
      return { type: 'boolean' };
    case 'integer':
      return type.bits > 64 ? { type: 'string' } : { type: 'integer', airbyte_type: 'integer' };
    case 'float':
    case 'decimal':
      return { type: 'number' };
    case 'date':
      return { type: 'string', format: 'date' };
    case 'date_time':
      return { type: 'string', format: 'date-time', airbyte_type: 'timestamp_with_timezone' };
    case 'array':
      return { type: 'array', items: columnJsonSchema(type.of) };
    case 'map':
      return { type: 'object', additionalProperties: columnJsonSchema(type.value) };
    case 'tuple':
      return tupleSchema(type.elements);
    case 'json':
      return { type: 'object', additionalProperties: true };
    case 'aggregate_state':
      return { type: 'null' };
    case 'variant':
    case 'dynamic':
      return { type: ['null', 'string', 'number', 'boolean', 'array', 'object'] };
    default:
      return { type: 'string' };
  }
}

/** A tuple leaves as an object when all its elements have names, else as an array. */
function tupleSchema(elements: { name: string | undefined; type: ClickHouseType }[]): JsonSchema {
  const properties = elements.flatMap(({ name, type }) => (name === undefined ? [] : [[name, columnJsonSchema(type)]]));
  if (elements.length === 0 || properties.length < elements.length) return { type: 'array', items: {} };
  // Not by assignment: an element may be called `__proto__`.
  return { type: 'object', properties: Object.fromEntries(properties) };
}

/** NaN and the infinities are no JSON: ClickHouse writes null for them. */
function becomesNull(type: ClickHouseType): boolean {
  return type.kind === 'float' || (type.kind === 'low_cardinality' && becomesNull(type.of));
}
