import { isUtf8 } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withRulesOnly } from '../../../../integration_tests/support/rules-only.ts';
import { viewOf } from '../../../shared/byte-pattern.ts';
import { isJsonObject } from '../../../shared/exact-json.ts';
import { DEFAULT_LIMITS } from '../../batch/limits.ts';
import type { Slab } from '../../byte-arena.ts';
import type { Change } from '../../codes.ts';
import { DEFAULT_MAPPING } from '../../config/mapping.ts';
import { DEFAULT_POLICIES } from '../../config/policies.ts';
import { ItemArena } from '../../item-arena.ts';
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

/** The events of all mappers of these tests. */
const arena = new ItemArena();

/** A mapper, and the changes that it reports. */
function mapperOf(options: Partial<MapperOptions> = {}): { mapper: EventMapper; changes: Change[] } {
  const changes: Change[] = [];
  const given = { stream: STREAM, now: () => NOW, onChange: (change: Change) => changes.push(change), ...options };
  return { mapper: new EventMapper(DEFAULT_LIMITS, given, arena), changes };
}

/** Maps a line like `write` does after it could not be cut. */
function mapLine(mapper: EventMapper, line: string): MappedRow | undefined {
  const message = parseInputLine(Buffer.from(line));
  return message.kind === 'record' ? mapper.map(message.data, line) : undefined;
}

/** Cuts a line like `write`, which parses lines that are not valid UTF-8. */
function cutLine(mapper: EventMapper, line: string | Buffer): MappedEvent | undefined {
  const bytes = Buffer.from(line);
  if (!isUtf8(bytes)) return undefined;
  // As in a chunk: between two other lines.
  const chunk = Buffer.concat([Buffer.from('{"type":"LOG"}\n'), bytes, Buffer.from('\n{"type":"RECORD"}\n')]);
  return mapper.tryCut(chunk, viewOf(chunk), 15, 15 + bytes.length);
}

/** An array of objects with this many dates in all. Each becomes a timestamp, which is 10 bytes longer. */
function datesIn(count: number): string {
  const dates = Array.from({ length: count }, (_, index) => `"date__k${index % 12}":"2026-04-17"`);
  const objects = Array.from({ length: Math.ceil(count / 12) }, (_, index) => dates.slice(index * 12, index * 12 + 12));
  return `[${objects.map((members) => `{${members}}`)}]`;
}

/** An arena that notices when bytes are written that were not reserved. */
class GuardedArena extends ItemArena {
  static readonly #UNTOUCHED = 0xee;
  #slab: Slab | undefined;
  #end = 0;

