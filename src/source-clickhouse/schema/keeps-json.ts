import type { ClickHouseType } from './clickhouse-type.ts';
import { isJsonNumber } from './json-sql.ts';

/**
 * Whether a column's values keep their JSON when its type changes, so that its rows keep their hashes. Examples are an Enum with
 * more values, a wider integer, a type that becomes Nullable or LowCardinality, and a different time zone.
 */
export function keepsJson(before: ClickHouseType, now: ClickHouseType): boolean {
  if (before.name === now.name) return true;
  if (before.kind === 'low_cardinality') return keepsJson(before.of, now);
  switch (now.kind) {
    case 'low_cardinality':
      return keepsJson(before, now.of);
    case 'nullable':
      return keepsJson(before.kind === 'nullable' ? before.of : before, now.of);
    case 'array':
      return before.kind === 'array' && keepsJson(before.of, now.of);
    case 'integer':
      return before.kind === 'integer' && isWider(before, now) && isJsonNumber(before) === isJsonNumber(now);
    case 'decimal':
      return before.kind === 'decimal' && before.scale === now.scale;
    case 'date_time':
      return before.kind === 'date_time' && before.precision === now.precision;
    case 'date':
      return before.name === 'Date' && now.name === 'Date32';
    case 'enumeration':
      return before.kind === 'enumeration';
    case 'string':
      return before.kind === 'enumeration';
    default:
      return false;
  }
}

type Integer = Extract<ClickHouseType, { kind: 'integer' }>;

function isWider(before: Integer, now: Integer): boolean {
  return before.signed === now.signed ? before.bits <= now.bits : !before.signed && before.bits < now.bits;
}
