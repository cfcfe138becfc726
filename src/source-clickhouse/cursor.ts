import { type ClickHouseType, innerType } from './types/clickhouse-type.ts';

/**
 * How a cursor column's values become text that is exact, and a query parameter that the server compares with the
 * column in the column's own type: a cast of the column would keep ClickHouse from using its index.
 */
export type CursorCodec = {
  /** The parameter's type in SQL, e.g. `DateTime64(6, 'UTC')`. */
  parameterType: string;
  /** From the JSON text of the record (RFC 3339, digits) to the parameter's text. */
  toParameter: (cursor: string) => string;
};

/** The codec for a column type, or undefined when its values have no useful order. */
export function cursorCodec(type: ClickHouseType): CursorCodec | undefined {
  const inner = innerType(type);
  switch (inner.kind) {
    case 'date_time': {
      const parameterType = inner.name.startsWith('DateTime64')
        ? `DateTime64(${inner.precision}, 'UTC')`
        : "DateTime('UTC')";
      return { parameterType, toParameter: (cursor) => cursor.replace('T', ' ').replace('Z', '') };
    }
    case 'date':
    case 'integer':
    case 'string':
      return { parameterType: inner.name, toParameter: (cursor) => cursor };
    default:
      return undefined;
  }
}