  override reserve(bytes: number): Slab {
    const slab = super.reserve(bytes);
    slab.bytes.fill(GuardedArena.#UNTOUCHED, slab.used);
    this.#slab = slab;
    this.#end = slab.used + bytes;
    return slab;
  }

  /** Expects that nothing was written after the bytes that were reserved last. */
  expectUntouched(): void {
    const after = this.#slab?.bytes.subarray(this.#end) ?? [];
    expect(after.findIndex((byte) => byte !== GuardedArena.#UNTOUCHED)).toBe(-1);
  }
}

type CutEvent = Omit<MappedEvent, 'event' | 'profile'> & { customId: string; json: string; bytes: number };

/** An event with its profile and its JSON, and the size of that in bytes. */
function withJson({ event, profile, ...rest }: MappedEvent, from = arena): CutEvent {
  return {
    ...rest,
    customId: from.profiles.readCustomId(profile),
    json: from.read(event),
    bytes: from.countBytes(event),
  };
}

/** The result of mapping a row, which is the same whether the row was cut or parsed, to the byte. */
function resultOf(mapped: MappedRow | undefined): unknown {
  return mapped?.kind === 'event' ? withJson(mapped) : mapped;
}

/** Expects a line to be cut, to the same event as when it is parsed. */
function expectCut(line: string, example = lineOf(ROW), options: Partial<MapperOptions> = {}): CutEvent {
  const { mapper } = mapperOf(options);
  mapLine(mapper, example);
  const cut = cutLine(mapper, line);
  if (cut === undefined) throw new Error(`This line is not cut: ${line}`);
  const result = withJson(cut);
  expect(result).toEqual(resultOf(withRulesOnly(() => mapLine(mapperOf(options).mapper, line))));
  expect(result.bytes).toBe(Buffer.byteLength(result.json));
  return result;
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

  test('with more event names than are cached', () => {
    const { mapper } = mapperOf();
    mapLine(mapper, lineOf(ROW));
    for (let name = 0; name < 300; name += 1) {
      const line = lineOf(withValue('event_name', `"event_${name % 150}"`));
      const cut = cutLine(mapper, line);
      expect(cut && withJson(cut)).toEqual(resultOf(withRulesOnly(() => mapLine(mapperOf().mapper, line))));
    }
  });

  test('with more keys than are cached', () => {
    const { mapper } = mapperOf();
    mapLine(mapper, lineOf(ROW));
    let cuts = 0;
    for (let key = 0; key < 12_000; key += 1) {
      const line = lineOf(withValue('details', `{"k${key}":1,"brand":"Example"}`));
      const cut = cutLine(mapper, line);
      if (cut !== undefined) cuts += 1;
      const mapped = cut ?? mapLine(mapper, line);
      expect(mapped?.kind === 'event' && arena.read(mapped.event)).toContain(
        `"details":{"k${key}":1,"brand":"Example"}`,
      );
    }
    expect(cuts).toBeGreaterThan(11_950);
  });

  test('after the rules have forgotten the keys', () => {
    const { mapper } = mapperOf();
    const cutOrMap = (json: string): MappedRow | undefined => {
      const line = lineOf(withValue('details', json));
      return cutLine(mapper, line) ?? mapLine(mapper, line);
    };
    cutOrMap('{"x":1}');
    expect(cutOrMap('{"x":1}')?.kind).toBe('event');
    // Only the rules see these keys, because of the blank string before them.
    for (let key = 0; key < 12_000; key += 1) cutOrMap(`{"a":"","k${key}":1}`);
    // Only one of these keys was known before.
    const both = '{"x":1,"date__x":"2026-04-17T04:25:00Z"}';
    expect(resultOf(cutOrMap(both))).toEqual(resultOf(mapLine(mapperOf().mapper, lineOf(withValue('details', both)))));
  });

  test('after the columns have changed', () => {
    const { mapper } = mapperOf();
    mapLine(mapper, lineOf(ROW));
    expect(cutLine(mapper, lineOf(ROW))).toBeDefined();
    const line = lineOf(ROW.filter(([column]) => column !== 'event_time'));
    for (let row = 0; row < 2; row += 1) mapLine(mapper, line);
    const cut = cutLine(mapper, line);
    expect(cut && withJson(cut)).toEqual(resultOf(withRulesOnly(() => mapLine(mapperOf().mapper, line))));
  });

  test('whose dates become longer, wherever a slab ends', () => {
    // 96 dates become timestamps, which have 10 more characters. The other columns are copied after them.
    const texts = JSON.stringify(Array.from({ length: 20 }, () => 'x'.repeat(300)));
    const row: Written = [...ROW.slice(0, 3), ['dates', datesIn(96)], ['a', texts], ['b', texts], ['c', '"x"']];
    const line = lineOf(row);
    const expected = resultOf(withRulesOnly(() => mapLine(mapperOf().mapper, line)));
    for (let left = line.length + 2_000; left > line.length; left -= 10) {
      const own = new GuardedArena();
      const mapper = new EventMapper(DEFAULT_LIMITS, { stream: STREAM, now: () => NOW }, own);
      const first = mapLine(mapper, line);
      if (first?.kind === 'event') own.release(first.event);
      own.add('x'.repeat(64 * 1024 - left));
      const cut = cutLine(mapper, line);
      own.expectUntouched();
      expect(cut && withJson(cut, own)).toEqual(expected);
    }
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
    ['has a placeholder for a profile', withValue('custom_id', '"NULL"')],
    ['has a profile that is too long', withValue('custom_id', `"${'x'.repeat(513)}"`)],
    ['has no integer for a profile', withValue('custom_id', '1.5')],
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

  test('whose id is a number with more digits than an id may have characters', () => {
    const limits = { ...DEFAULT_LIMITS, custom_id_characters: 4 };
    const mapper = new EventMapper(limits, { stream: STREAM, now: () => NOW }, arena);
    mapLine(mapper, lineOf(withValue('custom_id', '1')));
    expect(resultOf(cutLine(mapper, lineOf(withValue('custom_id', '1234'))))).toMatchObject({ customId: '1234' });
    expect(cutLine(mapper, lineOf(withValue('custom_id', '12345')))).toBeUndefined();
    expect(mapLine(mapper, lineOf(withValue('custom_id', '12345')))).toMatchObject({
      kind: 'rejected',
      rejection: { code: 'custom_id_too_long' },
    });
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

  test('whose values become too much longer', () => {
    const line = (dates: number): string => lineOf([...ROW, ['dates', datesIn(dates)]]);
    expect([101, 102, 103, 104, 144].map((dates) => isCut(line(dates), line(1)))).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });

  test('whose message continues in the next lines', () => {
    const strings = Array.from({ length: 25 }, (_, index) => JSON.stringify(String(index).repeat(150)));
    for (const json of [
      `[${strings.join(',\n')}]`,
      `[{"a":[${strings.join('\n,')}]}]`,
      `{"a" :\n[${strings}]}`,
      `{"a":\r[${strings}]}\n`,
      `{"a":\t[${strings}]}\n`,
    ]) {
      const whole = lineOf(withValue('item', json));
      const own = new GuardedArena();
      const mapper = new EventMapper(DEFAULT_LIMITS, { stream: STREAM, now: () => NOW }, own);
      mapLine(mapper, lineOf(ROW));
      const end = whole.indexOf('\n');
      const chunk = Buffer.from(`${whole}\n`);
      expect(mapper.tryCut(chunk, viewOf(chunk), 0, end)).toBeUndefined();
      own.expectUntouched();
      // The slab ends where the reserved bytes end.
      const { used } = own.reserve(1);
      own.add('x'.repeat(64 * 1024 - used - end - 1187));
      expect(mapper.tryCut(chunk, viewOf(chunk), 0, end)).toBeUndefined();
    }
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
    const cut = cutLine(mapper, named('1'));
    expect(cut && arena.read(cut.event)).toContain('"unitprice":1');
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

  test('a time that is left out before the attributes that are changed, parsed or cut', () => {
    const policies = { ...DEFAULT_POLICIES, long_text: 'truncate', untimely_event: 'send_without_time' } as const;
    const { mapper, changes } = mapperOf({ policies });
    mapLine(mapper, lineOf(ROW));
    const line = lineOf([
      ['custom_id', '"u1"'],
      ['event_name', '"seen"'],
      ['event_time', '"2016-04-17T04:25:00Z"'],
      ...withValue('item', `"${'x'.repeat(301)}"`).slice(3),
    ]);
    expect(cutLine(mapper, line)).toBeDefined();
    expect(mapLine(mapper, line)?.kind).toBe('event');
    const codes = ['time_left_out', 'text_truncated'];
    expect(changes.map(({ code }) => code)).toEqual([...codes, ...codes]);
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

test('parses a row whose values become longer by more than the spare bytes, and writes only reserved bytes', () => {
  const SPARE_BYTES = 1024;
  const scalar = fc.constantFrom('"2026-04-17"', '"2026-04-17T04:25:00Z"', '12', 'null', '"é"');
  const dates = fc.integer({ min: 1, max: 60 }).map(datesIn);
  const text = fc.integer({ min: 1, max: 300 }).map((length) => `"${'x'.repeat(length)}"`);
  const column = fc.oneof(
    fc.tuple(fc.constantFrom('date__', ''), scalar),
    fc.tuple(fc.constant(''), dates),
    fc.tuple(fc.constant(''), dates.map(JSON.stringify)),
    fc.tuple(fc.constant(''), text),
  );
  const counts = { cut: 0, parsed: 0 };
  const property = fc.property(fc.array(column, { maxLength: 12 }), fc.nat(2_000), (drawn, left) => {
    const columns = drawn.map(([prefix, json], index) => [`${prefix}c${index}`, json] as const);
    const line = lineOf([...ROW.slice(0, 3), ...columns]);
    const expected = mapLine(mapperOf().mapper, line);
    if (expected?.kind !== 'event') return;
    const { json } = withJson(expected);
    const sent = new Map(Object.entries(JSON.parse(json).attributes ?? {}));
    const longer = columns.map(([name, given]) => {
      const value = sent.get(name.replace(/^date__(.*)/, 'date($1)'));
      return value === undefined ? 0 : Math.max(0, Buffer.byteLength(JSON.stringify(value)) - Buffer.byteLength(given));
    });
    const isTooLong = longer.reduce((sum, bytes) => sum + bytes, 0) > SPARE_BYTES;

    const own = new GuardedArena();
    const mapper = new EventMapper(DEFAULT_LIMITS, { stream: STREAM, now: () => NOW }, own);
    mapLine(mapper, line);
    const before = own.add('x'.repeat(Math.max(0, 64 * 1024 - own.reserve(1).used - line.length - left)));
    const bytesBefore = own.read(before);
    const cut = cutLine(mapper, line);
    own.expectUntouched();
    expect(own.read(before) === bytesBefore).toBe(true);
    expect(cut === undefined).toBe(isTooLong);
    counts[isTooLong ? 'parsed' : 'cut'] += 1;
    const mapped = cut ?? mapLine(mapper, line);
    expect(mapped?.kind === 'event' && withJson(mapped, own)).toEqual(withJson(expected));
  });
  fc.assert(property, { numRuns: 500 });
  expect(counts.cut).toBeGreaterThan(50);
  expect(counts.parsed).toBeGreaterThan(50);
});

test('cuts a damaged line to the same event as when it is parsed, or not at all', () => {
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
      expect(resultOf(cut)).toEqual(resultOf(mapLine(mapperOf().mapper, line.toString())));
    }),
    { numRuns: 3000 },
  );
});
