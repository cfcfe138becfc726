import { type ClickHouseType, unwrapType } from './clickhouse-type.ts';

/**
 * How a cursor column's values become text that is exact, and a query parameter that the server compares with the
 * column in the column's own type: a cast of the column would keep ClickHouse from using its index.
 */
export type CursorCodec = {
  /** The parameter's type in SQL, e.g. `DateTime64(6, 'UTC')`. */
  parameterType: string;
  /** What each of the column's values looks like in the record. */
  form: RegExp;
  /** From the JSON text of the record (RFC 3339, digits) to the parameter's text. */
  toParameter: (cursor: string) => string;
};

const STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;
const DAY = /^\d{4}-\d\d-\d\d$/;
/** Of up to 256 bits. */
const INTEGER = /^-?\d{1,78}$/;
const ANY_TEXT = /^/;

/** The codec for a column type, or undefined when its values have no useful order. */
export function createCursorCodec(type: ClickHouseType): CursorCodec | undefined {
  const inner = unwrapType(type);
  switch (inner.kind) {
    case 'date_time': {
      const parameterType = inner.name.startsWith('DateTime64')
        ? `DateTime64(${inner.precision}, 'UTC')`
        : "DateTime('UTC')";
      return { parameterType, form: STAMP, toParameter: (cursor) => cursor.replace('T', ' ').replace('Z', '') };
    }
    case 'date':
      return { parameterType: inner.name, form: DAY, toParameter: (cursor) => cursor };
    case 'integer':
      return { parameterType: inner.name, form: INTEGER, toParameter: (cursor) => cursor };
    case 'string':
      return { parameterType: inner.name, form: ANY_TEXT, toParameter: (cursor) => cursor };
    default:
      return undefined;
  }
}
