import type { FaultRequest } from '../../sandbox/batch-api/faults.ts';
import type { Limits } from '../../sandbox/batch-api/limits.ts';

// Every rule and every answer of Batch's profile API that concerns events, as data. Each begins with the number of its
// heading in docs/batch-api.md ("2.3 name: …"); batch-rules.test.ts shows that the destination follows it.

/** Columns of a row, or its JSON as a string if digits or unusual JSON matter. */
type Row = Readonly<Record<string, unknown>> | string;

/** Rows that share a rule. Each case has its own stream, and its own profile unless its rows name one. */
export type RuleCase = {
  readonly rule: string;
  readonly rows: readonly Row[];
  /** The updates that reach Batch: the id of each (undefined is the case's own), and the JSON of its events. */
  readonly updates: readonly { readonly customId?: string; readonly events: readonly string[] }[];
  readonly accepted: number;
  readonly rejected: number;
  /** What the LOG messages that name the stream of the case must contain. */
  readonly says: readonly RegExp[];
  /** What a run logs only once or a few times: cases with the same key go into different runs. */
  readonly reported: string | undefined;
};

/** JSON as a string, or a value to be written as JSON. */
type JsonOf = Readonly<Record<string, unknown>> | string;

function json(value: JsonOf): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function eventOf(attributes: JsonOf, first: Readonly<Record<string, unknown>> = {}): string {
  const head = JSON.stringify({ name: 'purchase', ...first }).slice(0, -1);
  const text = json(attributes);
  return text === '{}' ? `${head}}` : `${head},"attributes":${text}}`;
}

/** A row that is accepted, with these attributes. */
function takes(rule: string, row: Row, attributes: JsonOf = {}): RuleCase {
  return accepts(rule, row, eventOf(attributes));
}

/** A row that is accepted as this event. */
function accepts(rule: string, row: Row, event: string, customId?: string): RuleCase {
  const update = customId === undefined ? { events: [event] } : { customId, events: [event] };
  return { rule, rows: [row], updates: [update], accepted: 1, rejected: 0, says: [], reported: undefined };
}

/** A row that is accepted without a column or a part of it; a LOG reports the code and the place. */
function leavesOut(rule: string, row: Row, code: string, column: string, attributes: JsonOf = {}): RuleCase {
  const place = `"${column.replace(/[.[\]$()]/g, '\\$&')}"`;
  return {
    ...takes(rule, row, attributes),
    says: [new RegExp(`${place}.*\\(${code}`)],
    reported: `${column.split(/[.[]/)[0]} (${code})`,
  };
}

/** A row that is accepted with the name of a column in lower case, which is logged. */
function lowersCase(rule: string, row: Row, column: string, attributes: JsonOf): RuleCase {
  const code = 'name_lower_cased';
  return {
    ...takes(rule, row, attributes),
    says: [new RegExp(`"${column}".*\\(${code}`)],
    reported: `${column} (${code})`,
  };
}

/** A row of which nothing reaches Batch; a LOG reports the code. */
function rejects(rule: string, row: Row, code: string): RuleCase {
  return {
    rule,
    rows: [row],
    updates: [],
    accepted: 0,
    rejected: 1,
    says: [new RegExp(`\\(${code}\\)`)],
    reported: code,
  };
}

/** A row whose event Batch refuses because of its time, in these words. */
function isRefused(rule: string, row: Row, event: string, code: string, words: RegExp): RuleCase {
  return {
    ...accepts(rule, row, event),
    accepted: 0,
    rejected: 1,
    says: [new RegExp(`\\(${code}\\).*Batch said: .*${words.source}`)],
    reported: code,
  };
}

function characters(count: number): string {
  return 'x'.repeat(count);
}

function urlOf(count: number): string {
  return `https://e.com/${characters(count - 14)}`;
}

function columns(count: number, more: Row = {}): Record<string, unknown> {
  const numbered = Array.from({ length: count }, (_, index) => [`k${index}`, index]);
  return { ...Object.fromEntries(numbered), ...(typeof more === 'object' && more) };
}

/** An object in an object, with this number of levels. */
function nested(levels: number, innermost: unknown = { leaf: 1 }): unknown {
  return levels === 1 ? innermost : { in: nested(levels - 1, innermost) };
}

/** Columns that make an event of about this number of bytes of JSON, none of them too long by itself. */
function bulky(items: number): Record<string, unknown> {
  const texts = Array.from({ length: 25 }, () => characters(300));
  return Object.fromEntries(Array.from({ length: items }, (_, index) => [`k${index}`, texts]));
}

