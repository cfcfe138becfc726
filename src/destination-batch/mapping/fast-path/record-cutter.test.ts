import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyText } from '../../../../sandbox/any-text.ts';
import { isJsonObject, parseExact } from '../../../shared/exact-json.ts';
import { DEFAULT_LIMITS } from '../../batch/limits.ts';
import type { Change } from '../../codes.ts';
import { DEFAULT_MAPPING } from '../../config/mapping.ts';
import { DEFAULT_POLICIES } from '../../config/policies.ts';
import { parseInputLine } from '../../write/input.ts';
import { EventMapper, type MappedRow } from '../mapper.ts';
import type { MappedEvent, MapperOptions } from '../rules.ts';

const STREAM = 'events';
const NOW = Date.parse('2026-04-17T12:00:00Z');

/** Columns with the JSON of their values. */
type Written = readonly (readonly [column: string, json: string])[];

const ROW: Written = [
  ['custom_id', '"customer-1"'],
  ['event_name', '"purchase"'],
  ['event_time', '"2026-04-17T04:25:00Z"'],
  ['last_updated_at', '"2026-04-17T04:25:00.000001Z"'],
  ['item', '"linen shirt"'],
  ['url__item_url', String.raw`"https:\/\/shop.example.com/1"`],
  ['details', String.raw`"{\"brand\":\"Example\",\"sizes\":[\"S\",\"M\"]}"`],
  ['price', '12.5'],
];

/** An attribute of 15,000 bytes. */
const MANY_TEXTS = JSON.stringify(Array.from({ length: 25 }, () => 'é'.repeat(299)));

function lineOf(
  row: Written,
  start = '{"type":"RECORD","record":{"stream":"events","emitted_at":1,',
  end = '}}',
): string {
  return `${start}"data":{${row.map(([column, json]) => `${JSON.stringify(column)}:${json}`).join()}}${end}`;
}

function withValue(column: string, json: string): Written {
  return ROW.map(([name, value]) => [name, name === column ? json : value]);
}

/** A mapper, and the changes that it reports. */
function mapperOf(options: Partial<MapperOptions> = {}): { mapper: EventMapper; changes: Change[] } {
  const changes: Change[] = [];
  const mapper = new EventMapper(DEFAULT_LIMITS, {
    stream: STREAM,
    now: () => NOW,
    onChange: (change) => changes.push(change),
    ...options,
  });
  return { mapper, changes };
}

/** Maps a line like `write` does after it could not be cut. */
function mapLine(mapper: EventMapper, line: string): MappedRow | undefined {
  const message = parseInputLine(Buffer.from(line));
  return message.kind === 'record' ? mapper.map(message.data, line) : undefined;
}

function cutLine(mapper: EventMapper, line: string | Buffer): MappedEvent | undefined {
  // As in a chunk: between two other lines.
  const bytes = Buffer.from(line);
  const chunk = Buffer.concat([Buffer.from('{"type":"LOG"}\n'), bytes, Buffer.from('\n{"type":"RECORD"}\n')]);
  return mapper.tryCut(chunk, 15, 15 + bytes.length);
}

/** The parsed event: a number that was cut may have other trailing zeros than one that was mapped. */
function meaningOf(mapped: MappedRow | undefined): unknown {
  if (mapped?.kind !== 'event') return mapped;
  const { json, bytes, ...rest } = mapped;
  return { ...rest, event: parseExact(json) };
}

/** Expects a line to be cut, to the same event as when it is parsed. */
function expectCut(line: string, example = lineOf(ROW), options: Partial<MapperOptions> = {}): MappedEvent {
  const { mapper } = mapperOf(options);
  mapLine(mapper, example);
  const cut = cutLine(mapper, line);
  if (cut === undefined) throw new Error(`This line is not cut: ${line}`);
  expect(meaningOf(cut)).toEqual(meaningOf(mapLine(mapperOf(options).mapper, line)));
  expect(cut.bytes).toBe(Buffer.byteLength(cut.json));
  return cut;
}

