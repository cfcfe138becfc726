import { type ClickHouseType, unwrapType } from './clickhouse-type.ts';

/**
 * Converts the cursors in records to query parameters. The parameter has the type of the column, because ClickHouse doesn't use
 * its index if it has to cast the column.
 */
export type CursorCodec = {
  /** The type of the parameter, for example `DateTime64(6, 'UTC')`. */
  parameterType: string;
  /** Matches every value of the column, in the form that it has in records. */
  form: RegExp;
  /** Converts a value from its form in records, such as RFC 3339, to its form as a parameter. */
  toParameter: (cursor: string) => string;
};

const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;
const DAY = /^\d{4}-\d\d-\d\d$/;
/** An integer of up to 256 bits, which has at most 78 digits. */
const INTEGER = /^-?\d{1,78}$/;
const ANY_STRING = /^/;

/** Creates the codec for a type. Returns undefined if the values of the type have no useful order. */
export function createCursorCodec(type: ClickHouseType): CursorCodec | undefined {
  const inner = unwrapType(type);
  switch (inner.kind) {
    case 'date_time': {
      const parameterType = inner.name.startsWith('DateTime64')
        ? `DateTime64(${inner.precision}, 'UTC')`
        : "DateTime('UTC')";
      return { parameterType, form: TIMESTAMP, toParameter: (cursor) => cursor.replace('T', ' ').replace('Z', '') };
    }
    case 'date':
      return { parameterType: inner.name, form: DAY, toParameter: (cursor) => cursor };
    case 'integer':
      return { parameterType: inner.name, form: INTEGER, toParameter: (cursor) => cursor };
    case 'string':
      return { parameterType: inner.name, form: ANY_STRING, toParameter: (cursor) => cursor };
    default:
      return undefined;
  }
}
