import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anyText } from '../../sandbox/any-text.ts';
import { BatchApi as Sandbox } from '../../sandbox/batch-api/server.ts';
import { BatchApi } from '../../src/destination-batch/batch/api.ts';
import { UPDATE } from '../../src/destination-batch/batch/endpoints.ts';
import { DEFAULT_LIMITS } from '../../src/destination-batch/batch/limits.ts';
import { DEFAULT_POLICIES } from '../../src/destination-batch/config/policies.ts';
import type { ColumnType } from '../../src/destination-batch/mapping/column-types.ts';
import { EventMapper } from '../../src/destination-batch/mapping/mapper.ts';
import { parseInputLine } from '../../src/destination-batch/write/input.ts';

// Two that know the rules of Batch's API, written apart: the mapper of the destination, and the sandbox that plays Batch.
// Rows of all kinds go through both, over HTTP. What the mapper lets through, the sandbox must take without a word.

const KEYS = { restApiKey: 'rest_agreement', projectKey: 'project_agreement' };

let sandbox: Sandbox;
let api: BatchApi;
beforeAll(async () => {
  // Neither the pace nor the hour is what is tested here.
  const limits = { updateBurst: 1e9, maxAgeMs: 1e15, futureToleranceMs: 1e15 };
  sandbox = await Sandbox.start({ ...KEYS, limits });
  api = new BatchApi({
    api_url: sandbox.url,
    api_version: '2.11',
    rest_api_key: KEYS.restApiKey,
    project_key: KEYS.projectKey,
  });
});
afterAll(async () => {
  await api.close();
  await sandbox.close();
});

/** Rows are made as the text of their JSON: a number in it may have digits that no value of JavaScript holds. */
type JsonText = string;

const quoted = (text: fc.Arbitrary<string>): fc.Arbitrary<JsonText> => text.map((value) => JSON.stringify(value));
const listOf = (items: readonly JsonText[], gap = ''): JsonText => `[${gap}${items.join(`${gap},${gap}`)}${gap}]`;
const objectOf = (entries: readonly (readonly [string, JsonText])[], gap = ''): JsonText =>
  `{${gap}${entries.map(([name, value]) => `${JSON.stringify(name)}${gap}:${gap}${value}`).join(`${gap},${gap}`)}${gap}}`;

/** White space of each kind, halves of surrogate pairs, what looks like JSON, and lengths around each limit. */
const awkwardText = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }),
  anyText({ maxLength: 20 }),
  fc
    .array(
      fc.oneof(fc.constantFrom(0xd800, 0xdbff, 0xdc00, 0xdfff, 0xa0, 0xfeff, 0x2028, 0x0a, 0x5b), fc.nat(0xffff)),
      {
        maxLength: 8,
      },
    )
    .map((units) => String.fromCharCode(...units)),
  fc.constantFrom(
    '',
    ' ',
    '[',
    '{}',
    '[[]]',
    '{"a":',
    '[1,2',
    'null',
    '[draft]',
    '{"isLosslessNumber":true,"value":"1"}',
  ),
  fc.constantFrom(299, 300, 301, 2_047, 2_048, 2_049, 30_000).map((length) => 'x'.repeat(length)),
  fc.constantFrom(149, 150, 151).map((length) => '😀'.repeat(length)),
);

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
const day = fc.constantFrom('2026-04-17', '2026-02-30', '2024-02-29', '0000-01-01', '20260417');
const url = fc
  .tuple(
    fc.constantFrom('https://', 'HTTP://', 'app+x.y://', 'mailto:', '//'),
    fc.constantFrom('a.example/', ''),
    awkwardText,
  )
  .map((parts) => parts.join(''));
const text = fc.oneof({ weight: 4, arbitrary: awkwardText }, stamp, day, url);

const number: fc.Arbitrary<JsonText> = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc
    .tuple(
      fc.constantFrom(2n ** 53n, 2n ** 63n, 2n ** 64n, 10n ** 15n),
      fc.constantFrom(-2n, -1n, 0n, 1n, 2n),
      fc.boolean(),
    )
    .map(([edge, by, isNegative]) => String((edge + by) * (isNegative ? -1n : 1n))),
  fc.stringMatching(/^-?(0|[1-9]\d{0,39})(\.\d{1,39})?([eE][+-]?\d{1,3})?$/),
  fc.constantFrom('-0', '0.0', '1e999', '-1e999', '1e-999', '1E+5', '1e18', '1e19', '1e20', '1e21', '5e-324'),
);

const goodName = fc.stringMatching(/^[a-z0-9_]{1,30}$/);
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...'abcdefgh') },
  { weight: 3, arbitrary: goodName },
  { weight: 1, arbitrary: goodName.map((good) => good.toUpperCase()) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      ...['__proto__', 'constructor', 'toString', 'toJSON', 'tojson', 'isLosslessNumber', '$label', '$tags', '', 'a.b'],
      ...['é', '7', '10', 'x'.repeat(30), 'x'.repeat(31)],
    ),
  },
  { weight: 1, arbitrary: awkwardText },
);
const nestedName = fc.oneof(
  { weight: 6, arbitrary: name },
  ...['date', 'url'].map((type) => ({ weight: 1, arbitrary: name.map((inner) => `${type}(${inner})`) })),
  ...['date__', 'url__'].map((prefix) => ({ weight: 1, arbitrary: name.map((inner) => prefix + inner) })),
);
const columnName = fc.oneof(
  { weight: 8, arbitrary: name },
  ...['date__', 'url__', 'DATE__', 'Url__'].map((prefix) => ({
    weight: 1,
    arbitrary: name.map((rest) => prefix + rest),
  })),
  { weight: 1, arbitrary: fc.constantFrom('last_updated_at', '_airbyte_raw_id', '_airbyte_meta', 'date__', 'url__') },
  { weight: 2, arbitrary: fc.constantFrom('batch__label', 'batch__tags', 'Batch__Tags') },
);

