import type { JsonSchema } from '../../protocol/messages.ts';
import { type ClickHouseType, isNullable } from './clickhouse-type.ts';

/**
 * Builds the JSON schema (draft 7, with Airbyte's airbyte_type) of the values that `jsonSql` writes for a column of this type.
 * https://docs.airbyte.com/platform/understanding-airbyte/supported-data-types
 */
export function buildColumnSchema(type: ClickHouseType): JsonSchema {
  const schema = buildValueSchema(type);
  if (!isNullable(type) && !canBecomeNull(type)) return schema;
  return typeof schema.type === 'string' ? { ...schema, type: ['null', schema.type] } : schema;
}

function buildValueSchema(type: ClickHouseType): JsonSchema {
  switch (type.kind) {
    case 'nullable':
    case 'low_cardinality':
      return buildValueSchema(type.of);
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
      return { type: 'array', items: buildColumnSchema(type.of) };
    case 'tuple':
      return buildTupleSchema(type.elements);
    case 'map':
    case 'json':
      // The type of the values of a Map isn't given, because Airbyte requires `additionalProperties` to be true.
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

/** A tuple is an object if all its elements have names, otherwise an array. */
function buildTupleSchema(elements: { name: string | undefined; type: ClickHouseType }[]): JsonSchema {
  const properties = elements.flatMap(({ name, type }) =>
    name === undefined ? [] : [[name, buildColumnSchema(type)]],
  );
  if (elements.length === 0 || properties.length < elements.length) return { type: 'array', items: {} };
  // Not assigned one by one, because an element may be named `__proto__`.
  return { type: 'object', properties: Object.fromEntries(properties) };
}

/** Whether values of a type can be sent as null because they are NaN or an infinity, which JSON doesn't have. */
function canBecomeNull(type: ClickHouseType): boolean {
  return type.kind === 'float' || (type.kind === 'low_cardinality' && canBecomeNull(type.of));
}