describe('cuts a row like the last one', () => {
  test('to the event with its name, time and attributes', () => {
    expect(expectCut(lineOf(ROW)).json).toBe(
      '{"name":"purchase","time":"2026-04-17T04:25:00Z","attributes":{"item":"linen shirt","url(item_url)":"https://shop.example.com/1","details":{"brand":"Example","sizes":["S","M"]},"price":12.5}}',
    );
  });

  test.each<[what: string, column: string, json: string]>([
    ['NULL', 'item', 'null'],
    ['a blank string', 'item', '" "'],
    ['an empty string', 'item', '""'],
    ['a string with escapes', 'item', String.raw`"a \"b\" \\ \n \u00e9"`],
    ['a string with escaped slashes', 'item', String.raw`"\/a\/b\/"`],
    ['a URL with escaped slashes', 'url__item_url', String.raw`"https:\/\/shop.example.com\/1"`],
    ['a backslash before a slash', 'item', String.raw`"a\\/b"`],
    ['an id with escaped slashes', 'custom_id', String.raw`"a\/b"`],
    ['a string beyond ASCII', 'item', '"chemise d’été 👕"'],
    ['a string of 300 characters', 'item', `"${'x'.repeat(300)}"`],
    ['a string that is too long', 'item', `"${'x'.repeat(301)}"`],
    ['a string that begins like JSON', 'item', '"[x"'],
    ['an array as a string', 'item', '"[]"'],
    ['an array', 'item', '["a","b"]'],
    ['an array that Batch does not accept', 'item', '[1,2]'],
    ['an object', 'item', '{"a":{"b":"}"},"date__c":"2026-04-17"}'],
    ['a boolean', 'item', 'true'],
    ['the other boolean', 'item', 'false'],
    ['a number', 'price', '-12'],
    ['zero', 'price', '0'],
    ['minus zero', 'price', '-0'],
    ['a number with zeros at its end', 'price', '12.500'],
    ['an exponent', 'price', '1e3'],
    ['an integer of 20 digits', 'price', '12345678901234567890'],
    ['an integer of 19 digits', 'price', '9007199254740993001'],
    ['a fraction of 17 digits', 'price', '0.30000000000000004'],
    ['an invalid URL', 'url__item_url', '"shop"'],
    ['a URL with a space', 'url__item_url', '"https://a b"'],
    ['a number for a URL', 'url__item_url', '7'],
    ['a time of NULL', 'event_time', 'null'],
    ['a blank time', 'event_time', '""'],
    ['a time with an offset', 'event_time', '"2026-04-17T04:25:00+02:00"'],
    ['a time long ago', 'event_time', '"2016-04-17T04:25:00Z"'],
    ['a numeric id', 'custom_id', '12345'],
    ['a long numeric id', 'custom_id', '12345678901234567890'],
    ['an id beyond ASCII', 'custom_id', '"zoé"'],
    ['an id with an escape', 'custom_id', String.raw`"a\"b"`],
    ['an object in a column that is not sent', 'last_updated_at', '{"a":[1,{}]}'],
  ])('with %s', (_, column, json) => {
    expectCut(lineOf(withValue(column, json)));
  });

  test('without any attribute', () => {
    const row = ROW.map(([column, json], index) => [column, index < 2 ? json : 'null'] as const);
    expect(expectCut(lineOf(row)).json).toBe('{"name":"purchase"}');
  });

  test.each([
    ['emitted_at after the row', '{"type":"RECORD","record":{"stream":"events",', ',"emitted_at":1790000000000}}'],
    [
      'the row_hash of source-clickhouse',
      '{"type":"RECORD","record":{"stream":"events","namespace":"shop","emitted_at":1,',
      '},"row_hash":"12345678901234567890"}',
    ],
    [
      'a namespace after the row',
      '{"type":"RECORD","record":{"stream":"events",',
      ',"emitted_at":1,"namespace":"shop"}}',
    ],
    ['a namespace', '{"type":"RECORD","record":{"namespace":"shop","stream":"events",', '}}'],
    ['white space before the row', '{ "type": "RECORD", "record": {"stream": "events", ', '}}'],
  ])('in a message with %s', (_, start, end) => {
    expectCut(lineOf(withValue('item', '"other"'), start, end), lineOf(ROW, start, end));
  });

  test('with a constant event name and a mapped column', () => {
    const mapping = { ...DEFAULT_MAPPING, custom_id_column: 'item', constant_event_name: 'seen' };
    expect(expectCut(lineOf(ROW), lineOf(ROW), { mapping }).customId).toBe('linen shirt');
  });
});

