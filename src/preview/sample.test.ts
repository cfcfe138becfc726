import { parse } from 'lossless-json';
import stringWidth from 'string-width';
import { describe, expect, test } from 'vitest';
import { destinationConfigurationSchema } from '../destination-batch/config/schema.ts';
import { ItemArena } from '../destination-batch/item-arena.ts';
import { EventMapper } from '../destination-batch/mapping/mapper.ts';
import { ProfileMapper } from '../destination-batch/mapping/profile/profile-mapper.ts';
import { explainRefused } from '../destination-batch/untimely.ts';
import { describeTerminal } from '../runner/terminal/terminal.ts';
import { buildFirstRequest } from './request.ts';
import { Sample } from './sample.ts';
import { formatPreview } from './text.ts';

const NOW = Date.UTC(2026, 0, 2);
const configuration = destinationConfigurationSchema.parse({ project_key: 'p', rest_api_key: 'k' });

/** The events of all samples of these tests. */
const arena = new ItemArena();

function sampleOf(rows: readonly Record<string, unknown>[], shown = 20): Sample {
  const { limits, policies, mapping } = configuration;
  const sample = new Sample({
    arena,
    mapperWith: (onChange) =>
      new EventMapper(limits, { policies, mapping, stream: 'events', now: () => NOW, onChange }, arena),
    explainUntimely: ({ event }) => explainRefused(arena.read(event), NOW, limits.event_age_hours),
    maxShown: shown,
  });
  for (const row of rows) sample.take(row);
  return sample;
}

const row = (changes: Record<string, unknown> = {}) => ({
  custom_id: 'u1',
  event_name: 'purchase',
  event_time: '2026-01-01T23:00:00Z',
  last_updated_at: '2026-01-01 23:00:00',
  ...changes,
});

describe('a sample', () => {
  test('reports the use, the types and the nulls of each column', () => {
    const { columns } = sampleOf([
      row({ item: 'shirt', n: 1, url__a: 'https://a.example' }),
      row({ item: null, n: 'x' }),
    ]);
    expect(columns.map(({ name, use, nulls, rows, types }) => [name, use, nulls, rows, [...types]])).toEqual([
      ['custom_id', { kind: 'profile' }, 0, 2, ['string']],
      ['event_name', { kind: 'event_name' }, 0, 2, ['string']],
      ['event_time', { kind: 'event_time' }, 0, 2, ['string']],
      ['last_updated_at', { kind: 'not_sent' }, 0, 2, ['string']],
      ['item', { kind: 'attribute', name: 'item', valueKind: 'untyped' }, 1, 2, ['string']],
      ['n', { kind: 'attribute', name: 'n', valueKind: 'untyped' }, 0, 2, ['number', 'string']],
      ['url__a', { kind: 'attribute', name: 'url(a)', valueKind: 'url' }, 0, 1, ['string']],
    ]);
  });

  test('counts what is left out, changed and rejected, with the first reason', () => {
    const sample = sampleOf([
      row({ url__a: 'www' }),
      row({ url__a: 'x', B: 1 }),
      row({ custom_id: '' }),
      row({ custom_id: null }),
      row({ event_name: 'Bad Name' }),
    ]);
    const found = new Map(sample.columns.map(({ name, remarks }) => [name, [...remarks.keys()]]));
    expect([found.get('url__a'), found.get('B'), found.get('custom_id')]).toEqual([
      ['url_invalid'],
      ['name_lower_cased'],
      [],
    ]);
    expect(sample.columns.find(({ name }) => name === 'url__a')?.remarks.get('url_invalid')?.times).toBe(2);
    expect([...sample.rejections].map(([code, { times }]) => [code, times])).toEqual([
      ['custom_id_missing', 2],
      ['event_name_invalid', 1],
    ]);
    expect([sample.rows, sample.rejected]).toEqual([5, 3]);
  });

  test('keeps only as many rows as are shown', () => {
    const sample = sampleOf([row({ custom_id: '' }), row(), row({ custom_id: 'u2' })], 2);
    expect(sample.shown.map(({ isRejected }) => isRejected)).toEqual([true, false]);
    expect(sample.mapped.map(({ profile }) => arena.profiles.readCustomId(profile))).toEqual(['u1']);
  });

  test('counts events that Batch would refuse because of their time as rejected', () => {
    const sample = sampleOf([
      row(),
      row({ event_time: '2025-12-31T23:59:59Z' }),
      row({ event_time: '2026-01-02T00:00:01Z' }),
    ]);
    expect([sample.rejected, sample.shown.map(({ isRejected }) => isRejected)]).toEqual([2, [false, true, true]]);
    expect([...sample.rejections]).toEqual([
      ['event_too_old', { times: 1, reason: 'the event is older than 24 hours, and Batch refuses such events' }],
      [
        'event_in_future',
        { times: 1, reason: "the event is in the future by this machine's clock, and Batch refuses such events" },
      ],
    ]);
    // They are sent anyway.
    expect(sample.mapped).toHaveLength(3);
  });

  test('finds values that are sent, but are likely a mistake', () => {
    const { columns } = sampleOf([
      row({ custom_id: ' u1', a: '{"b":1,}', c: '[1' }),
      row({ custom_id: '  ', a: '{"b":1}', c: '[x] ' }),
    ]);
    expect(
      columns.filter(({ oddities }) => oddities.size > 0).map(({ name, oddities }) => [name, [...oddities]]),
    ).toEqual([
      ['custom_id', [['begins or ends with a space, and is sent with it: for Batch, that is a different profile', 1]]],
      ['a', [['looks like JSON, but is not valid JSON, and is sent as a string', 1]]],
      ['c', [['looks like JSON, but is not valid JSON, and is sent as a string', 1]]],
    ]);
  });
});

