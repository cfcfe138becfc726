/**
 * A ClickHouse data type, with what the source needs to know about the JSON and the order of its values. `name` is the type as
 * the server writes it, so that it can be used in SQL. For a SimpleAggregateFunction, it is the type of its values.
 */
export type ClickHouseType = { name: string } & (
  | { kind: KindWithoutParameters | 'other' }
  | { kind: 'fixed_string'; length: number }
  | { kind: 'integer'; signed: boolean; bits: number }
  | { kind: 'decimal'; scale: number }
  | { kind: 'date_time'; precision: number }
  | { kind: 'nullable' | 'low_cardinality' | 'array'; of: ClickHouseType }
  | { kind: 'map'; key: ClickHouseType; value: ClickHouseType }
  | { kind: 'tuple'; elements: { name: string | undefined; type: ClickHouseType }[] }
  | { kind: 'variant'; of: ClickHouseType[] }
);

type KindWithoutParameters =
  | 'boolean'
  | 'string'
  | 'enumeration'
  | 'uuid'
  | 'ip'
  | 'date'
  | 'float'
  | 'json'
  | 'dynamic'
  | 'aggregate_state';

const KINDS_WITHOUT_PARAMETERS: ReadonlyMap<string, KindWithoutParameters> = new Map([
  ['Bool', 'boolean'],
  ['String', 'string'],
  ['Enum8', 'enumeration'],
  ['Enum16', 'enumeration'],
  ['UUID', 'uuid'],
  ['IPv4', 'ip'],
  ['IPv6', 'ip'],
  ['Date', 'date'],
  ['Date32', 'date'],
  ['Float32', 'float'],
  ['Float64', 'float'],
  ['BFloat16', 'float'],
  ['JSON', 'json'],
  ['Object', 'json'],
  ['Dynamic', 'dynamic'],
  ['AggregateFunction', 'aggregate_state'],
]);

const POINT = 'Tuple(Float64, Float64)';

/**
 * The geo types, each with the type that it is an alias of. Geometry is a Variant of all of them.
 * https://clickhouse.com/docs/sql-reference/data-types/geo
 */
const GEO: Record<string, string> = {
  LineString: `Array(${POINT})`,
  MultiLineString: `Array(Array(${POINT}))`,
  MultiPolygon: `Array(Array(Array(${POINT})))`,
  Point: POINT,
  Polygon: `Array(Array(${POINT}))`,
  Ring: `Array(${POINT})`,
};

/**
 * Parses a type name from `system.columns.type`. An unknown type gets the kind "other" instead of an error, so that tables with
 * types of newer servers can be read.
 *
 * The parser of @clickhouse/client is not used: it is deprecated and doesn't support JSON, Variant, Dynamic or Nested. The
 * package that replaces it is not in the npm registry.
 */
export function parseClickHouseType(name: string): ClickHouseType {
  const { head, args } = splitType(name);
  const argument = (index: number): ClickHouseType => parseClickHouseType(args[index] ?? '');
  switch (head) {
    case 'Nullable':
      return { name, kind: 'nullable', of: argument(0) };
    case 'LowCardinality':
      return { name, kind: 'low_cardinality', of: argument(0) };
    case 'Array':
      return { name, kind: 'array', of: argument(0) };
    case 'Map':
      return { name, kind: 'map', key: argument(0), value: argument(1) };
    case 'Tuple':
      return { name, kind: 'tuple', elements: args.map(parseElement) };
    case 'Nested':
      return { name, kind: 'array', of: parseClickHouseType(`Tuple(${args.join(', ')})`) };
    case 'Variant':
      return { name, kind: 'variant', of: args.map(parseClickHouseType) };
    case 'Geometry':
      return { name, kind: 'variant', of: Object.keys(GEO).map(parseClickHouseType) };
    case 'SimpleAggregateFunction':
      return argument(1);
    case 'FixedString':
      return { name, kind: 'fixed_string', length: Number(args[0]) };
    case 'DateTime':
      return { name, kind: 'date_time', precision: 0 };
    case 'DateTime64':
      return { name, kind: 'date_time', precision: Number(args[0]) };
    case 'Decimal':
      return { name, kind: 'decimal', scale: Number(args[1]) };
  }
  const integer = /^(U?)Int(8|16|32|64|128|256)$/.exec(head);
  if (integer) return { name, kind: 'integer', signed: integer[1] === '', bits: Number(integer[2]) };
  const geo = GEO[head];
  if (geo !== undefined) return { ...parseClickHouseType(geo), name };
  return { name, kind: KINDS_WITHOUT_PARAMETERS.get(head) ?? 'other' };
}

/** Returns the type inside Nullable and LowCardinality. */
export function unwrapType(type: ClickHouseType): ClickHouseType {
  return type.kind === 'nullable' || type.kind === 'low_cardinality' ? unwrapType(type.of) : type;
}

/** Whether a column of this type can be NULL. */
export function isNullable(type: ClickHouseType): boolean {
  if (type.kind === 'low_cardinality') return isNullable(type.of);
  return type.kind === 'nullable' || type.kind === 'variant' || type.kind === 'dynamic';
}

/** Splits a type: `Tuple(a UInt8, Array(String))` → head "Tuple", args ["a UInt8", "Array(String)"]. */
function splitType(name: string): { head: string; args: string[] } {
  const open = name.indexOf('(');
  if (open === -1) return { head: name, args: [] };
  return { head: name.slice(0, open), args: splitArguments(name.slice(open + 1, name.lastIndexOf(')'))) };
}

/** Splits a list of arguments at the commas outside of brackets and quotes. */
function splitArguments(text: string): string[] {
  const args: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === "'" || character === '`') i = findEndOfQuoted(text, i);
    else if (character === '(') depth++;
    else if (character === ')') depth--;
    else if (character === ',' && depth === 0) {
      args.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  const last = text.slice(start).trim();
  return last === '' ? args : [...args, last];
}

/** Finds the index of the closing quote for the opening quote at `start`. */
function findEndOfQuoted(text: string, start: number): number {
  let i = start + 1;
  while (i < text.length && text[i] !== text[start]) i += text[i] === '\\' ? 2 : 1;
  return i;
}

/** Parses an element of a tuple: `name Type`, `` `quoted name` Type `` or only `Type`. */
function parseElement(text: string): { name: string | undefined; type: ClickHouseType } {
  if (text.startsWith('`')) {
    const end = findEndOfQuoted(text, 0);
    return { name: unquote(text.slice(1, end)), type: parseClickHouseType(text.slice(end + 1).trim()) };
  }
  const named = /^([A-Za-z_][A-Za-z0-9_]*) +(.+)$/s.exec(text);
  if (named) return { name: named[1], type: parseClickHouseType(named[2] ?? '') };
  return { name: undefined, type: parseClickHouseType(text) };
}

/** The escapes that the server writes: https://clickhouse.com/docs/sql-reference/syntax#string */
const ESCAPES: Record<string, string> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '0': '\0' };

function unquote(text: string): string {
  return text.replace(/\\(.)/gs, (_, character: string) => ESCAPES[character] ?? character);
}