describe('does not cut a row', () => {
  const isCut = (line: string, example = lineOf(ROW), options: Partial<MapperOptions> = {}): boolean => {
    const { mapper } = mapperOf(options);
    mapLine(mapper, example);
    return cutLine(mapper, line) !== undefined;
  };

  test.each<[what: string, row: Written]>([
    ['lacks a column', ROW.slice(0, -1)],
    ['has one more', [...ROW, ['extra', '1']]],
    ['has a column twice', [...ROW, ['item', '1']]],
    ['has other columns first', ROW.toReversed()],
    ['has no profile', withValue('custom_id', '""')],
    ['has no event name', withValue('event_name', 'null')],
    ['has an invalid time', withValue('event_time', '"today"')],
    ['is too large an event', [...ROW.slice(0, -2), ['details', MANY_TEXTS], ['price', MANY_TEXTS]]],
  ])('that %s', (_, row) => {
    expect(isCut(lineOf(row))).toBe(false);
  });

  test.each<[what: string, line: string]>([
    ['of another stream', lineOf(ROW, '{"type":"RECORD","record":{"stream":"others",')],
    ['of a message with more after the row', lineOf(ROW, undefined, ',"meta":{}}}')],
    ['of a message that names another stream after the row', lineOf(ROW, undefined, ',"stream":"others"}}')],
    ['of a message with a second record', lineOf(ROW, undefined, '},"record":{}}')],
    ['of a message with another type at its end', lineOf(ROW, undefined, '},"type":"LOG"}')],
    ['of a message with a second row', lineOf(ROW, undefined, ',"data":1}}')],
    ['of a message with an escape in a key that is not read', lineOf(ROW, undefined, String.raw`},"d\u0061ta":"x"}`)],
    ['with white space at its end', `${lineOf(ROW)} `],
  ])('%s', (_, line) => {
    expect(isCut(line)).toBe(false);
  });

  test.each([
    ['"data" is nested deeper', '{"type":"RECORD","record":{"stream":"events","meta":{', '}}}'],
    ['"data" is in a string', '{"type":"RECORD","record":{"stream":"events","x":"', '"}}'],
    ['the message is not a RECORD', '{"type":"STATE","record":{"stream":"events",', '}}'],
  ])('if in the sample row %s', (_, start, end) => {
    const { mapper } = mapperOf();
    mapper.map({ custom_id: 'a', event_name: 'b' }, lineOf(ROW, start, end));
    expect(cutLine(mapper, lineOf(ROW, start, end))).toBeUndefined();
  });

  test('with two columns for one attribute: their values decide which is sent', () => {
    const line = lineOf([...ROW, ['date__item', '"2026-04-17"']]);
    expect(isCut(line, line)).toBe(false);
  });

  test('that gets a row id, which is computed from the parsed row', () => {
    expect(isCut(lineOf(ROW), lineOf(ROW), { eventIdAttribute: 'row_id' })).toBe(false);
  });

  test('before a sample row was seen', () => {
    expect(cutLine(mapperOf().mapper, lineOf(ROW))).toBeUndefined();
  });

  test.each(['x', 'é', String.raw`\\`])('that is larger than the buffer, of %s', (character) => {
    const limits = { ...DEFAULT_LIMITS, string_characters: 1_000_000, event_bytes: 1_000_000 };
    const line = lineOf(withValue('item', `"${character.repeat(70_000)}"`));
    const mapper = new EventMapper(limits, { stream: STREAM, now: () => NOW });
    expect(mapLine(mapper, lineOf(ROW))?.kind).toBe('event');
    expect(cutLine(mapper, line)).toBeUndefined();
    expect(mapLine(mapper, line)?.kind).toBe('event');
    expect(cutLine(mapper, lineOf(withValue('item', `"${character.repeat(10_000)}"`)))).toBeDefined();
  });
});