test('builds the first request as write does: grouped by profile, for the normal endpoint', () => {
  const sample = sampleOf([row({ n: 1 }), row({ custom_id: 'u2' }), row({ n: 2 })]);
  expect(buildFirstRequest(arena, sample.mapped, configuration)).toEqual({
    url: 'https://api.batch.com/2.11/profiles/update',
    body:
      '[{"identifiers":{"custom_id":"u1"},"events":[' +
      '{"name":"purchase","time":"2026-01-01T23:00:00Z","attributes":{"n":1}},{"name":"purchase","time":"2026-01-01T23:00:00Z","attributes":{"n":2}}]},' +
      '{"identifiers":{"custom_id":"u2"},"events":[{"name":"purchase","time":"2026-01-01T23:00:00Z"}]}]',
  });
  expect(buildFirstRequest(arena, [], configuration)).toBeUndefined();
});

test('maps rows of profile attributes, and builds their first request as write does', () => {
  const { limits, policies, mapping } = configuration;
  const sample = new Sample({
    arena,
    mapperWith: (onChange) => new ProfileMapper(limits, { policies, mapping, onChange }, arena),
    explainUntimely: () => undefined,
    maxShown: 20,
  });
  for (const n of [1, 2])
    sample.take({ custom_id: 'p1', last_updated_at: 'x', batch__language: n === 1 ? 'fra' : 'fr', n });
  const request = buildFirstRequest(arena, sample.mapped, configuration);
  expect(request?.body).toBe('[{"identifiers":{"custom_id":"p1"},"attributes":{"n":2,"$language":"fr"}}]');
  const text = formatPreview({ stream: 'customers', start: undefined, sample, request }, describeTerminal({}), {
    launcher: 'clickhouse-to-batch',
    wholeRequest: false,
  });
  expect(text).toMatch(/batch__language +\$language +string\n/);
  expect(text).toContain('1 × native_attribute_invalid');
  expect(text).toContain('All 2 rows would be accepted.');
});

