import fc from 'fast-check';
import { anyText } from '../../sandbox/any-text.ts';

// Rows of all kinds, as the text of their JSON, since a number in it may have digits that no value of JavaScript holds.
// fast-check draws the parts; a fast generator puts rows together from them, so that there can be very many.

type JsonText = string;
type Part = readonly [name: JsonText, value: JsonText];

/** The column that tells rows apart. It comes first in any order, and no other column is called so. */
export const ROW_NUMBER = '0';

const quoted = (text: fc.Arbitrary<string>): fc.Arbitrary<JsonText> => text.map((value) => JSON.stringify(value));
/** As JSON may write it too: each character by its number. */
const escaped = (text: fc.Arbitrary<string>): fc.Arbitrary<JsonText> =>
  text.map(
    (value) =>
      `"${[...value].map((sign) => [...Array(sign.length).keys()].map((at) => unit(sign, at)).join('')).join('')}"`,
  );
const unit = (text: string, at: number): string => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`;
const listOf = (items: readonly JsonText[], gap = ''): JsonText => `[${gap}${items.join(`${gap},${gap}`)}${gap}]`;
const objectOf = (entries: readonly Part[], gap = ''): JsonText =>
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
    fc.constantFrom('Z', 'Z', 'Z', 'z', '+00:00', '+02:00', '-05:30', '+23:59', '-23:59', '', ' ', '+0200', '+24:00'),
  )
  .map(([date, fraction, zone]) => `${date.toISOString().slice(0, 19)}${fraction}${zone}`);
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
    )
    .filter((column) => column !== ROW_NUMBER),
);

const scalar: fc.Arbitrary<JsonText> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom('null', 'true', 'false') },
  { weight: 2, arbitrary: number },
  { weight: 4, arbitrary: quoted(text) },
  { weight: 1, arbitrary: escaped(shortText) },
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

/** What a column holds: anything, as it is or, as the rule is for lists and objects, as the text of its JSON. */
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

export type RandomRows = {
  /** The JSON of a row. */
  readonly row: (number: number) => JsonText;
};

/** @param now milliseconds since 1970: the times of events lie around it, and not within minutes of a limit. */
export function randomRows(seed: number, now: number): RandomRows {
  const draw = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number): readonly T[] =>
    fc.sample(arbitrary, { seed, numRuns });
  const columns = draw(fc.tuple(columnName, cell), 20_000);
  const ids = draw(oddId, 1_000);
  const badIds = draw(badId, 20);
  const eventNames = draw(quoted(goodName), 200);
  const cells = draw(cell, 2_000);
  const stamps = draw(quoted(fc.oneof(stamp, day, awkwardText)), 500);
  const random = generator(seed);
  const upTo = (count: number): number => Math.floor(random() * count);
  const one = <T>(from: readonly T[]): T => from[upTo(from.length)] as T;
  const hours = 3_600_000;

  const time = (): JsonText => {
    const kind = random();
    if (kind < 0.5) return 'null';
    if (kind > 0.97) return one(stamps);
    if (kind > 0.96) return one(cells);
    const age = kind < 0.92 ? 0.1 * hours + random() * 23 * hours : kind < 0.94 ? 25 * hours : -hours;
    return JSON.stringify(new Date(now - age).toISOString());
  };

  return {
    row: (number) => {
      const kind = random();
      // A row without a number can't be told from others: it must be one that is rejected for certain.
      if (kind < 0.01) return objectOf([['"custom_id"', one(badIds)], ['"event_name"', one(eventNames)], one(columns)]);
      const id = kind < 0.85 ? `"u${upTo(3_000)}"` : kind < 0.87 ? String(upTo(1e9)) : one(ids);
      const eventName = kind < 0.98 ? one(eventNames) : one(cells);
      const entries: Part[] = [
        [`"${ROW_NUMBER}"`, String(number)],
        ['"custom_id"', id],
        ['"event_name"', eventName],
      ];
      if (random() < 0.7) entries.push(['"event_time"', time()]);
      const width = random() < 0.03 ? 18 + upTo(8) : upTo(7);
      for (let column = 0; column < width; column += 1) entries.push(one(columns));
      return objectOf(entries, random() < 0.05 ? ' ' : '');
    },
  };
}

/** Mulberry32: numbers from 0 to 1, the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
