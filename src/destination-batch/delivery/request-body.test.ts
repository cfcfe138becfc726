import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { anyText } from '../../../sandbox/any-text.ts';
import { ItemArena } from '../item-arena.ts';
import { type Update, UpdateBatcher } from './batcher.ts';
import { buildRequestBody, countUpdateBytes } from './request-body.ts';

const arena = new ItemArena();

/** An update with these events, given as JSON. */
function updateOf(customId: string, events: readonly string[], from = arena): Update {
  const batcher = new UpdateBatcher(from, { events_per_update: events.length, attributes_per_update: 50 });
  for (const json of events) batcher.add(from.profiles.findText(customId), from.add(json), true);
  const [update] = batcher.take(1, Number.POSITIVE_INFINITY);
  if (update === undefined) throw new Error('An update has events.');
  return update;
}

/** Updates with these events, given as JSON. */
function updatesOf(given: readonly (readonly [customId: string, ...events: string[]])[]): Update[] {
  return given.map(([customId, ...events]) => updateOf(customId, events));
}

/** Expects a body to be what JSON.stringify writes, and to be as long as its updates are counted. */
function expectBody(given: readonly (readonly [customId: string, ...events: unknown[]])[]): string {
  const updates = updatesOf(
    given.map(([customId, ...events]) => [customId, ...events.map((each) => JSON.stringify(each))]),
  );
  const body = buildRequestBody(arena, updates);
  const expected = given.map(([custom_id, ...events]) => ({ identifiers: { custom_id }, events }));
  expect(body.toString()).toBe(JSON.stringify(expected));
  // Each update is counted with the comma after it. The closing bracket replaces the last comma.
  expect(updates.reduce((sum, update) => sum + countUpdateBytes(arena, update), 1)).toBe(body.length);
  return body.toString();
}

const EVENT = { name: 'e', attributes: { a: 1 } };

test('is an array of updates with their events', () => {
  expect(
    expectBody([
      ['u1', { name: 'a' }, { name: 'b' }],
      ['u2', { name: 'c' }],
    ]),
  ).toBe(
    '[{"identifiers":{"custom_id":"u1"},"events":[{"name":"a"},{"name":"b"}]},' +
      '{"identifiers":{"custom_id":"u2"},"events":[{"name":"c"}]}]',
  );
});

test('is an empty array without updates', () => {
  expect(buildRequestBody(arena, []).toString()).toBe('[]');
});

describe('contains an id as JSON.stringify writes it:', () => {
  test.each([
    ['plain ASCII', 'customer-1'],
    ['an empty string', ''],
    ['quotes', 'a"b'],
    ['only a quote', '"'],
    ['backslashes', String.raw`a\b\\`],
    ['slashes', 'a/b'],
    ['control characters', '\u0000\u0001\b\f\n\r\t\u001f'],
    ['DEL', 'a\u007fb'],
    ['accented letters', 'zoé'],
    ['Japanese', '顧客一号'],
    ['Arabic', 'عميل'],
    ['emoji', '👩‍👩‍👧 👕'],
    ['line separators', 'a\u2028b\u2029c'],
    ['half of a surrogate pair', 'a\ud83d'],
    ['512 characters of ASCII', 'x'.repeat(512)],
    ['300 characters of ASCII', 'x'.repeat(300)],
    ['301 characters of ASCII', 'x'.repeat(301)],
    ['512 characters of three bytes', '日'.repeat(512)],
    ['512 quotes', '"'.repeat(512)],
  ])('%s', (_, customId) => {
    expectBody([[customId, EVENT]]);
    expectBody([
      [customId, EVENT, EVENT],
      ['u2', EVENT],
      [customId, EVENT],
    ]);
  });
});

test('contains the JSON of events unchanged', () => {
  const events = ['{"n":9007199254740993}', '{"n":2.0, "m":-0}', String.raw`{"a":"\/é"}`, '{"a":"👕"}'];
  expect(buildRequestBody(arena, updatesOf([['u1', ...events]])).toString()).toBe(
    `[{"identifiers":{"custom_id":"u1"},"events":[${events.join()}]}]`,
  );
});

test('does not change when the arena reuses the bytes of the events', () => {
  const own = new ItemArena();
  const update = updateOf('u1', ['{"name":"a"}'], own);
  const body = buildRequestBody(own, [update]);
  for (const event of update.events) own.release(event);
  own.add('{"name":"b"}');
  expect(body.toString()).toBe('[{"identifiers":{"custom_id":"u1"},"events":[{"name":"a"}]}]');
});

test('is what JSON.stringify writes, for any ids and events', () => {
  const update = fc.tuple(anyText({ maxLength: 320 }), fc.array(fc.jsonValue(), { minLength: 1, maxLength: 15 }));
  fc.assert(
    fc.property(fc.array(update, { minLength: 1, maxLength: 8 }), (given) => {
      expectBody(given.map(([customId, events]) => [customId, ...events]));
    }),
    { numRuns: 300 },
  );
});
