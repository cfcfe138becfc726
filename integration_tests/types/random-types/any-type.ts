import fc from 'fast-check';
import { quoteIdentifier } from '../../../src/source-clickhouse/sql.ts';
import { listBytes } from '../../support/row-binary.ts';
import type { Leaving } from '../leaving-value.ts';
import { ANYWHERE, type Drawn, type DrawnType } from './drawn-type.ts';
import { dynamic, json } from './loose.ts';
import { boolean, decimal, float, float64, integer, qbit } from './numbers.ts';
import { address, anyText, enumeration, fixedString, string, uuid } from './texts.ts';
import { dateTime, dateTime64, day, interval, time } from './times.ts';

const NULL: Leaving = { kind: 'exactly', json: 'null' };

const scalar: fc.Arbitrary<DrawnType> = fc.oneof(
  { withCrossShrink: true },
  fc.constant(string),
  integer,
  float,
  decimal,
  fc.constant(boolean),
  fixedString,
  enumeration,
  fc.constant(uuid),
  address,
  day,
  dateTime,
  dateTime64,
  time,
  interval,
  qbit,
  fc.constant(json),
  fc.constant(dynamic),
);

const mapKey = scalar.filter(({ fits }) => fits.includes('Map key'));

function mayBeNull({ fits }: DrawnType): boolean {
  return fits.includes('Nullable');
}

function nullable(of: DrawnType): DrawnType {
  const isNull: Drawn = { bytes: Buffer.of(1), leaving: NULL };
  return {
    name: `Nullable(${of.name})`,
    parsed: { kind: 'nullable', of: of.parsed },
    fits: of.fits.filter((fit) => fit === 'LowCardinality'),
    value: fc.oneof(
      fc.constant(isNull),
      of.value.map(({ bytes, leaving }) => ({ bytes: Buffer.concat([Buffer.of(0), bytes]), leaving })),
    ),
  };
}

function lowCardinality(of: DrawnType): DrawnType {
  return {
    ...of,
    name: `LowCardinality(${of.name})`,
    parsed: { kind: 'low_cardinality', of: of.parsed },
    fits: of.parsed.kind === 'nullable' ? [] : ['Map key', 'Variant'],
    // The dictionary has only one zero.
    value: of.value.filter(({ leaving }) => leaving.kind !== 'number' || !Object.is(leaving.value, -0)),
  };
}

/** For a function that returns one of the values. */
function simpleAggregate(of: DrawnType): DrawnType {
  return { ...of, name: `SimpleAggregateFunction(anyLast, ${of.name})`, fits: [] };
}

function array(of: DrawnType, name = `Array(${of.name})`): DrawnType {
  return {
    name,
    parsed: { kind: 'array', of: of.parsed },
    fits: ['Variant'],
    value: fc.array(of.value, { maxLength: 3 }).map((items) => ({
      bytes: listBytes(items.map(({ bytes }) => bytes)),
      leaving: { kind: 'list', items: items.map(({ leaving }) => leaving) },
    })),
  };
}

function map(key: DrawnType, of: DrawnType): DrawnType {
  return {
    name: `Map(${key.name}, ${of.name})`,
    parsed: { kind: 'map', key: key.parsed, value: of.parsed },
    fits: ['Variant'],
    value: fc.array(fc.tuple(key.value, of.value), { maxLength: 3 }).map((entries) => ({
      bytes: listBytes(entries.map((entry) => Buffer.concat(entry.map(({ bytes }) => bytes)))),
      leaving: { kind: 'object', entries: entries.map(([left, right]) => [left.leaving, right.leaving]) },
    })),
  };
}

type Element = { name: string | undefined; type: DrawnType };

function elementText({ name, type }: Element): string {
  return name === undefined ? type.name : `${quoteIdentifier(name)} ${type.name}`;
}

function tuple(elements: readonly Element[], name = `Tuple(${elements.map(elementText).join(', ')})`): DrawnType {
  return {
    name,
    parsed: { kind: 'tuple', elements: elements.map(({ name, type }) => ({ name, type: type.parsed })) },
    fits: ['Nullable', 'Variant'],
    value: fc.tuple(...elements.map(({ type }) => type.value)).map((values) => ({
      bytes: Buffer.concat(values.map(({ bytes }) => bytes)),
      leaving: ofElements(
        elements,
        values.map(({ leaving }) => leaving),
      ),
    })),
  };
}

