import { quoteIdentifier } from '../identifier.ts';
import { type ClickHouseType, innerType } from './clickhouse-type.ts';

/** A piece of SQL and the ClickHouse type of its value. */
export type TypedExpression = { sql: string; type: string };

/** Integers of more bits leave as text: a JSON number that long is refused or rounded by most readers. */
const WIDEST_NUMBER_BITS = 64;

/**
 * The expression whose value, in FORMAT JSONEachRow, is the JSON that leaves for a column: stamps as RFC 3339 in UTC
 * with the digits that the column holds, 64-bit integers as bare digits, wider ones as text, text as valid UTF-8.
 *
 * It is done in the SELECT list because the settings that would do it depend on the server's version and profile, and
 * a user with readonly=1 may not send any (https://clickhouse.com/docs/operations/settings/permissions-for-queries).
 */
export function jsonExpression(type: ClickHouseType, value: string): TypedExpression {
  switch (type.kind) {
    case 'nullable': {
      if (type.of.kind === 'tuple') {
        // A server makes a Nullable(Tuple) only for who asks for it; as text it is what Cloud Sync takes for an object.
        return { sql: `if(isNull(${value}), NULL, toJSONString(${value}))`, type: 'Nullable(String)' };
      }
      const inner = jsonExpression(type.of, value);
      return { sql: inner.sql, type: `Nullable(${inner.type})` };
    }
    case 'low_cardinality':
      // Not named in the type that leaves: the server makes a LowCardinality of numbers only for who asks for it.
      return jsonExpression(type.of, value);
    case 'date_time': {
      const utc = `toString(toTimeZone(${value}, 'UTC'))`;
      return { sql: `concat(replaceOne(${utc}, ' ', 'T'), 'Z')`, type: 'String' };
    }
    case 'date':
      return { sql: `toString(${value})`, type: 'String' };
    case 'string':
      return { sql: `toValidUTF8(${value})`, type: 'String' };
    case 'fixed_string':
      // Padded with zeros to its length; those inside belong to the value.
      return { sql: `toValidUTF8(replaceRegexpOne(${value}, '\\\\x00+$', ''))`, type: 'String' };
    case 'integer':
      if (type.bits < 64) return { sql: value, type: type.name };
      if (type.bits > WIDEST_NUMBER_BITS) return { sql: `toString(${value})`, type: 'String' };
      // 64-bit integers are quoted or not by a setting; a Decimal without fraction is bare digits by default everywhere.
      return { sql: `toDecimal128(${value}, 0)`, type: 'Decimal(38, 0)' };
    case 'array': {
      const element = jsonExpression(type.of, 'x');
      const sql = element.sql === 'x' ? value : `arrayMap(x -> ${element.sql}, ${value})`;
      return { sql, type: `Array(${element.type})` };
    }
    case 'tuple': {
      const elements = type.elements.map((element, index) => {
        const part = jsonExpression(element.type, `tupleElement(${value}, ${index + 1})`);
        const name = element.name === undefined ? '' : `${quoteIdentifier(element.name)} `;
        return { sql: part.sql, type: `${name}${part.type}` };
      });
      return {
        sql: `tuple(${elements.map((element) => element.sql).join(', ')})`,
        type: `Tuple(${elements.map((element) => element.type).join(', ')})`,
      };
    }
    case 'map': {
      const key = mapKey(innerType(type.key));
      const entry = jsonExpression(type.value, 'v');
      const isAsItIs = key.sql === 'k' && entry.sql === 'v';
      const sql = isAsItIs ? value : `mapApply((k, v) -> (${key.sql}, ${entry.sql}), ${value})`;
      return { sql, type: `Map(${key.type}, ${entry.type})` };
    }
    case 'other':
      return { sql: `toString(${value})`, type: 'String' };
    default:
      return { sql: value, type: type.name };
  }
}

/** Keys leave as text whatever they are; only what would be written as text in another form is changed. */
function mapKey(type: ClickHouseType): TypedExpression {
  const key = jsonExpression(type, 'k');
  return key.type === 'String' ? key : { sql: 'k', type: type.name };
}
