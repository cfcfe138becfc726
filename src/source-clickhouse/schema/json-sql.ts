import { quoteString } from '../sql.ts';
import { type ClickHouseType, unwrapType } from './clickhouse-type.ts';

/** The maximum size of integers that are sent as JSON numbers. Most JSON parsers reject or round larger numbers. */
const WIDEST_NUMBER_BITS = 64;

/**
 * What the JSON is for: the record, or the row hash ("identity"). The two differ for the types JSON and Dynamic, because the
 * server's JSON for them depends on the user's settings and on the server's version.
 */
export type Purpose = 'record' | 'identity';

/**
 * Returns the SQL of a String (never NULL) with the JSON of a value. Times become strings as in RFC 3339, in UTC, with all
 * digits of the column. Decimals become numbers. Integers become numbers if they have at most 64 bits, otherwise strings. NaN
 * and infinities become null. Bytes that are not UTF-8 are kept.
 *
 * The SQL builds the JSON itself instead of using a FORMAT, for two reasons. First, the output of a format depends on the
 * server's version and on settings of the user's profile, and a user with readonly=1 may not send settings
 * (https://clickhouse.com/docs/operations/settings/permissions-for-queries). Second, it is faster: named tuples in a format
 * would double the server's work for a row.
 *
 * @param value the SQL of the value.
 */
export function jsonSql(type: ClickHouseType, value: string, purpose: Purpose = 'record'): string {
  return new JsonSqlBuilder(purpose).value(type, value, 0);
}

/** Returns the SQL of the pairs `"name":value` of an object, with commas in between, as operands for concat. */
export function jsonPairsSql(fields: readonly Field[], purpose: Purpose = 'record'): string[] {
  return new JsonSqlBuilder(purpose).pairs(fields, 0);
}

/** A member of a JSON object: its name, and the type and the SQL of its value. */
export type Field = { name: string; type: ClickHouseType; value: string };

/**
 * Builds SQL that writes JSON. Lambda parameters are numbered by depth, because ClickHouse's old analyzer confuses an inner
 * expression with an outer expression that has the same text.
 */
class JsonSqlBuilder {
  readonly #purpose: Purpose;

  constructor(purpose: Purpose) {
    this.#purpose = purpose;
  }

  value(type: ClickHouseType, value: string, depth: number): string {
    switch (type.kind) {
      case 'nullable':
        return this.#nullableSql(type.of, value, depth);
      case 'low_cardinality':
        return this.value(type.of, value, depth);
      case 'boolean':
        return `if(${value}, 'true', 'false')`;
      case 'integer':
        return isJsonNumber(type) ? `toString(${value})` : quotedSql(`toString(${value})`);
      case 'decimal':
        return `toString(${value})`;
      case 'float':
        return `if(${isFiniteSql(type, value)}, toString(${value}), 'null')`;
      case 'string':
        return `toJSONString(${value})`;
      case 'fixed_string':
        // ClickHouse pads the value with zero bytes at its end. Other zero bytes belong to the value.
        return `toJSONString(replaceRegexpOne(${value}, '\\\\x00+$', ''))`;
      case 'date':
      case 'uuid':
      case 'ip':
        return quotedSql(`toString(${value})`);
      case 'date_time':
        // formatDateTime is faster, but how it writes fractions depends on the server's version and settings.
        return type.name.startsWith('DateTime64')
          ? `concat('"', replaceOne(toString(toTimeZone(${value}, 'UTC')), ' ', 'T'), 'Z"')`
          : `formatDateTime(${value}, '"%FT%TZ"', 'UTC')`;
      case 'array': {
        const item = `x${depth}`;
        return joinSql(`arrayMap(${item} -> ${this.value(type.of, item, depth + 1)}, ${value})`, '[', ']');
      }
      case 'map': {
        const [key, item] = [`k${depth}`, `v${depth}`];
        const entry = `concat(${this.#keySql(type.key, key, depth + 1)}, ':', ${this.value(type.value, item, depth + 1)})`;
        return joinSql(`arrayMap((${key}, ${item}) -> ${entry}, mapKeys(${value}), mapValues(${value}))`, '{', '}');
      }
      case 'tuple':
        return this.#tupleSql(type.elements, value, depth);
      case 'variant': {
        const options = type.of.flatMap((option) => [
          isOfTypeSql(value, option),
          this.#variantSql(option, variantElementSql(value, option), depth),
        ]);
        return `multiIf(${[...options, `'null'`].join(', ')})`;
      }
      case 'json':
        return this.#purpose === 'record' ? serverJsonSql(value) : settingFreeJsonSql(value);
      case 'dynamic':
        return this.#purpose === 'record' ? serverJsonSql(value) : dynamicBytesSql(value);
      case 'aggregate_state':
        // The bytes are useless outside of ClickHouse, and can differ with each read. A column of this type is left out of the
        // records. Inside of another type, the value is null.
        return `'null'`;
      default:
        return type.name === 'Nothing' ? `'null'` : `toJSONString(toString(${value}))`;
    }
  }