const scalar: fc.Arbitrary<JsonText> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom('null', 'true', 'false') },
  { weight: 2, arbitrary: number },
  { weight: 4, arbitrary: quoted(text) },
  { weight: 1, arbitrary: quoted(number) },
);
const gap = fc.oneof({ weight: 5, arbitrary: fc.constant('') }, fc.constantFrom(' ', '\n', '\t', '\r\n '));
const { value, structure } = fc.letrec<{ value: JsonText; structure: JsonText; object: JsonText }>((tie) => ({
  value: fc.oneof({ maxDepth: 5 }, { weight: 3, arbitrary: scalar }, { weight: 2, arbitrary: tie('structure') }),
  structure: fc.oneof(
    tie('object'),
    fc.tuple(fc.array(tie('value'), { maxLength: 4 }), gap).map(([items, space]) => listOf(items, space)),
    fc.array(quoted(text), { maxLength: 27 }).map((items) => listOf(items)),
    fc.array(tie('object'), { maxLength: 3 }).map((items) => listOf(items)),
    fc
      .integer({ min: 19, max: 21 })
      .map((size) => objectOf(Array.from({ length: size }, (_, index) => [`k${index}`, String(index)]))),
  ),
  object: fc
    .tuple(fc.array(fc.tuple(nestedName, tie('value')), { maxLength: 5 }), gap)
    .map(([entries, space]) => objectOf(entries, space)),
}));

/** What a column holds: anything, as it is or, as the rule is for lists and objects, as the text of its JSON. */
const cell: fc.Arbitrary<JsonText> = fc.oneof(
  { weight: 3, arbitrary: scalar },
  { weight: 2, arbitrary: value },
  { weight: 3, arbitrary: quoted(structure) },
);

const mostly = (good: fc.Arbitrary<JsonText>): fc.Arbitrary<JsonText> =>
  fc.oneof({ weight: 30, arbitrary: good }, { weight: 1, arbitrary: cell });
const customId = fc.oneof(
  fc.integer().map(String),
  quoted(fc.uuid()),
  quoted(awkwardText),
  quoted(fc.constantFrom(511, 512, 513).map((length) => 'i'.repeat(length))),
  fc.constantFrom('9007199254740993', '1.5', '1e3', '"NULL"', '"[object Object]"', '"nan "', '"u1\\n"'),
);

const recordLine: fc.Arbitrary<string> = fc
  .tuple(
    mostly(customId),
    mostly(quoted(goodName)),
    mostly(fc.oneof(fc.constant('null'), quoted(stamp))),
    fc.array(fc.tuple(columnName, cell), { maxLength: 24 }),
  )
  .map(([id, eventName, time, columns]) => {
    const row = objectOf([['custom_id', id], ['event_name', eventName], ['event_time', time], ...columns]);
    return `{"type":"RECORD","record":{"stream":"events","emitted_at":1,"data":${row}}}`;
  });

test.each([
  ['by default', {}],
  [
    'cut, without capitals, with an id',
    {
      policies: { ...DEFAULT_POLICIES, long_text: 'truncate', capital_letters: 'drop' },
      // The sandbox prints keys that are numbers first, as JavaScript does: this name comes before all others there, too.
      eventIdAttribute: '0',
    },
  ],
  [
    'with the types of the catalog',
    {
      columnTypes: new Map<string, ColumnType>([
        ['event_time', 'date_time'],
        ...[...'abcdefgh'].flatMap((letter): [string, ColumnType][] => [
          [letter, 'number'],
          [`date__${letter}`, 'date_time'],
        ]),
      ]),
    },
  ],
] as const)(
  'what the mapper lets through, Batch takes without a word and stores to the digit: %s',
  async (_, options) => {
    const mapper = new EventMapper(DEFAULT_LIMITS, options);
    const never = new AbortController().signal;
    let events = 0;
    let rows = 0;
    const call = fc.array(recordLine, { minLength: 1, maxLength: UPDATE.updatesPerCall, size: 'max' });
    await fc.assert(
      fc.asyncProperty(call, async (lines) => {
        const profiles = new Map<string, string[]>();
        for (const line of lines) {
          rows += 1;
          const message = parseInputLine(Buffer.from(line));
          if (message.kind !== 'record') throw new Error(`A row is taken for something else: ${message.kind}`);
          const mapped = mapper.map(message.data);
          if (mapped.kind === 'rejected') continue;
          events += 1;
          const before = profiles.get(mapped.customId) ?? [];
          if (before.length < DEFAULT_LIMITS.events_per_update) profiles.set(mapped.customId, [...before, mapped.json]);
        }
        if (profiles.size === 0) return;

        sandbox.reset();
        const updates = [...profiles].map(([id, sent]) =>
          objectOf([
            ['identifiers', objectOf([['custom_id', JSON.stringify(id)]])],
            ['events', listOf(sent)],
          ]),
        );
        expect(await api.post(UPDATE, listOf(updates), never)).toEqual({ kind: 'accepted', errors: [] });
        const stored = [...sandbox.store.events()].map(({ custom_id, json }) => [custom_id, json]);
        expect(stored).toEqual([...profiles].flatMap(([id, sent]) => sent.map((json) => [id, json])));
      }),
      { numRuns: 100 },
    );
    // That the rows are as many as they should be, and not so odd that most of them are rejected.
    expect(rows).toBeGreaterThan(5_000);
    expect(events).toBeGreaterThan(rows / 3);
  },
);