describe('reports', () => {
  test('a name in capitals once, with the first event that has it, parsed or cut', () => {
    const { mapper, changes } = mapperOf();
    const named = (json: string): string => lineOf([...ROW, ['unitPrice', json]]);
    mapLine(mapper, named('null'));
    expect(changes).toEqual([]);
    expect(cutLine(mapper, named('1'))?.json).toContain('"unitprice":1');
    expect(cutLine(mapper, named('2'))).toBeDefined();
    mapLine(mapper, named('3'));
    expect(changes.map(({ code, column }) => [code, column])).toEqual([['name_lower_cased', 'unitPrice']]);
  });

  test('the changes of a row once, if it was cut in part before it was parsed', () => {
    const { mapper, changes } = mapperOf();
    const row: Written = [['unitPrice', '1'], ...ROW];
    mapLine(mapper, lineOf(row.map(([column, json]) => [column, column === 'unitPrice' ? 'null' : json])));
    const line = lineOf(row.map(([column, json]) => [column, column === 'custom_id' ? '""' : json]));
    expect(cutLine(mapper, line)).toBeUndefined();
    expect(mapLine(mapper, line)?.kind).toBe('rejected');
    expect(changes).toEqual([]);
    expect(cutLine(mapper, lineOf(row))).toBeDefined();
    expect(changes).toHaveLength(1);
  });

  test('an attribute left out of a JSON string for every row, though conversions are cached', () => {
    const line = lineOf(withValue('details', String.raw`"{\"brand\":\"\",\"sku\":1}"`));
    const { mapper } = mapperOf();
    mapLine(mapper, line);
    for (let time = 0; time < 2; time += 1) {
      expect(cutLine(mapper, line)?.leftOut.map(({ path }) => path)).toEqual(['details.brand']);
    }
  });
});

/** The JSON of any value, written in different ways. */
const anyJson = fc.oneof(
  fc.constantFrom(
    'null',
    'true',
    'false',
    '""',
    '" "',
    '-0',
    '0',
    '1.50',
    '1e400',
    '-1E-3',
    '"[]"',
    '"{}"',
    '[]',
    '{}',
  ),
  anyText().map((text) => JSON.stringify(text)),
  fc.string({ unit: 'grapheme-ascii', maxLength: 320 }).map((text) => JSON.stringify(text)),
  fc.double().map((number) => (Number.isFinite(number) ? String(number) : 'null')),
  fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }).map(String),
  fc.constantFrom('"1.50"', '"1e400"', '"-0"', '"007"', '" 1"', '"99999999999999999999"'),
  fc.double().map((number) => `"${number}"`),
  fc.json({ maxDepth: 3 }),
  fc.json({ maxDepth: 3 }).map((json) => JSON.stringify(json)),
  fc.webUrl().map((url) => JSON.stringify(url)),
  fc.webUrl().map((url) => JSON.stringify(url).replaceAll('/', String.raw`\/`)),
  fc
    .date({ min: new Date('1990-01-01'), max: new Date('2040-01-01'), noInvalidDate: true })
    .chain((date) => fc.constantFrom(...spellingsOf(date.toISOString())))
    .map((time) => JSON.stringify(time)),
);

/** Forms of a time, some of which are valid only if the catalog declares the column as a time. */
function spellingsOf(iso: string): string[] {
  const local = iso.slice(0, -1);
  return [iso, iso, local, local.replace('T', ' '), `${local}+00:00`, `${local} +0200`, `${local}+02`, `${local}Z `];
}

