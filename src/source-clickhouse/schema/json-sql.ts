import { quoteString } from '../sql.ts';
import { type ClickHouseType, unwrapType } from './clickhouse-type.ts';

/** Integers of more bits leave as JSON strings: a JSON number that long is refused or rounded by most readers. */
const WIDEST_NUMBER_BITS = 64;

/**
 * How the types are written whose form only the server knows: as they leave, or as what a row is recognised by. The two
 * differ because the text of JSON and Dynamic depends on settings of the user and on the server's version.
 */
export type Purpose = 'record' | 'identity';

/**
 * The SQL of a String (never NULL) that is the JSON of a value: stamps as RFC 3339 in UTC with the digits that the
 * column holds, integers up to 64 bits and decimals as bare digits, wider integers in quotes, NaN and the infinities
 * as null. Bytes that are not UTF-8 pass as they are.
 *
 * It is a string, and not a value that a FORMAT would write, for two reasons. What a format writes depends on settings of
 * the server's version and the user's profile, and a user with readonly=1 may not send any
 * (https://clickhouse.com/docs/operations/settings/permissions-for-queries). And it is quick: named tuples, which the
 * message would otherwise be made of, cost the server as much again as the rest of the row.
 *
 * @param value the SQL of the value.
 */
export function jsonSql(type: ClickHouseType, value: string, purpose: Purpose = 'record'): string {
  return new JsonSqlBuilder(purpose).value(type, value, 0);
}

/** The SQL of the pairs `"name":value` of an object, with commas between them; operands for concat. */
export function jsonPairsSql(fields: readonly Field[], purpose: Purpose = 'record'): string[] {
  return new JsonSqlBuilder(purpose).pairs(fields, 0);
}

/** A member of an object: its name, and the type and the SQL of its value. */
export type Field = { name: string; type: ClickHouseType; value: string };

/**
 * Writes the SQL of JSON. The parameters of a lambda are numbered by their depth: the old analyzer of ClickHouse takes an
 * inner expression for an outer one that is written alike.
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
        // Padded with zeros to its length; those inside belong to the value.
        return `toJSONString(replaceRegexpOne(${value}, '\\\\x00+$', ''))`;
      case 'date':
      case 'uuid':
      case 'ip':
        return quotedSql(`toString(${value})`);
      case 'date_time':
        // formatDateTime is quicker, but what it makes of fractions depends on the server's version and settings.
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
        // Bytes that mean nothing outside of ClickHouse, and not the same at each read. A column of them is left out;
        // inside of another type, null keeps the place.
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
    // Naming the value once keeps the query short: a table of many columns must fit in max_query_size.
    return PASSES_NULL_ON.has(of.kind)
      ? `ifNull(${this.value(of, value, depth)}, 'null')`
      : `if(isNull(${value}), 'null', ${this.value(of, `assumeNotNull(${value})`, depth)})`;
  }

  #variantSql(option: ClickHouseType, element: string, depth: number): string {
    // Up to 25.5, the element of a LowCardinality is NULL when its value is the zero of its type.
    return option.kind === 'low_cardinality'
      ? this.value(option, `assumeNotNull(${element})`, depth)
      : this.#nullableSql(option, element, depth);
  }

  /** A tuple leaves as an object when all its elements have names, otherwise as an array. */
  #tupleSql(elements: Extract<ClickHouseType, { kind: 'tuple' }>['elements'], value: string, depth: number): string {
    const fields = elements.map(({ name, type }, index) => ({ name, type, value: tupleElementSql(value, index) }));
    const named = fields.flatMap(({ name, ...field }) => (name === undefined ? [] : [{ name, ...field }]));
    if (fields.length === 0) return `'[]'`;
    if (named.length === fields.length) return `concat('{', ${this.pairs(named, depth).join(', ')}, '}')`;
    const texts = fields.map((field) => this.value(field.type, field.value, depth));
    return `concat('[', ${texts.join(`, ',', `)}, ']')`;
  }

  /** Keys of an object are strings whatever they are in the Map. */
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

/** The kinds whose expression is NULL, or 'null', when its value is NULL. */
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
 * The SQL of whether a value holds a NaN or an infinity somewhere, which leaves as null; undefined when its type can't.
 * What is in a JSON or Dynamic is not looked into.
 *
 * @param depth how many lambdas are around it: see JsonSqlBuilder.
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

/** The SQL of whether one of several conditions holds; undefined when there is none. */
export function anyOfSql(conditions: readonly (string | undefined)[]): string | undefined {
  const some = conditions.filter((condition) => condition !== undefined);
  return some.length === 0 ? undefined : `(${some.join(' OR ')})`;
}

/** Servers before 25.9 have no isFinite for BFloat16. */
function isFiniteSql({ name }: ClickHouseType, value: string): string {
  return `isFinite(${name === 'BFloat16' ? `toFloat32(${value})` : value})`;
}

/** Whether the values of an integer type leave as JSON numbers, and not as strings. */
export function isJsonNumber({ bits }: Extract<ClickHouseType, { kind: 'integer' }>): boolean {
  return bits <= WIDEST_NUMBER_BITS;
}

/** What the server writes for types that only the value knows. A function of a Dynamic returns a Nullable. */
function serverJsonSql(value: string): string {
  return `ifNull(toJSONString(${value}), 'null')`;
}

/**
 * The same without what settings change in it: quotes around numbers, and escaped slashes. The bytes of RowBinary would
 * depend on no setting, but their paths have another order after a merge.
 */
function settingFreeJsonSql(value: string): string {
  return `replaceRegexpAll(${serverJsonSql(value)}, '["\\\\\\\\]', '')`;
}

/** The bytes that RowBinary has for a Dynamic, which depend on no setting; unless it holds a JSON: see above. */
function dynamicBytesSql(value: string): string {
  return `if(position(dynamicType(${value}), 'JSON') > 0, ${settingFreeJsonSql(value)}, formatRow('RowBinary', ${value}))`;
}

/** The SQL of a JSON array or object of the strings of an array. */
function joinSql(texts: string, open: string, close: string): string {
  return `concat('${open}', arrayStringConcat(${texts}, ','), '${close}')`;
}

/** Text that needs no escape, in the quotes of JSON. */
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
