import fc from 'fast-check';
import { anyText } from '../../sandbox/any-text.ts';

// Rows of all kinds, as JSON strings, because a number may have digits that no JavaScript value can store.

type JsonText = string;
type Part = readonly [name: JsonText, value: JsonText];

/** The column that numbers the rows. It always comes first, and no other column has this name. */
export const ROW_NUMBER = '0';

const quoted = (text: fc.Arbitrary<string>): fc.Arbitrary<JsonText> => text.map((value) => JSON.stringify(value));
/** Another form that JSON allows: each character by its number. */
const escaped = (text: fc.Arbitrary<string>): fc.Arbitrary<JsonText> =>
  text.map(
    (value) =>
      `"${[...value].map((sign) => [...Array(sign.length).keys()].map((at) => unit(sign, at)).join('')).join('')}"`,
  );
const unit = (text: string, at: number): string => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`;
const listOf = (items: readonly JsonText[], gap = ''): JsonText => `[${gap}${items.join(`${gap},${gap}`)}${gap}]`;
export const objectOf = (entries: readonly Part[], gap = ''): JsonText =>
  `{${gap}${entries.map(([name, value]) => `${name}${gap}:${gap}${value}`).join(`${gap},${gap}`)}${gap}}`;

const shortText = fc.oneof(
  { weight: 6, arbitrary: fc.string({ maxLength: 12 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
  { weight: 2, arbitrary: anyText({ maxLength: 12 }) },
);
const awkwardText = fc.oneof(
  { weight: 12, arbitrary: shortText },
  {
    weight: 3,
    arbitrary: fc
      .array(fc.oneof(fc.constantFrom(0xd800, 0xdbff, 0xdc00, 0xdfff, 0xa0, 0xfeff, 0x2028, 0x0a, 0), fc.nat(0xffff)), {
        maxLength: 8,
      })
      .map((units) => String.fromCharCode(...units)),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ...['', ' ', '\u3000', '[', '{}', '[]', '[[]]', '{"a":', '[1,2', 'null', 'true', '12', '[draft]', '[1] [2]'],
      ...['{"isLosslessNumber":true,"value":"1"}', '{"__proto__":{"custom_id":"x"}}', '{"a":1,"a":2}', '"a"', '{"":1}'],
      ...['{"n":9007199254740993}', ' [ "a" , "b" ] ', '{"date(d)":"2026-04-17","url__u":"https://e.com"}', '\u0000'],
    ),
  },
  { weight: 1, arbitrary: fc.constantFrom(299, 300, 301, 2_047, 2_048, 2_049).map((length) => 'x'.repeat(length)) },
  { weight: 1, arbitrary: fc.constantFrom(149, 150, 151).map((length) => '😀'.repeat(length)) },
);
const hugeText = fc.constantFrom(26_000, 100_000).map((length) => 'é'.repeat(length));

const stamp = fc
  .tuple(
    fc.date({ min: new Date('0000-01-01'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
    fc.stringMatching(/^(\.\d{1,9})?$/),
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom('Z', 'z', '+00:00', '+02:00', '-05:30', '+23:59', '-23:59') },
      { weight: 1, arbitrary: fc.constantFrom('', ' ', '+0200', ' -0530', '+02', '+24:00', ' UTC') },
    ),
    fc.oneof({ weight: 6, arbitrary: fc.constant('T') }, { weight: 1, arbitrary: fc.constantFrom(' ', 't') }),
  )
  .map(
    ([date, fraction, zone, between]) => `${date.toISOString().slice(0, 19).replace('T', between)}${fraction}${zone}`,
  );
const day = fc.constantFrom('2026-04-17', '2026-02-30', '2024-02-29', '0000-01-01', '20260417', '2026-4-7');
const url = fc
  .tuple(
    fc.constantFrom('https://', 'HTTP://', 'app+x.y://', 'mailto:', '//', 'h:///'),
    fc.constantFrom('a.example/', ''),
    awkwardText,
  )
  .map((parts) => parts.join(''));
const text = fc.oneof({ weight: 6, arbitrary: awkwardText }, stamp, day, url);

const EDGES = [2n ** 53n, 2n ** 63n, 2n ** 64n, 10n ** 15n, 10n ** 16n];
const number: fc.Arbitrary<JsonText> = fc.oneof(
  { weight: 3, arbitrary: fc.integer().map(String) },
  { weight: 3, arbitrary: fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...EDGES), fc.constantFrom(-2n, -1n, 0n, 1n, 2n), fc.boolean())
      .map(([edge, by, isNegative]) => String((edge + by) * (isNegative ? -1n : 1n))),
  },
  { weight: 2, arbitrary: fc.stringMatching(/^-?(0|[1-9]\d{0,39})(\.\d{1,40})?([eE][+-]?\d{1,3})?$/) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...['-0', '-0.0', '0.0', '1.0', '1e308', '1e309', '-1e309', '1e-999', '1E+5', '1e18', '1e19', '1e21', '5e-324'],
      ...['1.7976931348623157e308', '1.7976931348623159e308', '0.1234567890123456789012345678901234567891'],
    ),
  },
);

const goodName = fc.stringMatching(/^[a-z_][a-z0-9_]{0,29}$/);
const name = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...'abcdefgh') },
  { weight: 4, arbitrary: goodName },
  { weight: 1, arbitrary: goodName.map((good) => good.toUpperCase()) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...[
        '__proto__',
        'constructor',
        'toString',
        'toJSON',
        'tojson',
        'isLosslessNumber',
        'value',
        '$label',
        '$tags',
        '',
      ],
      ...['a.b', 'é', '7', '10', 'hasOwnProperty', 'length', 'x'.repeat(30), 'x'.repeat(31), 'İ', 'K'],
    ),
  },
  { weight: 1, arbitrary: awkwardText },
);
const typed = (bare: fc.Arbitrary<string>, form: (type: string, inner: string) => string) =>
  fc.tuple(fc.constantFrom('date', 'url', 'DATE', 'Url'), bare).map(([type, inner]) => form(type, inner));
const named = (arbitrary: fc.Arbitrary<string>): fc.Arbitrary<JsonText> =>
  fc.oneof({ weight: 15, arbitrary: quoted(arbitrary) }, { weight: 1, arbitrary: escaped(arbitrary) });
const nestedName = named(
  fc.oneof(
    { weight: 8, arbitrary: name },
    { weight: 2, arbitrary: typed(name, (type, inner) => `${type}(${inner})`) },
    { weight: 1, arbitrary: typed(name, (type, inner) => `${type}__${inner}`) },
  ),
);
const columnName = named(
  fc
    .oneof(
      { weight: 8, arbitrary: name },
      { weight: 3, arbitrary: typed(name, (type, inner) => `${type}__${inner}`) },
      { weight: 1, arbitrary: typed(name, (type, inner) => `${type}(${inner})`) },
      {
        weight: 1,
        arbitrary: fc.constantFrom('last_updated_at', '_airbyte_raw_id', '_airbyte_meta', 'date__', 'url__'),
      },
      { weight: 1, arbitrary: fc.constantFrom('batch__label', 'batch__tags', 'Batch__Tags') },
    )
    .filter((column) => column !== ROW_NUMBER),
);

const scalar: fc.Arbitrary<JsonText> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom('null', 'true', 'false') },
  { weight: 2, arbitrary: number },
  { weight: 4, arbitrary: quoted(text) },
  { weight: 1, arbitrary: escaped(shortText) },
  { weight: 1, arbitrary: quoted(number) },
);
const gap = fc.oneof({ weight: 5, arbitrary: fc.constant('') }, fc.constantFrom(' ', '\n', '\t', '\r\n '));
const { value, structure } = fc.letrec<{ value: JsonText; structure: JsonText; object: JsonText }>((tie) => ({
  value: fc.oneof({ maxDepth: 5 }, { weight: 3, arbitrary: scalar }, { weight: 2, arbitrary: tie('structure') }),
  structure: fc.oneof(
    { weight: 3, arbitrary: tie('object') },
    {
      weight: 3,
      arbitrary: fc.tuple(fc.array(tie('value'), { maxLength: 4 }), gap).map(([items, space]) => listOf(items, space)),
    },
    { weight: 3, arbitrary: fc.array(quoted(shortText), { maxLength: 27 }).map((items) => listOf(items)) },
    { weight: 3, arbitrary: fc.array(tie('object'), { maxLength: 3 }).map((items) => listOf(items)) },
    {
      weight: 1,
      arbitrary: fc
        .integer({ min: 19, max: 21 })
        .map((size) => objectOf(Array.from({ length: size }, (_, index) => [`"k${index}"`, String(index)]))),
    },
  ),
  object: fc
    .tuple(fc.array(fc.tuple(nestedName, tie('value')), { maxLength: 5 }), gap)
    .map(([entries, space]) => objectOf(entries, space)),
}));
const deep = fc
  .tuple(fc.integer({ min: 2, max: 200 }), fc.constantFrom(['[', ']'] as const, ['{"a":', '}'] as const), scalar)
  .map(([levels, [open, close], inside]) => `${open.repeat(levels)}${inside}${close.repeat(levels)}`);

/** What a column contains: anything, as it is or, as usual for lists and objects, as a JSON string. */
const cell: fc.Arbitrary<JsonText> = fc.oneof(
  { weight: 600, arbitrary: scalar },
  // A row is one line: its own white space has no line ends.
  { weight: 400, arbitrary: value.map((json) => json.replaceAll(/[\r\n]/g, ' ')) },
  { weight: 600, arbitrary: quoted(structure) },
  { weight: 20, arbitrary: deep },
  { weight: 20, arbitrary: quoted(deep) },
  { weight: 1, arbitrary: quoted(hugeText) },
);

const oddId = fc.oneof(
  number,
  quoted(fc.uuid()),
  quoted(awkwardText),
  escaped(shortText),
  quoted(fc.constantFrom(511, 512, 513).map((length) => 'i'.repeat(length))),
  fc.constantFrom(
    '"NULL"',
    '"[object Object]"',
    '"nan "',
    '"u1\\n"',
    '"-Infinity"',
    'true',
    'null',
    '["u1"]',
    '{"custom_id":"u1"}',
  ),
);
const badId = fc.constantFrom(
  'null',
  '""',
  '"  "',
  'false',
  '1.5',
  '["u1"]',
  '{}',
  JSON.stringify('i'.repeat(513)),
  '"\\ud800"',
);

/** One row of the property test: the JSON text of its columns, custom_id and event_name first. */
export type RandomRow = readonly Part[];

/**
 * Rows, composed of parts that are drawn once: drawing the parts of each row would take most of the test's time.
 * @param seed determines the parts.
 */
export function randomRows(seed: number): fc.Arbitrary<RandomRow> {
  const from = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number): fc.Arbitrary<T> =>
    fc.constantFrom(...fc.sample(arbitrary, { seed, numRuns }));
  const column = from(fc.tuple(columnName, cell), 8_000);
  const cells = from(cell, 500);
  const id = fc.oneof(
    { weight: 80, arbitrary: fc.nat(100).map((n) => `"u${n}"`) },
    { weight: 15, arbitrary: from(oddId, 1_000) },
    { weight: 1, arbitrary: badId },
    { weight: 1, arbitrary: cells },
  );
  const eventName = fc.oneof({ weight: 40, arbitrary: from(quoted(goodName), 200) }, { weight: 1, arbitrary: cells });
  const time = fc.oneof(
    { weight: 15, arbitrary: fc.constant('null') },
    { weight: 15, arbitrary: from(quoted(stamp), 500) },
    { weight: 1, arbitrary: from(quoted(fc.oneof(day, awkwardText)), 200) },
    { weight: 1, arbitrary: cells },
  );
  const columns = fc.oneof(
    { weight: 30, arbitrary: fc.array(column, { maxLength: 8, size: 'max' }) },
    { weight: 1, arbitrary: fc.array(column, { minLength: 18, maxLength: 26, size: 'max' }) },
  );
  return fc
    .tuple(id, eventName, fc.option(time, { nil: undefined, freq: 4 }), columns)
    .map(([customId, name, eventTime, more]) => [
      ['"custom_id"', customId],
      ['"event_name"', name],
      ...(eventTime === undefined ? [] : [['"event_time"', eventTime] as const]),
      ...more,
    ]);
}
