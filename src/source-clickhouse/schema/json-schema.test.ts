import { describe, expect, test } from 'vitest';
import type { JsonSchema } from '../../protocol/messages.ts';
import { parseClickHouseType } from './clickhouse-type.ts';
import { buildColumnSchema } from './json-schema.ts';

const INTEGER = { type: 'integer', airbyte_type: 'integer' };
const TIMESTAMP = { type: 'string', format: 'date-time', airbyte_type: 'timestamp_with_timezone' };
const ANYTHING = { type: ['null', 'string', 'number', 'boolean', 'array', 'object'] };

// integration_tests/types/column-types.test.ts validates values of a real server against the schemas.
describe('the JSON schema of a column', () => {
  test.each<[string, JsonSchema]>([
    ['String', { type: 'string' }],
    ['FixedString(3)', { type: 'string' }],
    ['UUID', { type: 'string' }],
    ['IPv6', { type: 'string' }],
    ["Enum8('a' = 1)", { type: 'string' }],
    ['Bool', { type: 'boolean' }],
    ['Int8', INTEGER],
    ['UInt64', INTEGER],
    ['Int128', { type: 'string' }],
    ['UInt256', { type: 'string' }],
    ['Decimal(76, 3)', { type: 'number' }],
    // NaN is sent as null.
    ['Float64', { type: ['null', 'number'] }],
    ['Nullable(Float32)', { type: ['null', 'number'] }],
    ['LowCardinality(Float64)', { type: ['null', 'number'] }],
    ['Array(Float64)', { type: 'array', items: { type: ['null', 'number'] } }],
    ['Date', { type: 'string', format: 'date' }],
    ['Date32', { type: 'string', format: 'date' }],
    ['DateTime', TIMESTAMP],
    ["DateTime64(9, 'Asia/Kolkata')", TIMESTAMP],
    ['Nullable(DateTime)', { ...TIMESTAMP, type: ['null', 'string'] }],
    ['Nullable(UInt64)', { ...INTEGER, type: ['null', 'integer'] }],
    ['Nullable(Int256)', { type: ['null', 'string'] }],
    ['LowCardinality(String)', { type: 'string' }],
    ['LowCardinality(Nullable(String))', { type: ['null', 'string'] }],
    ['Array(Nullable(Date))', { type: 'array', items: { type: ['null', 'string'], format: 'date' } }],
    ['Array(Array(UInt8))', { type: 'array', items: { type: 'array', items: INTEGER } }],
    ['Map(UInt8, Nullable(String))', { type: 'object', additionalProperties: true }],
    [
      'Tuple(a UInt8, `b c` Nullable(String))',
      { type: 'object', properties: { a: INTEGER, 'b c': { type: ['null', 'string'] } } },
    ],
    ['Tuple(UInt8, String)', { type: 'array', items: {} }],
    // Every object in JavaScript has this property.
    [
      'Array(Tuple(`__proto__` UInt8))',
      { type: 'array', items: { type: 'object', properties: JSON.parse(`{"__proto__":${JSON.stringify(INTEGER)}}`) } },
    ],
    [
      'Tuple(a UInt8, b AggregateFunction(sum, UInt64))',
      { type: 'object', properties: { a: INTEGER, b: { type: 'null' } } },
    ],
    // A tuple without elements is sent as [].
    ['Tuple()', { type: 'array', items: {} }],
    ['Nested(a DateTime)', { type: 'array', items: { type: 'object', properties: { a: TIMESTAMP } } }],
    ['Point', { type: 'array', items: {} }],
    ['Ring', { type: 'array', items: { type: 'array', items: {} } }],
    ['Geometry', ANYTHING],
    ['JSON', { type: 'object', additionalProperties: true }],
    ['Nullable(JSON)', { type: ['null', 'object'], additionalProperties: true }],
    ['Variant(String, UInt8)', ANYTHING],
    ['Dynamic', ANYTHING],
    ['SimpleAggregateFunction(sum, UInt64)', INTEGER],
    ['Time64(3)', { type: 'string' }],
    ['Nullable(Time)', { type: ['null', 'string'] }],
    ['Quantum(3)', { type: 'string' }],
  ])('has the values of %s', (name, schema) => {
    expect(buildColumnSchema(parseClickHouseType(name))).toEqual(schema);
  });
});