/** @param now the time of the run, in milliseconds since 1970. */
export function ruleCases(now: number): readonly RuleCase[] {
  const at = (milliseconds: number) => `${new Date(now + milliseconds).toISOString().slice(0, 19)}Z`;
  const minutes = 60_000;
  const hours = 60 * minutes;
  const day = '2026-04-17T04:25:00Z';
  return [
    // 2.1 identifiers
    accepts(
      '2.1 custom_id: any string, such as an email address',
      { custom_id: 'Ann+1@ex.com' },
      eventOf({}),
      'Ann+1@ex.com',
    ),
    accepts('2.1 custom_id: case is kept', { custom_id: 'ANN+1@ex.com' }, eventOf({}), 'ANN+1@ex.com'),
    accepts('2.1 custom_id: surrounding spaces are kept', { custom_id: ' u 1 ' }, eventOf({}), ' u 1 '),
    accepts('2.1 custom_id: characters beyond ASCII', { custom_id: 'é😀' }, eventOf({}), 'é😀'),
    accepts('2.1 custom_id: quotes and backslashes', { custom_id: 'a"\\b' }, eventOf({}), 'a"\\b'),
    accepts('2.1 custom_id: 512 characters', { custom_id: characters(512) }, eventOf({}), characters(512)),
    accepts('2.1 custom_id: a whole number is sent as its digits', { custom_id: 42 }, eventOf({}), '42'),
    accepts(
      '2.1 custom_id: a long number keeps all its digits',
      '"custom_id":9223372036854775808',
      eventOf({}),
      '9223372036854775808',
    ),
    rejects('2.1 custom_id: 513 characters', { custom_id: characters(513) }, 'custom_id_too_long'),
    rejects('2.1 custom_id: missing', { custom_id: undefined }, 'custom_id_missing'),
    rejects('2.1 custom_id: null', { custom_id: null }, 'custom_id_missing'),
    rejects('2.1 custom_id: empty', { custom_id: '' }, 'custom_id_missing'),
    rejects('2.1 custom_id: blank', { custom_id: ' \t ' }, 'custom_id_missing'),
    rejects('2.1 custom_id: not a whole number', { custom_id: 1.5 }, 'custom_id_missing'),
    rejects('2.1 custom_id: a boolean', { custom_id: true }, 'custom_id_missing'),
    rejects('2.1 custom_id: an array', { custom_id: ['u1'] }, 'custom_id_missing'),
    rejects('2.1 custom_id: an object', { custom_id: { custom_id: 'u1' } }, 'custom_id_missing'),
    rejects('2.1 custom_id: a line feed', { custom_id: 'u\n1' }, 'custom_id_malformed'),
    rejects('2.1 custom_id: a carriage return at the end', { custom_id: 'u1\r' }, 'custom_id_malformed'),
    rejects('2.1 custom_id: half of a surrogate pair', { custom_id: 'u\ud800' }, 'custom_id_malformed'),
    ...['undefined', 'NULL', 'nil', '(null)', '[object Object]', 'true', 'False', 'NaN', 'Infinity', '-infinity'].map(
      (word) => rejects(`2.1 custom_id: the word ${word}`, { custom_id: word }, 'custom_id_placeholder'),
    ),

    // 2.3 events[]
    accepts(
      '2.3 name: 30 of a-z, 0-9 and _',
      { event_name: 'add_to_cart_2_abcdefghijklmnop' },
      '{"name":"add_to_cart_2_abcdefghijklmnop"}',
    ),
    accepts('2.3 name: one digit', { event_name: '7' }, '{"name":"7"}'),
    rejects('2.3 name: 31 characters', { event_name: characters(31) }, 'event_name_invalid'),
    rejects('2.3 name: missing', { event_name: undefined }, 'event_name_invalid'),
    rejects('2.3 name: null', { event_name: null }, 'event_name_invalid'),
    rejects('2.3 name: empty', { event_name: '' }, 'event_name_invalid'),
    rejects('2.3 name: a hyphen', { event_name: 'add-to-cart' }, 'event_name_invalid'),
    rejects('2.3 name: a dot, as in an old sample', { event_name: 'ue.added_to_cart' }, 'event_name_invalid'),
    rejects('2.3 name: a line end after it', { event_name: 'purchase\n' }, 'event_name_invalid'),
    rejects('2.3 name: a number', { event_name: 7 }, 'event_name_invalid'),
    accepts('2.3 time: a minute ago', { event_time: at(-minutes) }, eventOf({}, { time: at(-minutes) })),
    accepts('2.3 time: 23 hours ago', { event_time: at(-23 * hours) }, eventOf({}, { time: at(-23 * hours) })),
    accepts('2.3 time: omitted means the time at which Batch receives it', {}, eventOf({})),
    accepts('2.3 time: null means omitted', { event_time: null }, eventOf({})),
    accepts(
      '2.3 time: a fraction keeps its digits',
      { event_time: at(-minutes).replace('Z', '.123456789Z') },
      eventOf({}, { time: at(-minutes).replace('Z', '.123456789Z') }),
    ),
    accepts(
      '2.3 time: an offset is converted to UTC',
      { event_time: at(2 * hours - minutes).replace('Z', '+02:00') },
      eventOf({}, { time: at(-minutes) }),
    ),
    isRefused(
      '2.3 time: only the event that is over 24 hours old is refused',
      { event_time: at(-25 * hours) },
      eventOf({}, { time: at(-25 * hours) }),
      'event_too_old',
      /over 24 hours ago/,
    ),
    isRefused(
      '2.3 time: only the event in the future is refused',
      { event_time: at(hours) },
      eventOf({}, { time: at(hours) }),
      'event_in_future',
      /in the future/,
    ),
    rejects('2.3 time: without a time zone', { event_time: '2026-04-17T04:25:00' }, 'event_time_invalid'),
    rejects('2.3 time: a space instead of the T', { event_time: '2026-04-17 04:25:00Z' }, 'event_time_invalid'),
    rejects('2.3 time: only a day', { event_time: '2026-04-17' }, 'event_time_invalid'),
    rejects('2.3 time: a day that does not exist', { event_time: '2026-02-30T00:00:00Z' }, 'event_time_invalid'),
    rejects('2.3 time: a number', { event_time: 1_776_399_900 }, 'event_time_invalid'),
    accepts('2.3 time: an empty string means omitted', { event_time: '' }, eventOf({})),
    {
      rule: '2.3 per update: at most 15 events, in the order of the rows',
      rows: Array.from({ length: 17 }, (_, n) => ({ n })),
      updates: [
        { events: Array.from({ length: 15 }, (_, n) => eventOf({ n })) },
        { events: [15, 16].map((n) => eventOf({ n })) },
      ],
      accepted: 17,
      rejected: 0,
      says: [],
      reported: undefined,
    },
    {
      rule: '2.3 per update: an event that Batch may refuse for its time gets an update of its own',
      rows: [{ n: 1 }, { n: 2, event_time: at(-25 * hours) }, { n: 3 }],
      updates: [
        { events: [eventOf({ n: 1 })] },
        { events: [eventOf({ n: 2 }, { time: at(-25 * hours) })] },
        { events: [eventOf({ n: 3 })] },
      ],
      accepted: 2,
      rejected: 1,
      says: [/\(event_too_old\)/],
      reported: 'event_too_old',
    },
    takes('2.3 per event: under 25 kB', bulky(3), bulky(3)),
    rejects('2.3 per event: over 25 kB', bulky(4), 'event_too_large'),
    rejects(
      '2.3 per event: over 25 kB in bytes, though not in characters',
      { a: Array(25).fill('é'.repeat(300)), b: Array(25).fill('é'.repeat(300)) },
      'event_too_large',
    ),
    takes('2.3 other keys: the cursor is not sent', { last_updated_at: day, n: 1 }, { n: 1 }),

    // 2.4 event attributes: keys
    takes(
      '2.4 key: 30 of a-z, 0-9 and _',
      { abcdefghijklmnopqrstuvwxyz_123: 1 },
      { abcdefghijklmnopqrstuvwxyz_123: 1 },
    ),
    takes('2.4 key: only digits', { '7': 1 }, { '7': 1 }),
    lowersCase('2.4 key: capitals become lower case', { Total_Price: 1 }, 'Total_Price', { total_price: 1 }),
    takes('2.4 key: __proto__ is a key like any other', '"__proto__":1,"n":2', '{"__proto__":1,"n":2}'),
    takes(
      '2.4 key: __proto__ next to a long number',
      '"__proto__":1,"n":9007199254740993',
      '{"__proto__":1,"n":9007199254740993}',
    ),
    takes('2.4 key: constructor is a key like any other', { constructor: 1 }, { constructor: 1 }),
    takes(
      '2.4 key: the 30 characters are those of the inner name',
      { [`date__${characters(30)}`]: day },
      { [`date(${characters(30)})`]: day },
    ),
    leavesOut('2.4 key: the same name plain and typed', { x: 1, url__x: 'https://e.com/' }, 'name_taken', 'url__x', {
      x: 1,
    }),
    leavesOut('2.4 key: 31 characters', { [characters(31)]: 1 }, 'name_invalid', characters(31)),
    leavesOut(
      '2.4 key: an inner name of 31 characters',
      { [`url__${characters(31)}`]: 'https://e.com/' },
      'name_invalid',
      `url__${characters(31)}`,
    ),
    leavesOut('2.4 key: no inner name', { date__: day }, 'name_invalid', 'date__'),
    leavesOut('2.4 key: empty', { '': 1 }, 'name_invalid', ''),
    leavesOut('2.4 key: a space', { 'a b': 1 }, 'name_invalid', 'a b'),
    leavesOut('2.4 key: a letter beyond a-z', { été: 1 }, 'name_invalid', 'été'),
    leavesOut('2.4 key: a $ other than in $label and $tags', { $id: 'x' }, 'name_invalid', '$id'),
    leavesOut('2.4 key: the same name in upper and lower case', { total: 1, TOTAL: 2 }, 'name_taken', 'TOTAL', {
      total: 1,
    }),
    leavesOut('2.4 key: in an object', { o: { 'a-b': 1, c: 2 } }, 'name_invalid', 'o.a-b', { o: { c: 2 } }),

    // 2.4 strings
    takes('2.4 string: 300 characters', { s: characters(300) }, { s: characters(300) }),
    takes('2.4 string: 150 emoji are 300 characters', { s: '😀'.repeat(150) }, { s: '😀'.repeat(150) }),
    takes('2.4 string: several lines', { s: 'a\nb' }, { s: 'a\nb' }),
    takes('2.4 string: surrounding spaces are kept', { s: ' a ' }, { s: ' a ' }),
    takes('2.4 string: one that only looks like JSON', { s: '[draft] {a}' }, { s: '[draft] {a}' }),
    takes('2.4 string: digits stay a string', { s: '0012' }, { s: '0012' }),
    leavesOut('2.4 string: 301 characters', { s: characters(301) }, 'text_too_long', 's'),
    leavesOut('2.4 string: empty', { empty: '' }, 'text_blank', 'empty'),
    leavesOut('2.4 string: blank, including wide spaces', { blank: ' \t\u00a0\u3000' }, 'text_blank', 'blank'),
    leavesOut('2.4 string: half of a surrogate pair', { s: 'a\udc00' }, 'text_malformed', 's'),
    leavesOut(
      '2.4 string: only the invalid one is left out',
      { n: 1, s: characters(301), t: 'x' },
      'text_too_long',
      's',
      {
        n: 1,
        t: 'x',
      },
    ),

    // 2.4 numbers and booleans
    takes(
      '2.4 number: an integer, a negative one, a fraction, zero',
      { a: 1, b: -1, c: 0.25, d: 0 },
      { a: 1, b: -1, c: 0.25, d: 0 },
    ),
    takes('2.4 number: 2^53 + 1', '"n":9007199254740993', '{"n":9007199254740993}'),
    takes(
      '2.4 number: the ends of int64',
      '"a":9223372036854775807,"b":-9223372036854775808',
      '{"a":9223372036854775807,"b":-9223372036854775808}',
    ),
    leavesOut('2.4 number: beyond int64', '"n":9223372036854775808', 'number_out_of_range', 'n'),
    leavesOut('2.4 number: below int64', '"m":-9223372036854775809', 'number_out_of_range', 'm'),
    takes(
      '2.4 number: a decimal of 40 digits',
      '"n":0.1234567890123456789012345678901234567891',
      '{"n":0.1234567890123456789012345678901234567891}',
    ),
    takes('2.4 number: the largest double', '"n":1.7976931348623157e308', '{"n":1.7976931348623157e308}'),
    leavesOut('2.4 number: beyond a double', '"n":1e309', 'number_out_of_range', 'n'),
    leavesOut('2.4 number: beyond a double, negative', '"m":-1e309', 'number_out_of_range', 'm'),
    takes('2.4 boolean', { t: true, f: false }, { t: true, f: false }),

    // 2.4 dates
    takes('2.4 date: RFC 3339 in UTC', { date__d: day }, { 'date(d)': day }),
    takes('2.4 date: long ago', { date__d: '1789-07-14T00:00:00Z' }, { 'date(d)': '1789-07-14T00:00:00Z' }),
    takes('2.4 date: far ahead', { date__d: '9999-12-31T23:59:59Z' }, { 'date(d)': '9999-12-31T23:59:59Z' }),
    takes(
      '2.4 date: an offset is converted to UTC',
      { date__d: '2026-04-17T04:25:00.5-05:30' },
      { 'date(d)': '2026-04-17T09:55:00.5Z' },
    ),
    takes('2.4 date: a day becomes its first moment', { date__d: '2026-04-17' }, { 'date(d)': '2026-04-17T00:00:00Z' }),
    lowersCase('2.4 date: the prefix in capitals', { DATE__D: day }, 'DATE__D', { 'date(d)': day }),
    leavesOut('2.4 date: without a time zone', { date__a: '2026-04-17T04:25:00' }, 'date_invalid', 'date__a'),
    leavesOut('2.4 date: a space instead of the T', { date__b: '2026-04-17 04:25:00Z' }, 'date_invalid', 'date__b'),
    leavesOut('2.4 date: a day that does not exist', { date__c: '2026-02-30' }, 'date_invalid', 'date__c'),
    leavesOut('2.4 date: seconds since 1970', { date__e: 1_776_399_900 }, 'date_invalid', 'date__e'),
    leavesOut('2.4 date: a boolean', { date__f: true }, 'date_invalid', 'date__f'),
    leavesOut('2.4 date: a leap second', { date__g: '2016-12-31T23:59:60Z' }, 'date_invalid', 'date__g'),

    // 2.4 URLs
    takes(
      '2.4 url: path, query and fragment',
      { url__u: 'https://e.com/a?b=c#d' },
      { 'url(u)': 'https://e.com/a?b=c#d' },
    ),
    takes('2.4 url: another scheme', { url__u: 'app+x.y-z://home' }, { 'url(u)': 'app+x.y-z://home' }),
    takes('2.4 url: 2,048 characters', { url__u: urlOf(2_048) }, { 'url(u)': urlOf(2_048) }),
    leavesOut('2.4 url: 2,049 characters', { url__u: urlOf(2_049) }, 'url_too_long', 'url__u'),
    leavesOut('2.4 url: no scheme', { url__a: 'e.com/a' }, 'url_invalid', 'url__a'),
    leavesOut('2.4 url: no authority', { url__b: 'https:///a' }, 'url_invalid', 'url__b'),
    leavesOut('2.4 url: an email address', { url__c: 'mailto:ann@e.com' }, 'url_invalid', 'url__c'),
    leavesOut('2.4 url: a space', { url__d: 'https://e.com/a b' }, 'url_invalid', 'url__d'),
    leavesOut('2.4 url: a number', { url__e: 1 }, 'url_invalid', 'url__e'),
    takes('2.4 url: a string in a plain column', { u: 'https://e.com/' }, { u: 'https://e.com/' }),

    // 2.4 arrays
    takes('2.4 array: of strings, native', { a: ['x', 'y'] }, { a: ['x', 'y'] }),
    takes('2.4 array: of strings, as JSON in a string', { a: ' ["x", "y"]\n' }, { a: ['x', 'y'] }),
    takes('2.4 array: of 25 strings', { a: Array(25).fill('x') }, { a: Array(25).fill('x') }),
    takes(
      '2.4 array: of objects',
      { a: [{ b: 1, 'url(c)': 'https://e.com/' }] },
      { a: [{ b: 1, 'url(c)': 'https://e.com/' }] },
    ),
    takes('2.4 array: an empty one is left out', { a: [], b: '[]', n: 1 }, { n: 1 }),
    leavesOut('2.4 array: of 26 items', { a: Array(26).fill('x') }, 'array_too_long', 'a'),
    leavesOut('2.4 array: of numbers', { b: [1, 2] }, 'array_of_unsupported_items', 'b'),
    leavesOut('2.4 array: of booleans', { c: [true] }, 'array_of_unsupported_items', 'c'),
    leavesOut('2.4 array: of strings and objects', { d: ['x', { b: 1 }] }, 'array_of_unsupported_items', 'd'),
    leavesOut('2.4 array: in an array', { e: [['x']] }, 'array_of_unsupported_items', 'e'),
    leavesOut('2.4 array: with a null', { f: ['x', null] }, 'array_of_unsupported_items', 'f'),
    leavesOut('2.4 array: with a string of 301 characters', { g: ['x', characters(301)] }, 'text_too_long', 'g'),

    // 2.4 objects and depth
    takes('2.4 object: native', { o: { city: 'Paris', zip_code: 75003 } }, { o: { city: 'Paris', zip_code: 75003 } }),
    takes('2.4 object: as JSON in a string', { o: '{"city": "Paris"}' }, { o: { city: 'Paris' } }),
    takes(
      '2.4 object: typed names in it',
      { o: { 'date(d)': day, 'url(u)': 'https://e.com/' } },
      { o: { 'date(d)': day, 'url(u)': 'https://e.com/' } },
    ),
    takes(
      '2.4 object: a long number in a string keeps all its digits',
      { o: '{"n":9007199254740993}' },
      '{"o":{"n":9007199254740993}}',
    ),
    takes('2.4 object: a null in it is left out', { o: { a: null, b: 1 } }, { o: { b: 1 } }),
    takes('2.4 object: an empty one is left out', { o: {}, p: '{}', n: 1 }, { n: 1 }),
    leavesOut('2.4 object: only the invalid value is left out', { o: { a: '', b: 1 } }, 'text_blank', 'o.a', {
      o: { b: 1 },
    }),
    takes('2.4 depth: three levels', { o: nested(3) }, { o: nested(3) }),
    leavesOut(
      '2.4 depth: a fourth level',
      { o: { in: { in: { deep: {}, in: { leaf: 1 }, n: 1 } } } },
      'object_too_deep',
      'o.in.in.deep',
      { o: nested(3, { n: 1 }) },
    ),
    takes(
      '2.4 depth: an array whose key is the third',
      { p: nested(2, { list: ['x'] }) },
      { p: nested(2, { list: ['x'] }) },
    ),
    leavesOut(
      '2.4 depth: an array whose key is the fourth',
      { p: nested(3, { list: ['x'], n: 1 }) },
      'object_too_deep',
      'p.in.in.list',
      { p: nested(3, { n: 1 }) },
    ),
    takes('2.4 number of attributes: 20', columns(20), columns(20)),
    leavesOut('2.4 number of attributes: the 21st', columns(21), 'too_many_attributes', 'k20', columns(20)),
    takes(
      '2.4 number of attributes: null does not count',
      columns(20, { k3: null, k20: 20 }),
      Object.fromEntries(Object.entries(columns(21)).filter(([key]) => key !== 'k3')),
    ),
    leavesOut('2.4 number of attributes: the 21st of an object', { o: columns(21) }, 'too_many_attributes', 'o.k20', {
      o: columns(20),
    }),
    takes('2.4 null: is left out', { a: null, n: 1 }, { n: 1 }),

    // 3.5
    {
      rule: '3.5 events are not deduplicated: the same row twice is two events',
      rows: [{ n: 1 }, { n: 1 }],
      updates: [{ events: [eventOf({ n: 1 }), eventOf({ n: 1 })] }],
      accepted: 2,
      rejected: 0,
      says: [],
      reported: undefined,
    },
  ];
}