const COLUMNS = [
  'item',
  'unitPrice',
  'url__page',
  'date__day',
  'batch__label',
  'batch__tags',
  'raw',
  'last_updated_at',
  '$odd',
];

/** Mostly a valid time, because a rejected row is not cut. */
const anyTime = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('null', '"2026-04-17T04:25:00Z"') },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...spellingsOf('2026-04-17T04:25:00.5Z')).map((time) => JSON.stringify(time)),
  },
);

const anyRow: fc.Arbitrary<Written> = fc
  .tuple(...COLUMNS.map((column) => anyJson.map((json) => [column, json] as const)))
  .chain((columns) =>
    anyTime.map((time) => [['custom_id', '"u1"'], ['event_name', '"seen"'], ['event_time', time], ...columns]),
  );

const anyOptions: fc.Arbitrary<Partial<MapperOptions>> = fc.record({
  policies: fc
    .record({
      invalid_attribute: fc.constantFrom('drop' as const, 'drop' as const, 'drop' as const, 'reject_event' as const),
      long_text: fc.constantFrom('drop' as const, 'truncate' as const),
    })
    .map((policies) => ({ ...DEFAULT_POLICIES, ...policies })),
  columnTypes: fc.constantFrom(
    new Map(),
    new Map([...COLUMNS, 'event_time'].map((column) => [column, 'number' as const])),
    new Map([...COLUMNS, 'event_time'].map((column) => [column, 'date_time' as const])),
  ),
  mapping: fc.constantFrom(DEFAULT_MAPPING, { ...DEFAULT_MAPPING, plain_text_columns: ['raw'] }),
});

test('cuts most rows with the same columns, to the same event as when they are parsed', () => {
  let rows = 0;
  let cuts = 0;
  fc.assert(
    fc.property(anyOptions, fc.array(anyRow, { minLength: 2, maxLength: 6 }), (options, all) => {
      const cutting = mapperOf(options);
      const mapping = mapperOf(options);
      mapLine(cutting.mapper, lineOf(all[0] ?? []));
      mapLine(mapping.mapper, lineOf(all[0] ?? []));
      for (const row of all.slice(1)) {
        const line = lineOf(row);
        const cut = cutLine(cutting.mapper, line);
        rows += 1;
        if (cut !== undefined) cuts += 1;
        expect(meaningOf(cut ?? mapLine(cutting.mapper, line))).toEqual(meaningOf(mapLine(mapping.mapper, line)));
      }
      expect(cutting.changes).toEqual(mapping.changes);
    }),
    { numRuns: 300 },
  );
  expect(cuts / rows).toBeGreaterThan(0.5);
});

test('never cuts a damaged line to another event than when it is parsed', () => {
  const example = Buffer.from(lineOf(ROW, undefined, ',"emitted_at":1},"row_hash":"1"}'));
  const place = fc.nat(example.length - 1);
  const byte = fc.oneof(fc.constantFrom(...Buffer.from('"\\{}[],:0-.e \n')), fc.nat(255));
  const damaged = fc.oneof(
    fc
      .tuple(place, byte)
      .map(([at, code]) => Buffer.concat([example.subarray(0, at), Buffer.of(code), example.subarray(at + 1)])),
    fc
      .tuple(place, byte)
      .map(([at, code]) => Buffer.concat([example.subarray(0, at), Buffer.of(code), example.subarray(at)])),
    place.map((at) => Buffer.concat([example.subarray(0, at), example.subarray(at + 1)])),
    place.map((at) => example.subarray(0, at)),
  );
  fc.assert(
    fc.property(damaged, (line) => {
      const { mapper } = mapperOf();
      mapLine(mapper, example.toString());
      const cut = cutLine(mapper, line);
      if (cut === undefined) return;
      const message: unknown = JSON.parse(line.toString());
      expect(isJsonObject(message)).toBe(true);
      expect(meaningOf(cut)).toEqual(meaningOf(mapLine(mapperOf().mapper, line.toString())));
    }),
    { numRuns: 3000 },
  );
});
