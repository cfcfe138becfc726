import { quoteString } from '../identifier.ts';
import { type ClickHouseType, innerType } from './clickhouse-type.ts';

/** Integers of more bits leave as JSON strings: a JSON number that long is refused or rounded by most readers. */
const WIDEST_NUMBER_BITS = 64;

/**
 * The SQL of a String (never NULL) that is the JSON of a value: stamps as RFC 3339 in UTC with the digits that the
 * column holds, integers up to 64 bits and decimals as bare digits, wider integers in quotes, NaN and the infinities
 * as null. Bytes that are no UTF-8 pass as they are.
 *
 * It is text, and not a value that a FORMAT would write, for two reasons. What a format writes hangs on settings of the
 * server's version and the user's profile, and a user with readonly=1 may not send any
 * (https://clickhouse.com/docs/operations/settings/permissions-for-queries). And it is quick: named tuples, which the
 * message would else be made of, cost the server as much again as the rest of the row.
 *
 * @param value the SQL of the value.
 */
export function jsonText(type: ClickHouseType, value: string): string {
  switch (type.kind) {
    case 'nullable':
      return `if(isNull(${value}), 'null', ${jsonText(type.of, `assumeNotNull(${value})`)})`;
    case 'low_cardinality':
      return jsonText(type.of, value);
    case 'boolean':
      return `if(${value}, 'true', 'false')`;
    case 'integer':
      return type.bits > WIDEST_NUMBER_BITS ? inQuotes(`toString(${value})`) : `toString(${value})`;
    case 'decimal':
      return `toString(${value})`;
    case 'float':
      return `if(isFinite(${value}), toString(${value}), 'null')`;
    case 'string':
      return `toJSONString(${value})`;
    case 'fixed_string':
      // Padded with zeros to its length; those inside belong to the value.
      return `toJSONString(replaceRegexpOne(${value}, '\\\\x00+$', ''))`;
    case 'date':
    case 'uuid':
    case 'ip':
      return inQuotes(`toString(${value})`);
    case 'date_time':
      // formatDateTime is quicker, but what it makes of fractions depends on the server's version and settings.
      return type.name.startsWith('DateTime64')
        ? `concat('"', replaceOne(toString(toTimeZone(${value}, 'UTC')), ' ', 'T'), 'Z"')`
        : `formatDateTime(${value}, '"%FT%TZ"', 'UTC')`;
    case 'array':
      return `concat('[', arrayStringConcat(arrayMap(x -> ${jsonText(type.of, 'x')}, ${value}), ','), ']')`;
    case 'map': {
      const entry = `concat(${jsonKey(type.key, 'k')}, ':', ${jsonText(type.value, 'v')})`;
      return `concat('{', arrayStringConcat(arrayMap((k, v) -> ${entry}, mapKeys(${value}), mapValues(${value})), ','), '}')`;
    }
    case 'tuple':
      return tupleText(type.elements, value);
    case 'variant': {
      const options = type.of.flatMap((option) => [
        isOfType(value, option),
        jsonText(option, `assumeNotNull(${elementOfType(value, option)})`),
      ]);
      return `multiIf(${[...options, `'null'`].join(', ')})`;
    }
    case 'json':
    case 'dynamic':
      // Types that only the value knows: the server writes them in its own way. A function of a Dynamic gives a Nullable.
      return `ifNull(toJSONString(${value}), 'null')`;
    case 'aggregate_state':
      // Bytes that mean nothing outside of ClickHouse. A column of them is left out; inside of another type, null keeps
      // the place.
      return `'null'`;
    default:
      return `toJSONString(toString(${value}))`;
  }
}

/** The SQL of the pairs `"name":value` of an object, with commas between them; operands for concat. */
export function jsonPairs(fields: readonly { name: string; type: ClickHouseType; value: string }[]): string[] {
  return fields.flatMap(({ name, type, value }, index) => [
    quoteString(`${index === 0 ? '' : ','}${JSON.stringify(name)}:`),
    jsonText(type, value),
  ]);
}

/**
 * The SQL of whether a value holds a NaN or an infinity somewhere, which leaves as null; undefined when its type can't.
 * What is in a JSON or Dynamic is not looked into.
 */
export function hasNonFinite(type: ClickHouseType, value: string): string | undefined {
  switch (type.kind) {
    case 'float':
      return `NOT isFinite(${value})`;
    case 'low_cardinality':
      return hasNonFinite(type.of, value);
    case 'nullable': {
      const inner = hasNonFinite(type.of, `assumeNotNull(${value})`);
      return inner && `(isNotNull(${value}) AND ${inner})`;
    }
    case 'array': {
      const inner = hasNonFinite(type.of, 'x');
      return inner && `arrayExists(x -> ${inner}, ${value})`;
    }
    case 'map': {
      const inner = hasNonFinite(type.value, 'x');
      return inner && `arrayExists(x -> ${inner}, mapValues(${value}))`;
    }
    case 'tuple':
      return anyOf(type.elements.map((element, index) => hasNonFinite(element.type, elementAt(value, index))));
    case 'variant':
      return anyOf(
        type.of.map((option) => {
          const inner = hasNonFinite(option, `assumeNotNull(${elementOfType(value, option)})`);
          return inner && `(${isOfType(value, option)} AND ${inner})`;
        }),
      );
    default:
      return undefined;
  }
}

/** The SQL of whether one of several conditions holds; undefined when there is none. */
export function anyOf(conditions: readonly (string | undefined)[]): string | undefined {
  const some = conditions.filter((condition) => condition !== undefined);
  return some.length === 0 ? undefined : `(${some.join(' OR ')})`;
}

/** A tuple leaves as an object when all its elements have names, else as an array. */
function tupleText(elements: Extract<ClickHouseType, { kind: 'tuple' }>['elements'], value: string): string {
  const fields = elements.map(({ name, type }, index) => ({ name, type, value: elementAt(value, index) }));
  const named = fields.flatMap(({ name, ...field }) => (name === undefined ? [] : [{ name, ...field }]));
  if (fields.length === 0) return `'[]'`;
  if (named.length === fields.length) return `concat('{', ${jsonPairs(named).join(', ')}, '}')`;
  const texts = fields.map((field) => jsonText(field.type, field.value));
  return `concat('[', ${texts.join(`, ',', `)}, ']')`;
}

/** Keys of an object are strings whatever they are in the Map. */
function jsonKey(type: ClickHouseType, value: string): string {
  const inner = innerType(type);
  switch (inner.kind) {
    case 'integer':
      return inQuotes(`toString(${value})`);
    case 'boolean':
      return inQuotes(jsonText(inner, value));
    case 'string':
    case 'fixed_string':
    case 'date':
    case 'date_time':
    case 'uuid':
    case 'ip':
      return jsonText(inner, value);
    default:
      return `toJSONString(toString(${value}))`;
  }
}

/** Text that needs no escape, in the quotes of JSON. */
function inQuotes(text: string): string {
  return `concat('"', ${text}, '"')`;
}

function elementAt(tuple: string, index: number): string {
  return `tupleElement(${tuple}, ${index + 1})`;
}

function isOfType(variant: string, type: ClickHouseType): string {
  return `variantType(${variant}) = ${quoteString(type.name)}`;
}

function elementOfType(variant: string, type: ClickHouseType): string {
  return `variantElement(${variant}, ${quoteString(type.name)})`;
}
