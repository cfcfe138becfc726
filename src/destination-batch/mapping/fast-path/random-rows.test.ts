import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { withRulesOnly } from '../../../../integration_tests/support/rules-only.ts';
import { anyText } from '../../../../sandbox/any-text.ts';
import { viewOf } from '../../../shared/byte-pattern.ts';
import { DEFAULT_LIMITS, type Limits } from '../../batch/limits.ts';
import type { ItemNumber } from '../../byte-arena.ts';
import type { Change } from '../../codes.ts';
import { DEFAULT_MAPPING, type Mapping } from '../../config/mapping.ts';
import { DEFAULT_POLICIES } from '../../config/policies.ts';
import { ItemArena } from '../../item-arena.ts';
import { type InputMessage, parseInputLine } from '../../write/input.ts';
import type { ColumnType, MemberTypes } from '../column-types.ts';
import { EventMapper, type MappedRow } from '../mapper.ts';
import type { MapperOptions } from '../rules.ts';
import { NO_END } from './json-bytes.ts';
import { JsonCopier } from './json-copier.ts';

/**
 * Cuts random rows, and compares each with the same row parsed and mapped. By default, these are as many rows as take about two
 * seconds. For more: `PROPERTY_ROWS=1000000 npx vitest run src/destination-batch/mapping/fast-path/random-rows.test.ts`. With
 * PROPERTY_SEED, they are the same rows again.
 */
const ROWS = Number(process.env.PROPERTY_ROWS ?? 6_000);
const SEED = Number(process.env.PROPERTY_SEED ?? Math.floor(Math.random() * 2 ** 31));

const NOW = Date.parse('2026-04-17T12:00:00Z');

/** The JSON of a value, as it is in a row. */
type Json = string;

/** Draws from an arbitrary as often as the number before it, in proportion to the others. */
function oneOf<T>(...weighted: readonly (readonly [weight: number, arbitrary: fc.Arbitrary<T>])[]): fc.Arbitrary<T> {
  return fc.oneof(...weighted.map(([weight, arbitrary]) => ({ weight, arbitrary })));
}