/** Rows of several profiles, and what Batch answers to them. */
export type AnswerCase = {
  readonly answer: string;
  readonly faults?: readonly FaultRequest[];
  /** How many rows each profile has; by default, four profiles with one row each. */
  readonly rowsOf?: readonly number[];
  readonly limits?: Partial<Limits>;
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** How each request is answered (`none`: not at all), in order; or one answer for all requests. */
  readonly answers: readonly (number | 'none')[] | number;
  /** The rows that Batch stores, by their number; a duplicate is listed twice. All by default. */
  readonly stored?: readonly number[];
  readonly accepted?: number;
  readonly rejected?: number;
  /** How the run fails. Without it, the state is echoed and the run succeeds. */
  readonly failure?: 'config_error' | 'transient_error' | 'system_error';
  /** In LOG or, if it fails, in the TRACE. */
  readonly says?: readonly RegExp[];
  /** The minimum time between the first request and the second, in milliseconds. */
  readonly pause?: number;
};

const partial = (bulk_index: number, reason: string, attribute?: string) => ({
  bulk_index,
  category: 'event',
  reason,
  ...(attribute !== undefined && { attribute }),
});

const twice = /4 events may have reached Batch twice/;

export const ANSWER_CASES: readonly AnswerCase[] = [
  { answer: '3.1 202 with SUCCESS: all are taken', answers: [202] },
  {
    answer: '3.1 200 with the body of a success: accepted, too',
    faults: [{ kind: 'status', status: 200, body: { code: 'SUCCESS' } }],
    answers: [200],
    stored: [],
    accepted: 4,
  },
  {
    answer: '3.1 200 from another server, such as a sign-in page: the sync ends',
    faults: [{ kind: 'status', status: 200, body: '<html>Sign in</html>' }],
    answers: [200],
    stored: [],
    failure: 'config_error',
    says: [/successful response that is not from Batch/],
  },

  {
    answer: '3.2 an error of an update of one event: its row is rejected, in Batch’s words',
    faults: [{ kind: 'partial', ...partial(2, 'no such thing') }],
    answers: [202],
    stored: [0, 1, 3],
    rejected: 1,
    says: [/\(refused_by_batch\).*no such thing/],
  },
  {
    answer:
      '3.2 an error of an update of several events: all its rows are rejected, and that some may have arrived is reported',
    faults: [{ kind: 'partial', ...partial(1, 'one is wrong') }],
    rowsOf: [1, 3, 1],
    answers: [202],
    stored: [0, 4],
    accepted: 2,
    rejected: 3,
    says: [/one is wrong \(for an update with 3 rows/],
  },
  {
    answer: '3.2 several errors of one update: one row rejected, all words reported',
    faults: [{ kind: 'partials', errors: [partial(0, 'bad name'), partial(0, 'bad time')] }],
    answers: [202],
    stored: [1, 2, 3],
    rejected: 1,
    says: [/bad name; bad time/],
  },
  {
    answer: '3.2 errors of several updates',
    faults: [{ kind: 'partials', errors: [partial(0, 'bad name'), partial(3, 'bad time')] }],
    answers: [202],
    stored: [1, 2],
    rejected: 2,
    says: [/bad name/, /bad time/, /refused_by_batch: 2/],
  },
  {
    answer: '3.2 an error that names an attribute: the event is accepted without it',
    faults: [{ kind: 'partial', ...partial(2, 'too long', 'note') }],
    answers: [202],
    says: [/attribute "note": too long/],
  },
  {
    answer: '3.2 one update with an error for an attribute and an error for all of it: its row is rejected',
    faults: [{ kind: 'partials', errors: [partial(2, 'too long', 'note'), partial(2, 'bad name')] }],
    answers: [202],
    stored: [0, 1, 3],
    rejected: 1,
    says: [/bad name/, /attribute "note"/],
  },
  {
    answer: '3.2 an error with an unknown category and no useful reason',
    faults: [{ kind: 'partial', bulk_index: 0, category: 'unheard_of', reason: '' }],
    answers: [202],
    stored: [1, 2, 3],
    rejected: 1,
    says: [/\(refused_by_batch\)/],
  },
  {
    answer: '3.2 an error with an index outside the request: reported, and all are accepted',
    faults: [{ kind: 'partial', ...partial(99, 'somewhere') }],
    answers: [202],
    says: [/not in the request.*somewhere/],
  },
  {
    answer: '3.2 a success with an empty list of errors: all are accepted',
    faults: [{ kind: 'status', status: 202, body: { code: 'SUCCESS', errors: [] } }],
    answers: [202],
    stored: [],
    accepted: 4,
  },
  {
    answer: '3.2 a 202 that is not JSON: counts by its status, with a warning',
    faults: [{ kind: 'garbage', stored: true }],
    answers: [202],
    says: [/response can't be read/],
  },
  {
    answer: '3.2 errors without a readable index: accepted, with a warning',
    faults: [{ kind: 'status', status: 202, body: { code: 'SUCCESS_WITH_PARTIAL_ERRORS', errors: [{ reason: 'x' }] } }],
    answers: [202],
    stored: [],
    accepted: 4,
    says: [/response can't be read/],
  },

  {
    answer: '3.3 400 because of one row: the request is halved until the row is isolated',
    faults: [{ kind: 'refuse_when', contains: '"n":2' }],
    answers: [400, 202, 400, 400, 202],
    stored: [0, 1, 3],
    rejected: 1,
    says: [/\(refused_by_batch\).*400.*MALFORMED_PARAMETER/],
  },
  {
    answer: '3.3 400 once: no row is rejected',
    faults: [{ kind: 'status', status: 400 }],
    answers: [400, 202, 202],
  },
  {
    answer: '3.3 400 because of one event of an update: the update is halved, too',
    faults: [{ kind: 'refuse_when', contains: '"n":2' }],
    rowsOf: [3, 1],
    answers: [400, 400, 202, 400, 202],
    stored: [0, 1, 3],
    rejected: 1,
    says: [/\(refused_by_batch\).*400/],
  },
  {
    answer: '3.3 400 with a number as its code',
    faults: [{ kind: 'status', status: 400, body: { error_code: 31, error_message: 'in numbers' } }],
    rowsOf: [1],
    answers: [400],
    stored: [],
    accepted: 0,
    rejected: 1,
    says: [/400, 31: in numbers/],
  },
  {
    answer: '3.3 400 with a body that is not JSON',
    faults: [{ kind: 'status', status: 400, body: '<html>Bad\nrequest</html>' }],
    rowsOf: [1],
    answers: [400],
    stored: [],
    accepted: 0,
    rejected: 1,
    says: [/400, <html>Bad request/],
  },
  {
    answer: '3.3 401 because of the key: the sync ends',
    configuration: { rest_api_key: 'another' },
    answers: [401],
    stored: [],
    failure: 'config_error',
    says: [/AUTHENTICATION_INVALID.*Settings → General/],
  },
  {
    answer: '3.3 401 because of the project: the sync ends',
    configuration: { project_key: 'another' },
    answers: [401],
    stored: [],
    failure: 'config_error',
    says: [/project_key is likely another key/],
  },
  {
    answer: '3.3 403: the sync ends',
    faults: [{ kind: 'status', status: 403 }],
    answers: [403],
    stored: [],
    failure: 'config_error',
    says: [/API_MISUSE.*support/],
  },
  {
    answer: '3.3 404 for a version that does not exist: the sync ends',
    configuration: { api_version: '3.0' },
    answers: [404],
    stored: [],
    failure: 'config_error',
    says: [/ROUTE_NOT_FOUND.*api_version/],
  },
  {
    answer: '3.3 405 or any other refusal that no row can cause: the sync ends',
    faults: [{ kind: 'status', status: 405 }],
    answers: [405],
    stored: [],
    failure: 'config_error',
    says: [/405/],
  },
  {
    answer: '3.3 302: the sync ends, and the key is not sent to the new address',
    faults: [{ kind: 'status', status: 302, location: '/2.11/profiles/update' }],
    answers: [302],
    stored: [],
    failure: 'config_error',
    says: [/redirects to another address/],
  },
  {
    answer: '3.3 307, a redirect of the POST: the sync ends, too',
    faults: [{ kind: 'status', status: 307, location: '/2.11/profiles/update' }],
    answers: [307],
    stored: [],
    failure: 'config_error',
    says: [/redirects to another address/],
  },
  {
    answer: '3.3 413: the request is split',
    limits: { requestBytesMax: 250 },
    answers: [413, 202, 202],
  },
  {
    answer: '3.3 413 because of one row that is too large by itself',
    faults: [{ kind: 'refuse_when', contains: '"n":3', status: 413 }],
    answers: [413, 202, 413, 202, 413],
    stored: [0, 1, 2],
    rejected: 1,
    says: [/\(refused_by_batch\).*413/],
  },
  {
    answer: '3.3 422 because of one row: handled like a 400',
    faults: [{ kind: 'refuse_when', contains: '"n":0', status: 422 }],
    answers: [422, 422, 422, 202, 202],
    stored: [1, 2, 3],
    rejected: 1,
    says: [/\(refused_by_batch\).*422/],
  },
  {
    answer: '3.3 408: retried',
    faults: [{ kind: 'status', status: 408 }],
    answers: [408, 202],
    says: [/408.*Retrying/],
  },
  {
    answer: '3.3 500: retried until it is accepted',
    faults: [{ kind: 'status', status: 500, times: 2 }],
    answers: [500, 500, 202],
    says: [/500, SERVER_ERROR.*Retrying/, /2 retries/],
  },
  {
    answer: '3.3 503, maintenance: retried',
    faults: [{ kind: 'status', status: 503 }],
    answers: [503, 202],
    says: [/503, MAINTENANCE_ERROR.*Retrying/],
  },
  {
    answer: '3.3 503 with Retry-After: retried after that time',
    faults: [{ kind: 'status', status: 503, retry_after_seconds: 2 }],
    answers: [503, 202],
    pause: 2_000,
  },
  {
    answer: '3.3 502: retried, and may be duplicated',
    faults: [{ kind: 'status', status: 502 }],
    answers: [502, 202],
    says: [twice],
  },
  {
    answer: '3.3 504: retried, and may be duplicated',
    faults: [{ kind: 'status', status: 504, body: '<html>Gateway time-out</html>' }],
    answers: [504, 202],
    says: [twice, /504, <html>Gateway time-out/],
  },
  {
    answer: '3.3 a connection cut before the request was stored: retried, and may be duplicated',
    faults: [{ kind: 'cut' }],
    answers: ['none', 202],
    says: [twice],
  },
  {
    answer: '3.5 a connection cut after the request was stored: the events are duplicated, and that is reported',
    faults: [{ kind: 'cut', stored: true }],
    answers: ['none', 202],
    stored: [0, 0, 1, 1, 2, 2, 3, 3],
    says: [twice],
  },
  {
    answer: '3.3 500 for longer than the retry time: the sync ends, and can be run again',
    faults: [{ kind: 'status', status: 500, times: 1_000 }],
    configuration: { retry_minutes: 0.001 },
    answers: 500,
    stored: [],
    failure: 'transient_error',
    says: [/Run the sync again later/],
  },

  {
    answer: '3.4 429 without Retry-After: nothing is sent for five seconds, and nothing is duplicated',
    faults: [{ kind: 'status', status: 429 }],
    answers: [429, 202],
    pause: 5_000,
    says: [/429, TOO_MANY_REQUESTS/],
  },
  {
    answer: '3.4 429 with Retry-After: retried after that time',
    faults: [{ kind: 'status', status: 429, retry_after_seconds: 2 }],
    answers: [429, 202],
    pause: 2_000,
    says: [/429, TOO_MANY_REQUESTS/],
  },
  {
    answer: '3.4 the rate limit counts updates, not events: 30 events of two profiles cost two',
    rowsOf: [15, 15],
    limits: { updateBurst: 2, updateRate: 0 },
    answers: [202],
  },
];