  pairs(fields: readonly Field[], depth: number): string[] {
    return fields.flatMap(({ name, type, value }, index) => [
      quoteString(`${index === 0 ? '' : ','}${JSON.stringify(name)}:`),
      this.value(type, value, depth),
    ]);
  }

  #nullableSql(of: ClickHouseType, value: string, depth: number): string {
    // Using the value only once keeps the query short, because even with many columns, the query must fit in max_query_size.
    return PASSES_NULL_ON.has(of.kind)
      ? `ifNull(${this.value(of, value, depth)}, 'null')`
      : `if(isNull(${value}), 'null', ${this.value(of, `assumeNotNull(${value})`, depth)})`;
  }

  #variantSql(option: ClickHouseType, element: string, depth: number): string {
    // In ClickHouse up to 25.5, variantElement returns NULL for a LowCardinality whose value is the default of its type, such
    // as 0.
    return option.kind === 'low_cardinality'
      ? this.value(option, `assumeNotNull(${element})`, depth)
      : this.#nullableSql(option, element, depth);
  }

  /** A tuple is sent as an object if all its elements have names, otherwise as an array. */
  #tupleSql(elements: Extract<ClickHouseType, { kind: 'tuple' }>['elements'], value: string, depth: number): string {
    const fields = elements.map(({ name, type }, index) => ({ name, type, value: tupleElementSql(value, index) }));
    const named = fields.flatMap(({ name, ...field }) => (name === undefined ? [] : [{ name, ...field }]));
    if (fields.length === 0) return `'[]'`;
    if (named.length === fields.length) return `concat('{', ${this.pairs(named, depth).join(', ')}, '}')`;
    const texts = fields.map((field) => this.value(field.type, field.value, depth));
    return `concat('[', ${texts.join(`, ',', `)}, ']')`;
  }

  /** Returns the SQL of a key. In JSON, keys are always strings, whatever type they have in the Map. */
  #keySql(type: ClickHouseType, value: string, depth: number): string {
    const inner = unwrapType(type);
    switch (inner.kind) {
      case 'integer':
        return quotedSql(`toString(${value})`);
      case 'boolean':
        return quotedSql(this.value(inner, value, depth));
      case 'string':
      case 'fixed_string':
      case 'date':
      case 'date_time':
      case 'uuid':
      case 'ip':
        return this.value(inner, value, depth);
      default:
        return `toJSONString(toString(${value}))`;
    }
  }
}

/** The kinds of types whose JSON expression is NULL or 'null' if the value is NULL. */
const PASSES_NULL_ON: ReadonlySet<ClickHouseType['kind']> = new Set([
  'integer',
  'decimal',
  'float',
  'string',
  'fixed_string',
  'date',
  'date_time',
  'uuid',
  'ip',
  'enumeration',
] as const);

/**
 * Returns a condition in SQL: the value contains NaN or an infinity, which are sent as null. Returns undefined if values of the
 * type can't contain them. The condition doesn't look inside of JSON and Dynamic.
 *
 * @param depth the number of lambdas around the expression: see JsonSqlBuilder.
 */