const some = <T>(...values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const quote = (text: string): Json => `"${text}"`;
const stringify = (text: string): Json => JSON.stringify(text);

/** Parts of strings, as they are written in JSON. Most of them are copied. */
const PARTS = [
  ...['a', 'linen shirt', 'x', ' b', '0', '-', '/', '{', '[', '}', ']', ':', ',', "'", 'null', '~'],
  ...[String.raw`\/`, String.raw`\"`, String.raw`\\`, String.raw`\n`, String.raw`\t`, String.raw`\b`, String.raw`\f`],
  ...[String.raw`\r`, 'é', 'Ü', '日本', 'あ', 'أ', '👕', '\u00a0', '\u3000', '\ufeff', '\u2028', 'e\u0301', '\u0085'],
];

/** Parts that are not copied, or that are not valid. */
const ODD_PARTS = [
  ...[String.raw`\u00e9`, String.raw`\u0041`, String.raw`\u0020`, String.raw`\u007b`, String.raw`\u0000`, '\u007f'],
  ...[String.raw`\ud83d\ude00`, String.raw`\ud83d`, String.raw`\ude00`, String.raw`\u3000`, String.raw`\u002f`],
];

const repeated = fc
  .tuple(some('x', 'é', '日', '👕', String.raw`\"`, String.raw`\/`, 'ab '), some(5, 20, 149, 150, 151, 299, 300, 301))
  .map(([part, times]) => part.repeat(times));

/** Strings without their quotes, as they are written in JSON. */
const text = oneOf(
  [12, some('linen shirt', 'Lyon', 'blue', 'cotton 7', 'A-12', 'x')],
  [10, fc.array(some(...PARTS), { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''))],
  [2, fc.array(some(...PARTS, ...ODD_PARTS), { maxLength: 6 }).map((parts) => parts.join(''))],
  [1, some('', ' ', String.raw`\n`, '\u3000', '1.50', '1e400', '-0', '12', '007', ' 1', '99999999999999999999')],
  [1, repeated],
  [
    1,
    oneOf([2, anyText()], [1, fc.string({ unit: 'grapheme-ascii', maxLength: 320 })]).map((any) =>
      stringify(any).slice(1, -1),
    ),
  ],
);

const number = oneOf<Json>(
  [8, fc.nat(100_000).map(String)],
  [5, fc.integer({ min: -99_999, max: 99_999 }).map((cents) => String(cents / 100))],
  [
    1,
    some(
      ...['-0', '0', '1.50', '0.000001', '0.0000001', '1e3', '-1E-3', '1e400', '123456789012345', '1234567890123456'],
      ...['-123456789012345', '-1234567890.1230', '-0.0000000000000', '1234567890.12340', '12345678901234567890'],
      ...['9223372036854775807', '9223372036854775808', '0.30000000000000004', '-12345678901230.0', '10.0e1'],
    ),
  ],
  [1, fc.stringMatching(/^-?(0|[1-9]\d{0,17})(\.\d{1,8})?$/)],
  [1, fc.double({ noNaN: true, noDefaultInfinity: true }).map(String)],
);

const twoDigits = (max: number): fc.Arbitrary<string> => fc.nat(max).map((value) => String(value).padStart(2, '0'));

const zoned = oneOf(
  [30, fc.constant('Z')],
  [3, some('z', '+00:00', '+02:00', '-05:30', '', ' Z', ' +0200', '+02', '+24:00', 'ZZ')],
);

const fraction = oneOf(
  [30, some('', '', '.5', '.123', '.1239', '.000001', '.123456789012')],
  [1, some('.', ',5', '.5a')],
);

const time = fc
  .tuple(
    oneOf(
      [10, some('2026-04-17', '2026-04-16', '2024-02-29')],
      [1, some('2016-12-31', '2026-02-29', '0000-01-01', '9999-12-31')],
    ),
    oneOf([40, some('T')], [1, some(' ', 't')]),
    oneOf([40, twoDigits(23)], [1, some('24', '99', '-1')]),
    oneOf([40, twoDigits(59)], [1, some('60')]),
    oneOf([40, twoDigits(59)], [1, some('60')]),
    fraction,
    zoned,
  )
  .map(([day, between, hour, minute, second, fraction, zone]) =>
    quote(`${day}${between}${hour}:${minute}:${second}${fraction}${zone}`),
  );

const anyTime = oneOf([12, time], [1, some('"2026-04-17"', '"2026-02-29"', '""', '" "', '"today"', '7', '{}')]);

const url = oneOf<Json>(
  [6, fc.nat(999).map((id) => quote(`https://shop.example.com/items/${id}?a=b`))],
  [4, fc.nat(999).map((id) => quote(String.raw`https:\/\/shop.example.com\/${id}#x`))],
  [
    1,
    some(
      '"http://a"',
      '"HTTPS://a"',
      '"ftp://a"',
      '"https://é.fr"',
      '"https://a b"',
      '"https://a/\u00a0"',
      '"https:///"',
    ),
  ],
  [
    1,
    some(
      '""',
      '"shop"',
      '"https://"',
      String.raw`"https://a\"b"`,
      String.raw`"https:\//a"`,
      '7',
      'true',
      '"https://A"',
    ),
  ],
  [1, fc.webUrl().map(stringify)],
);

const scalar = oneOf<Json>([6, text.map(quote)], [4, number], [2, some('true', 'false')], [2, some('null')]);

const KEYS = Array.from({ length: 40 }, (_, index) => `k${index}`);
const ODD_KEYS = [
  ...['unitPrice', 'SKU', 'K1', 'K2', 'date__k1', 'date(k2)', 'DATE__k3', 'url__k1', 'url(k2)', 'Url(k3)', '__proto__'],
  ...[
    'constructor',
    '1',
    '10',
    '1a',
    '',
    'a b',
    'é',
    '$label',
    'batch__label',
    'date__',
    'date__url__x',
    String.raw`\u006b1`,
  ],
  ...['k'.repeat(30), 'k'.repeat(31), String.raw`a\"b`],
];

const gap = oneOf([6, fc.constant('')], [1, some(' ', '\t', '  ')]);

/** An object or array, nested up to `depth` levels. */
function structure(depth: number): fc.Arbitrary<Json> {
  return oneOf([3, object(depth)], [2, array(depth)]);
}

function object(depth: number): fc.Arbitrary<Json> {
  const value =
    depth <= 1 ? scalar : oneOf<Json>([6, scalar], [2, structure(depth - 1)], [1, some('{}', '[]', '[{}]')]);
  const member = oneOf<readonly [string, Json]>(
    [16, fc.tuple(some(...KEYS), value)],
    [1, fc.tuple(some(...ODD_KEYS), value)],
    [1, fc.tuple(some('date__at', 'date(to)'), anyTime)],
    [1, fc.tuple(some('url__link', 'url(shop)'), url)],
  );
  const written = fc.tuple(fc.array(member, { maxLength: 4 }), gap).map(([members, space]) => braced(members, space));
  return oneOf([40, written], [1, some(19, 20, 21, 22).map(wide)]);
}

function braced(members: readonly (readonly [string, Json])[], space: string): Json {
  return `{${space}${members.map(([key, value]) => `"${key}"${space}:${space}${value}`).join(`${space},${space}`)}${space}}`;
}

/** An object with this number of members. */
const wide = (count: number): Json =>
  braced(
    KEYS.slice(0, count).map((key, index) => [key, String(index)] as const),
    '',
  );

function array(depth: number): fc.Arbitrary<Json> {
  const item = text.map(quote);
  const items = oneOf<readonly Json[]>(
    [8, fc.array(item, { maxLength: 4 })],
    [8, fc.array(object(Math.max(0, depth - 1)), { maxLength: 3 })],
    [1, fc.array(oneOf([2, item], [1, scalar], [1, some('{}', '[]')]), { maxLength: 3 })],
    [1, fc.tuple(item, some(24, 25, 26)).map(([same, count]) => Array<Json>(count).fill(same))],
    [1, some(24, 25, 26).map((count) => Array<Json>(count).fill('{"k1":1}'))],
  );
  return fc.tuple(items, gap).map(([all, space]) => `[${space}${all.join(`${space},${space}`)}${space}]`);
}

/** JSON inside a string, as ClickHouse and others write it. */
const inString = (json: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
  fc
    .tuple(
      json,
      oneOf<(json: Json) => Json>(
        [20, some(stringify, (inner: Json) => stringify(inner).replaceAll('/', String.raw`\/`))],
        [
          2,
          some(
            (inner: Json) => stringify(`${inner} \n`),
            (inner: Json) => stringify(inner.replaceAll(',', ',\n')),
          ),
        ],
        [
          1,
          some(
            (inner: Json) => stringify(` ${inner}`),
            (inner: Json) => stringify(`${inner}\u00a0`),
            (inner: Json) => stringify(inner.slice(0, -1)),
            (inner: Json) => stringify(`${inner},`),
            (inner: Json) =>
              stringify(inner).replaceAll(
                /[^ -~]/g,
                (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
              ),
          ),
        ],
      ),
    )
    .map(([inner, write]) => write(inner));

const line = oneOf<Json>([8, text.map(quote)], [1, scalar], [1, structure(1)]);
const tags = fc
  .array(oneOf([8, some('summer', 'sale 7', 'é')], [1, text]).map(quote), { maxLength: 4 })
  .map((all) => `[${all}]`);

/** Any value, in a column for which it may not be meant. */
const anyValue = oneOf<Json>(
  [3, scalar],
  [2, structure(4)],
  [2, inString(structure(4))],
  [1, anyTime],
  [1, url],
  [1, fc.json({ maxDepth: 3 })],
  [1, fc.json({ maxDepth: 3 }).map(stringify)],
);

const meant = (value: fc.Arbitrary<Json>): fc.Arbitrary<Json> => oneOf([12, value], [2, some('null')], [1, anyValue]);

const COLUMNS = new Map<string, fc.Arbitrary<Json>>([
  ['item', meant(text.map(quote))],
  ['price', meant(oneOf([6, number], [1, number.map(quote)]))],
  ['in_sales', meant(some('true', 'false'))],
  ['unitPrice', meant(scalar)],
  ['url__page', meant(url)],
  ['URL__Image', meant(url)],
  ['date__day', meant(anyTime)],
  ['DATE__Bought', meant(anyTime)],
  ['details', meant(inString(structure(3)))],
  ['more', meant(inString(structure(4)))],
  ['nested', meant(structure(3))],
  ['list', meant(oneOf([1, array(2)], [1, inString(array(2))]))],
  ['raw', meant(oneOf([1, text.map(quote)], [1, inString(structure(2))]))],
  ['batch__label', meant(line)],
  ['batch__tags', meant(oneOf([1, tags], [1, inString(tags)]))],
  ['last_updated_at', meant(time)],
  ['_airbyte_meta', meant(object(2))],
  ['$odd', meant(scalar)],
  ['année', meant(scalar)],
  ['__proto__', meant(scalar)],
]);

const customId = oneOf<Json>(
  [40, some('"u1"', '"customer-22"', '"a b"', '7', '123456')],
  [
    2,
    some(
      ...[
        '"zoé"',
        String.raw`"a\/b"`,
        String.raw`"a\"b"`,
        String.raw`"\u0061"`,
        '"👕"',
        String.raw`"\ud83d"`,
        '"\u007f"',
      ],
      ...[
        '"nul"',
        '"Null"',
        '"null"',
        '"NaN"',
        '"(null)"',
        '"-Infinity"',
        '"[object Object]"',
        '"-x"',
        '"true"',
        'true',
      ],
      ...['null', '""', '" "', '" a"', '"a "', '"\u00a0"', String.raw`"a\nb"`, '{}', '[]', quote('x'.repeat(513))],
      ...['12345678901234567890', '-5', '-0', '1.5', '1e3', '123456789012345', '1234567890123456', '0'],
    ),
  ],
  [1, text.map(quote)],
);

const eventName = oneOf<Json>(
  [50, some('"seen"', '"purchase"', '"add_to_cart"')],
  [2, some('"e"', quote('x'.repeat(30)), String.raw`"se\u0065n"`, '"0"')],
  [1, some('"Seen"', '""', 'null', '5', quote('x'.repeat(31)), '"a b"', '"é"', '{}')],
);

/** In the 12 hours before NOW. */
const timely = fc
  .tuple(twoDigits(11), twoDigits(59), twoDigits(59), fraction)
  .map(([hour, minute, second, ms]) => quote(`2026-04-17T${hour}:${minute}:${second}${ms}Z`));

const eventTime = oneOf<Json>(
  [40, timely],
  [2, time],
  [2, some('null', '""', '" "')],
  [
    2,
    some(
      // At the limits of what is timely.
      ...[
        '"2026-04-17T12:00:00Z"',
        '"2026-04-17T12:00:00.0009Z"',
        '"2026-04-17T12:00:00.001Z"',
        '"2026-04-16T12:00:00Z"',
      ],
      ...[
        '"2026-04-16T11:59:59.999Z"',
        '"2026-04-16T12:05:00Z"',
        '"2026-04-16T12:04:59.999Z"',
        '"2030-01-01T00:00:00Z"',
      ],
    ),
  ],
  [1, anyTime],
);

const HEADS = new Map([
  ['custom_id', customId],
  ['event_name', eventName],
  ['event_time', eventTime],
]);

/** Beginnings and ends of messages. */
const ENVELOPES: readonly (readonly [start: string, end: (row: number) => string])[] = [
  ['{"type":"RECORD","record":{"stream":"events","emitted_at":1,', () => '}}'],
  [
    '{"type":"RECORD","record":{"stream":"events","namespace":"shop","emitted_at":1,',
    (row) => `},"row_hash":"1${row}"}`,
  ],
  [
    '{"type":"RECORD","record":{"stream":"events",',
    (row) => `,"emitted_at":${1_790_000_000_000 + row},"namespace":"shop"}}`,
  ],
  ['{ "type": "RECORD", "record": {"stream": "events", ', (row) => `,"a":${row}},"b":1.5,"c":""}`],
];

/** Changes the bytes of a line. */
type Damage = (bytes: Buffer) => Buffer;

const replaceAt = (bytes: Buffer, place: number, removed: number, ...added: number[]): Buffer => {
  const at = place % bytes.length;
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(added), bytes.subarray(at + removed)]);
};

const damage: fc.Arbitrary<Damage | undefined> = oneOf<Damage | undefined>(
  [14, fc.constant(undefined)],
  [
    1,
    fc
      .tuple(
        fc.nat(5_000),
        oneOf([3, some(...Buffer.from('"\\{}[],:0-.e /nuT'))], [1, fc.integer({ min: 0, max: 255 })]),
        some<[removed: number, isAdded: boolean]>([1, true], [1, true], [0, true], [1, false], [10_000, false]),
      )
      .map(
        ([place, code, [removed, isAdded]]): Damage =>
          (bytes) =>
            replaceAt(bytes, place, removed, ...(isAdded ? [code] : [])),
      ),
  ],
);

const small = (weight: number, min: number, max: number): fc.Arbitrary<number | undefined> =>
  oneOf<number | undefined>([weight, fc.constant(undefined)], [1, fc.integer({ min, max })]);

const limits: fc.Arbitrary<Limits> = fc
  .record({
    string_characters: small(6, 1, 20),
    url_characters: small(4, 1, 45),
    array_items: small(4, 1, 4),
    attributes_per_object: small(4, 1, 6),
    object_depth: oneOf<number | undefined>([3, fc.constant(undefined)], [1, some(1, 2, 4, 9, 20)]),
    label_characters: small(4, 1, 12),
    tag_characters: small(4, 1, 6),
    tags_per_event: small(4, 1, 3),
    event_bytes: small(16, 60, 500),
    custom_id_characters: small(16, 1, 8),
    event_age_hours: small(4, 1, 48),
  })
  .map((given) => ({
    ...DEFAULT_LIMITS,
    ...Object.fromEntries(Object.entries(given).filter(([, limit]) => limit !== undefined)),
  }));

const MAPPINGS = [
  { plain_text_columns: ['raw', 'details'] },
  { constant_event_name: 'seen' },
  { event_name: { from: 'stream' as const } },
  { custom_id_column: 'item' },
  { event_time_column: 'date__day' },
  { exclude_columns: ['item', 'nested'] },
  { include_columns: ['item', 'details', 'list', 'unitPrice', 'batch__tags'] },
].map((mapping): Mapping => ({ ...DEFAULT_MAPPING, ...mapping }));

const names = [...HEADS.keys(), ...COLUMNS.keys()];
/** Types of the numbers in the objects of a column. */
const MEMBERS: MemberTypes = {
  named: new Map<string, 'float' | 'integer' | MemberTypes>([
    ['k1', 'float'],
    ['k2', 'integer'],
    ['k3', { named: new Map([['k1', 'integer']]), others: 'float' }],
    ['date__at', 'float'],
  ]),
  others: undefined,
};

/** Gives the columns these types in turn. */
const typed = (...types: readonly ColumnType[]): MapperOptions['columnTypes'] =>
  new Map(
    names.flatMap((name, index) =>
      types
        .slice(index % types.length)
        .slice(0, 1)
        .map((type) => [name, type] as const),
    ),
  );

const NO_TYPES: MapperOptions['columnTypes'] = new Map();
const COLUMN_TYPES: readonly MapperOptions['columnTypes'][] = [
  typed('float'),
  typed('integer'),
  typed('date_time'),
  typed('float', 'date_time', 'integer'),
  typed(MEMBERS),
  typed(MEMBERS, 'float', { named: new Map(), others: 'float' }, { named: new Map(), others: MEMBERS }),
];

const options: fc.Arbitrary<Partial<MapperOptions>> = fc.record({
  stream: fc.constant('events'),
  now: fc.constant(() => NOW),
  policies: fc
    .record({
      invalid_attribute: oneOf([15, some('drop' as const)], [1, some('reject_event' as const)]),
      long_text: some('drop' as const, 'truncate' as const),
      untimely_event: some('send' as const, 'send' as const, 'send_without_time' as const, 'reject' as const),
      capital_letters: some('lower_case' as const, 'lower_case' as const, 'drop' as const),
    })
    .map((policies) => ({ ...DEFAULT_POLICIES, ...policies })),
  mapping: oneOf([1, some(DEFAULT_MAPPING)], [3, some(...MAPPINGS)]),
  columnTypes: oneOf([3, some(NO_TYPES)], [2, some(...COLUMN_TYPES)]),
  cursorColumn: some(undefined, undefined, 'price'),
});

/** The order in which a row has its columns. In most rows it is that of the table. */
type Order = (row: readonly string[]) => readonly string[];

const order = oneOf<Order>(
  [60, some<Order>((row) => row)],
  [
    1,
    some<Order>(
      (row) => row.toReversed(),
      (row) => row.slice(0, -1),
      (row) => [...row, ...row.slice(0, 1)],
    ),
  ],
);

type Row = { values: readonly Json[]; order: Order; damage: Damage | undefined };

const table: fc.Arbitrary<{ columns: readonly string[]; rows: readonly Row[] }> = fc
  .tuple(
    fc.shuffledSubarray([...COLUMNS.keys()], { minLength: 2, maxLength: 9 }),
    fc.shuffledSubarray([...HEADS.keys(), 'item'], { minLength: HEADS.size + 1 }),
    fc.nat(9),
  )
  .chain(([others, always, place]) => {
    const columns = others.filter((name) => !always.includes(name)).toSpliced(place, 0, ...always);
    const values = fc.tuple(...columns.map((name) => HEADS.get(name) ?? COLUMNS.get(name) ?? scalar));
    const row = fc.record({ values, order, damage });
    return fc.array(row, { minLength: 2, maxLength: 60, size: 'max' }).map((rows) => ({ columns, rows }));
  });

/** The line of a row. `place` is its place in the table. */
function lineOf(columns: readonly string[], { values, order, damage }: Row, envelope: number, place: number): Buffer {
  const [start, end] = ENVELOPES[envelope] ?? ['', String];
  const members = columns.map((column, index) => `${stringify(column)}:${values[index]}`);
  const line = Buffer.from(`${start}"data":{${order(members).join()}}${end(place)}`);
  return damage === undefined ? line : damage(line);
}

/** The events of the last rows. Their bytes must not change while others are written. */
class LiveEvents {
  static readonly #MOST = 600;
  readonly #events: { event: ItemNumber; json: string }[] = [];
  readonly arena = new ItemArena();

  add(event: ItemNumber): void {
    this.#events.push({ event, json: this.arena.read(event) });
    if (this.#events.length > LiveEvents.#MOST) this.#release();
  }

  releaseAll(): void {
    while (this.#events.length > 0) this.#release();
  }

  #release(): void {
    const oldest = this.#events.shift();
    if (oldest === undefined) return;
    const json = this.arena.read(oldest.event);
    if (json !== oldest.json) throw new Error(`An event has changed from\n${oldest.json}\nto\n${json}`);
    this.arena.release(oldest.event);
  }
}

/** A mapper that cuts rows like the session, next to one that parses all rows. Counts how many are cut. */
class Comparison {
  readonly counts = { rows: 0, cut: 0, mapped: 0, rejected: 0, notRows: 0 };
  readonly live = new LiveEvents();
  readonly #mappedEvents = new ItemArena();
  #cutting = new EventMapper(DEFAULT_LIMITS);
  #mapping = new EventMapper(DEFAULT_LIMITS);
  #changes: Change[] = [];
  #expectedChanges: Change[] = [];

  /** Starts with the rows of another table. */
  start(bounds: Limits, given: Partial<MapperOptions>): void {
    const changes: Change[] = [];
    const expectedChanges: Change[] = [];
    const { arena } = this.live;
    this.#cutting = new EventMapper(bounds, { ...given, onChange: (change) => changes.push(change) }, arena);
    this.#mapping = new EventMapper(
      bounds,
      { ...given, onChange: (change) => expectedChanges.push(change) },
      this.#mappedEvents,
    );
    this.#changes = changes;
    this.#expectedChanges = expectedChanges;
  }

  compare(line: Buffer): void {
    const message = parseInputLine(line);
    const mapped = message.kind === 'record' ? withRulesOnly(() => this.#mapping.map(message.data)) : undefined;
    const expected = outcomeOf(mapped, this.#mappedEvents);
    if (mapped?.kind === 'event') this.#mappedEvents.release(mapped.event);
    const actual = this.#cutOrMap(line, message);
    const outcome = outcomeOf(actual, this.live.arena);
    if (actual?.kind === 'event') this.live.add(actual.event);
    if (outcome !== expected) throw new Error(`A row became\n${outcome}\nand not\n${expected}\n${line}`);
  }

  compareChanges(): void {
    expect(this.#changes).toEqual(this.#expectedChanges);
  }

  #cutOrMap(line: Buffer, message: InputMessage): MappedRow | undefined {
    this.counts.rows += 1;
    const chunk = Buffer.concat([CHUNK_START, line, CHUNK_END]);
    const end = CHUNK_START.length + line.length;
    // Like the session, which parses lines that are not valid UTF-8.
    const cut = isUtf8(chunk) ? this.#cutting.tryCut(chunk, viewOf(chunk), CHUNK_START.length, end) : undefined;
    const mapped = cut ?? (message.kind === 'record' ? this.#cutting.map(message.data, message.line) : undefined);
    if (cut !== undefined) this.counts.cut += 1;
    else if (mapped === undefined) this.counts.notRows += 1;
    else this.counts[mapped.kind === 'event' ? 'mapped' : 'rejected'] += 1;
    return mapped;
  }
}

/** The lines before and after a row in the same chunk. */
const CHUNK_START = Buffer.from('{"type":"LOG"}\n');
const CHUNK_END = Buffer.from('\n{"type":"RECORD"}\n');

/** What must be the same whether a row was cut or parsed. */
function outcomeOf(mapped: MappedRow | undefined, arena: ItemArena): string {
  if (mapped === undefined) return 'no row';
  if (mapped.kind === 'rejected') return JSON.stringify(mapped);
  const { event, profile, isTimely, leftOut } = mapped;
  const customId = arena.profiles.readCustomId(profile);
  return `${arena.read(event)}\n${JSON.stringify({ customId, isTimely, leftOut })}`;
}

/** Counts the values of columns, and those that the copier does not leave to the rules. */
const values = { all: 0, copied: 0 };
const { copyColumn } = JsonCopier.prototype;

beforeAll(() => {
  JsonCopier.prototype.copyColumn = function (...given) {
    const end = copyColumn.apply(this, given);
    values.all += 1;
    if (end !== NO_END) values.copied += 1;
    return end;
  };
});
afterAll(() => {
  JsonCopier.prototype.copyColumn = copyColumn;
});

test('cuts most rows, to the same events and with the same reports as when they are parsed', {
  timeout: 30_000 + ROWS * 5,
}, async () => {
  const comparison = new Comparison();
  const { counts, live } = comparison;
  const envelopes = fc.nat(ENVELOPES.length - 1);
  const property = fc.asyncProperty(
    options,
    limits,
    table,
    envelopes,
    async (given, bounds, { columns, rows }, envelope) => {
      comparison.start(bounds, given);
      for (const [place, row] of rows.entries()) comparison.compare(lineOf(columns, row, envelope, place));
      comparison.compareChanges();
      // Lets vitest see that this process is alive.
      await new Promise(setImmediate);
    },
  );
  for (let seed = SEED; counts.rows < ROWS; seed += 1) await fc.assert(property, { numRuns: 50, seed });
  live.releaseAll();
  expect(live.arena.heldBytes).toBe(0);
  if (process.env.PROPERTY_ROWS !== undefined)
    process.stderr.write(`${JSON.stringify({ seed: SEED, ...counts, values })}\n`);
  expect(counts.cut / counts.rows).toBeGreaterThan(0.55);
  expect(values.copied / values.all).toBeGreaterThan(0.55);
});