describe('the text of a preview', () => {
  const plain = describeTerminal({});
  const colourful = describeTerminal({ isTTY: true, columns: 120, hasColors: () => true });
  const textOf = (sample: Sample, terminal = plain, wholeRequest = false) =>
    formatPreview(
      { stream: 'events', start: undefined, sample, request: buildFirstRequest(arena, sample.mapped, configuration) },
      terminal,
      { launcher: 'bin/connector', wholeRequest },
    );

  const mixed = sampleOf([
    row({ custom_id: '', item: '\u001b[31mred', details: `{"a":${'9'.repeat(30)}}`, url__a: 'w'.repeat(200) }),
    ...Array.from({ length: 40 }, (_, n) =>
      row({ item: 'x'.repeat(n), numbers: [1], price: n, wide: '好'.repeat(40) }),
    ),
  ]);

  test('fits into 80 columns, without colours, if there is no terminal', () => {
    const lines = textOf(mixed).split('\n');
    // The request itself is not wrapped.
    const ours = lines.filter((line) => !/^ *"|^POST/.test(line));
    expect(Math.max(...ours.map((line) => stringWidth(line)))).toBeLessThanOrEqual(80);
    expect(textOf(mixed)).not.toContain('\u001b');
  });

  test('is coloured in a terminal, and escapes control characters of the rows', () => {
    const text = textOf(mixed, colourful);
    expect(text).toContain('\u001b[33m');
    expect(text).not.toContain('\u001b[31mred');
    expect(text).toContain('\\u001b[31mred');
  });

  test('begins and ends with how many rows would be accepted, and reports why others are rejected', () => {
    const text = textOf(mixed);
    expect(text).toMatch(/^Result for a sample of 41 rows\n\n40 of 41 rows would be accepted, and 1 rejected\.\n/);
    expect(text).toMatch(
      /\n1 × custom_id_missing {2}custom_id is missing or blank, so there is no profile to\n {23}attach the event to\. Map the column with the profile id\n {23}to custom_id, .*\n\nMore about each: bin\/connector explain CODE\n/s,
    );
    expect(text).toMatch(/✗ +purchase/);
    expect(text.trimEnd().split('\n').at(-1)).toBe(
      '40 of 41 rows would be accepted, and 1 rejected. Nothing was sent.',
    );
    expect(textOf(sampleOf([row()]))).toMatch(/^Result for a sample of 1 row\n\nThe row would be accepted\.\n/);
  });

  test('has only ASCII symbols in a terminal without UTF-8', () => {
    const terminal = describeTerminal({ isTTY: true }, { LC_ALL: 'C', LANG: 'en_US.UTF-8' });
    expect(textOf(sampleOf([row({ custom_id: '' }), row({ item: 'x'.repeat(99) })]), terminal)).toMatch(/^[\n -~]+$/);
  });

  test('shows long numbers in the request with all digits', () => {
    const exact = sampleOf([row({ details: '{"a":12345678901234567890.5}' })]);
    expect(textOf(exact)).toContain('"a": 12345678901234567890.5');
  });

  test('truncates a request after two updates unless asked for all of them', () => {
    const rows = Array.from({ length: 4 }, (_, n) => row({ custom_id: `u${n}` }));
    expect(textOf(sampleOf(rows))).toMatch(/"u1".*\n\]\nand 2 updates more \(--request shows all\)\n/s);
    expect(textOf(sampleOf(rows))).not.toContain('"u2"');
    expect(textOf(sampleOf(rows), plain, true)).toMatch(/"u3"\s/);
    expect(textOf(sampleOf(rows.slice(0, 2)))).not.toContain('more');
  });

  test('reports columns whose type changes between rows, also inside objects', () => {
    const sample = sampleOf([
      row({
        n: 1,
        m: 1.5,
        date__at: '2026-01-01T00:00:00Z',
        details: '{"items":[{"price":9},{"price":9.5}],"b":true}',
      }),
      row({ n: parse('2.0'), m: parse('1.0'), at: 'today', details: '{"items":["a"],"b":false}' }),
      row({ n: 'x', m: parse('1e3') }),
      row({ n: null, custom_id: '' }),
    ]);
    const changes = new Map(
      sample.columns.map((column) => [
        column.name,
        sample.findTypeChanges(column).map(({ path, types }) => [path, Object.fromEntries(types)]),
      ]),
    );
    expect(Object.fromEntries([...changes].filter(([, found]) => found.length > 0))).toEqual({
      n: [['n', { integer: 1, float: 1, string: 1 }]],
      date__at: [['at', { date: 1, string: 1 }]],
      at: [['at', { date: 1, string: 1 }]],
      details: [
        ['details.items', { 'list of objects': 1, 'list of strings': 1 }],
        ['details.items[].price', { integer: 1, float: 1 }],
      ],
    });
    const text = textOf(sample).replaceAll(/\s+/g, ' ');
    expect(text).toContain('type changes: n is sent as integer (1 ×) and float (1 ×) and string (1 ×)');
    expect(text).toContain('The type of a column changes between rows.');
    expect(textOf(sampleOf([row({ n: 1 }), row({ n: 2 })]))).not.toContain('type');
  });

  test('reports attributes of profiles whose type changes; NULL and edits of an array are not changes', () => {
    const policies = { ...configuration.policies, null_attribute: 'delete' as const };
    const sample = new Sample({
      arena,
      mapperWith: () => new ProfileMapper(configuration.limits, { policies }, arena),
      explainUntimely: () => undefined,
      maxShown: 20,
    });
    for (const [n, tags] of [
      [1, ['a']],
      [null, '{"$add":["b"]}'],
      [parse('1.50'), 'x'],
    ])
      sample.take({ custom_id: 'u', n, tags, last: null });
    expect(sample.columns.map((column) => sample.findTypeChanges(column).map(({ types }) => [...types]))).toEqual([
      [],
      [
        [
          ['integer', 1],
          ['float', 1],
        ],
      ],
      [
        [
          ['list of strings', 2],
          ['string', 1],
        ],
      ],
      [],
    ]);
  });

  test('truncates values of megabytes', () => {
    const long = sampleOf([row({ item: '好'.repeat(1_000_000), details: `{"a":"${'x'.repeat(1_000_000)}"}` })]);
    expect(textOf(long).length).toBeLessThan(5_000);
  }, 5_000);

  test('reports a stream without rows', () => {
    expect(textOf(sampleOf([]))).toBe('events has no rows that a sync would read: nothing would be sent.\n');
  });

  test('reports that all rows would be rejected', () => {
    expect(textOf(sampleOf([row({ custom_id: '' })]))).toContain('No request: all of these rows would be rejected.');
  });
});