export function nonFiniteSql(type: ClickHouseType, value: string, depth = 0): string | undefined {
  switch (type.kind) {
    case 'float':
      return `NOT ${isFiniteSql(type, value)}`;
    case 'low_cardinality':
      return nonFiniteSql(type.of, value, depth);
    case 'nullable': {
      if (type.of.kind === 'float') return `ifNull(NOT ${isFiniteSql(type.of, value)}, 0)`;
      const inner = nonFiniteSql(type.of, `assumeNotNull(${value})`, depth);
      return inner && `(isNotNull(${value}) AND ${inner})`;
    }
    case 'array': {
      const inner = nonFiniteSql(type.of, `x${depth}`, depth + 1);
      return inner && `arrayExists(x${depth} -> ${inner}, ${value})`;
    }
    case 'map': {
      const inner = nonFiniteSql(type.value, `x${depth}`, depth + 1);
      return inner && `arrayExists(x${depth} -> ${inner}, mapValues(${value}))`;
    }
    case 'tuple':
      return anyOfSql(
        type.elements.map((element, index) => nonFiniteSql(element.type, tupleElementSql(value, index), depth)),
      );
    case 'variant':
      return anyOfSql(
        type.of.map((option) => {
          const inner = nonFiniteSql(option, `assumeNotNull(${variantElementSql(value, option)})`, depth);
          return inner && `(${isOfTypeSql(value, option)} AND ${inner})`;
        }),
      );
    default:
      return undefined;
  }
}

/** Joins SQL conditions with OR. Returns undefined if there are none. */
export function anyOfSql(conditions: readonly (string | undefined)[]): string | undefined {
  const some = conditions.filter((condition) => condition !== undefined);
  return some.length === 0 ? undefined : `(${some.join(' OR ')})`;
}

/** Returns a condition in SQL: the value is finite. Before ClickHouse 25.9, isFinite doesn't support BFloat16. */
function isFiniteSql({ name }: ClickHouseType, value: string): string {
  return `isFinite(${name === 'BFloat16' ? `toFloat32(${value})` : value})`;
}

/** Whether an integer type is sent as JSON numbers instead of strings. */
export function isJsonNumber({ bits }: Extract<ClickHouseType, { kind: 'integer' }>): boolean {
  return bits <= WIDEST_NUMBER_BITS;
}

/**
 * Returns the SQL of the server's own JSON, for types whose structure differs from value to value. The ifNull is needed because
 * a function with a Dynamic as its argument returns a Nullable.
 */
function serverJsonSql(value: string): string {
  return `ifNull(toJSONString(${value}), 'null')`;
}

/**
 * Returns the SQL of the server's own JSON without the characters that depend on settings: quotes, which may be around numbers,
 * and backslashes, which may escape slashes. RowBinary is not used here: it doesn't depend on settings, but the order of a
 * JSON's paths in it can change after a merge.
 */
function settingFreeJsonSql(value: string): string {
  return `replaceRegexpAll(${serverJsonSql(value)}, '["\\\\\\\\]', '')`;
}

/**
 * Returns the SQL of a Dynamic's RowBinary bytes, which don't depend on settings. For a JSON in it, uses `settingFreeJsonSql`.
 */
function dynamicBytesSql(value: string): string {
  return `if(position(dynamicType(${value}), 'JSON') > 0, ${settingFreeJsonSql(value)}, formatRow('RowBinary', ${value}))`;
}

/** Returns the SQL that joins an array of strings to a JSON array or object. */
function joinSql(texts: string, open: string, close: string): string {
  return `concat('${open}', arrayStringConcat(${texts}, ','), '${close}')`;
}

/** Returns the SQL that puts quotes around a string to make it a JSON string. Only for strings that need no escapes. */
function quotedSql(text: string): string {
  return `concat('"', ${text}, '"')`;
}

function tupleElementSql(tuple: string, index: number): string {
  return `tupleElement(${tuple}, ${index + 1})`;
}

function isOfTypeSql(variant: string, type: ClickHouseType): string {
  return `variantType(${variant}) = ${quoteString(type.name)}`;
}

function variantElementSql(variant: string, type: ClickHouseType): string {
  return `variantElement(${variant}, ${quoteString(type.name)})`;
}