function ofElements(elements: readonly Element[], values: readonly Leaving[]): Leaving {
  const named = elements.flatMap(({ name }) => (name === undefined ? [] : [name]));
  if (elements.length === 0 || named.length < elements.length) return { kind: 'list', items: values };
  return {
    kind: 'object',
    entries: named.map((name, index) => [{ kind: 'text', text: name }, values[index] ?? NULL] as const),
  };
}

/** The server numbers the options in the order of their names. They are of different kinds, so their first words give the order. */
function variant(drawn: readonly DrawnType[], name?: string): DrawnType {
  const options = drawn.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const values = options.map(({ value }, index) =>
    value.map(({ bytes, leaving }): Drawn => ({ bytes: Buffer.concat([Buffer.of(index), bytes]), leaving })),
  );
  return {
    name: name ?? `Variant(${drawn.map((option) => option.name).join(', ')})`,
    parsed: { kind: 'variant', of: options.map(({ parsed }) => parsed) },
    fits: [],
    value: fc.oneof(fc.constant<Drawn>({ bytes: Buffer.of(0xff), leaving: NULL }), ...values),
  };
}

const POINT = tuple(
  Array.from({ length: 2 }, () => ({ name: undefined, type: float64 })),
  'Point',
);
const RING = array(POINT, 'Ring');
const LINE_STRING = array(POINT, 'LineString');
const POLYGON = array(RING, 'Polygon');
const MULTI_LINE_STRING = array(LINE_STRING, 'MultiLineString');
const MULTI_POLYGON = array(POLYGON, 'MultiPolygon');
const GEOMETRIES = [POINT, RING, LINE_STRING, POLYGON, MULTI_LINE_STRING, MULTI_POLYGON];
const geometry = fc.constantFrom(...GEOMETRIES, variant(GEOMETRIES, 'Geometry'));

/** The server refuses an empty name and "null". */
const elementName = fc
  .oneof(fc.stringMatching(/^[a-c]{1,2}$/), fc.constantFrom('__proto__', 'Array', '1', 'a b', 'a.b'), anyText)
  .filter((name) => name !== '' && name.toLowerCase() !== 'null');

/** Types with at most this number of levels. */
function typeOf(depth: number): fc.Arbitrary<DrawnType> {
  if (depth === 0) return scalar;
  const inner = typeOf(depth - 1);
  const named = fc
    .uniqueArray(fc.tuple(elementName, inner), { minLength: 1, maxLength: 3, selector: ([name]) => name })
    .map((elements) => elements.map(([name, type]): Element => ({ name, type })));
  const kinds = fc.uniqueArray(
    inner.filter(({ fits }) => fits.includes('Variant')),
    { minLength: 1, maxLength: 4, selector: ({ name }) => name.split('(')[0] },
  );
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 3, arbitrary: scalar },
    { weight: 3, arbitrary: inner.filter(mayBeNull).map(nullable) },
    { weight: 2, arbitrary: lowCardinalityOf(fc.oneof(scalar, scalar.filter(mayBeNull).map(nullable))) },
    { weight: 2, arbitrary: inner.map((of) => array(of)) },
    { weight: 2, arbitrary: named.map((elements) => tuple(elements)) },
    {
      weight: 1,
      arbitrary: fc
        .array(inner, { maxLength: 3 })
        .map((elements) => tuple(elements.map((type) => ({ name: undefined, type })))),
    },
    {
      weight: 1,
      arbitrary: named.map((elements) => array(tuple(elements), `Nested(${elements.map(elementText).join(', ')})`)),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.oneof(mapKey, lowCardinalityOf(mapKey)), inner).map(([key, of]) => map(key, of)),
    },
    { weight: 2, arbitrary: kinds.map((options) => variant(options)) },
    { weight: 1, arbitrary: geometry },
    { weight: 1, arbitrary: scalar.filter(({ fits }) => fits === ANYWHERE).map(simpleAggregate) },
  );
}

function lowCardinalityOf(types: fc.Arbitrary<DrawnType>): fc.Arbitrary<DrawnType> {
  return types.filter(({ fits }) => fits.includes('LowCardinality')).map(lowCardinality);
}

export const anyType = typeOf(3);
