import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type RowAttribute, writeAttributeRow } from '../attribute-rows.ts';
import { ItemArena } from '../item-arena.ts';
import { countItems, listItems, type Update, UpdateBatcher } from './batcher.ts';
import { mergeRows } from './merge-attributes.ts';
import { buildRequestBody, countUpdateBytes } from './request-body.ts';

const arena = new ItemArena();

/** What waits for a profile: an event, or the attributes of a row in JSON. */
type Item = { event: string; isTimely?: boolean } | { [name: string]: string };

type SentUpdate = { attributes?: Record<string, unknown>; events?: { name: string }[] };

const isEvent = (item: Item): item is { event: string; isTimely?: boolean } => 'event' in item;

/** The updates of one profile for these items, each taken when the one before is settled. */
function updatesOf(items: readonly Item[], attributesPerUpdate = 50, eventsPerUpdate = 15) {
  const batcher = new UpdateBatcher(arena, {
    events_per_update: eventsPerUpdate,
    attributes_per_update: attributesPerUpdate,
  });
  const profile = arena.profiles.findText('u');
  for (const item of items) {
    if (isEvent(item)) batcher.add(profile, arena.add(`{"name":"${item.event}"}`), item.isTimely ?? true);
    else batcher.addAttributes(profile, arena.add(writeAttributeRow(attributesOf(item))));
  }
  const updates: Update[] = [];
  const sent: SentUpdate[] = [];
  while (batcher.readyUpdates > 0) {
    const [update] = batcher.take(1, Number.POSITIVE_INFINITY);
    if (update === undefined) throw new Error('There is no ready update.');
    const body = buildRequestBody(arena, [update]);
    expect(countUpdateBytes(arena, update) + 1).toBeGreaterThanOrEqual(body.length);
    updates.push(update);
    sent.push(JSON.parse(body.toString())[0]);
    batcher.release(update);
  }
  expect(batcher.waitingItems).toBe(0);
  return { updates, sent };
}

const attributesOf = (row: Record<string, string>): RowAttribute[] =>
  Object.entries(row).map(([name, value]) => ({ name, value }));

const attributesSent = (items: readonly Item[], perUpdate?: number) =>
  updatesOf(items, perUpdate).sent.map(({ attributes }) => attributes);

describe('rows of one profile that wait together', () => {
  test('become one update, in which the newest value of each attribute wins', () => {
    const { sent, updates } = updatesOf([{ a: '1', b: '"x"' }, { a: '2.0' }, { c: 'null' }]);
    expect(sent).toEqual([{ identifiers: { custom_id: 'u' }, attributes: { a: 2, b: 'x', c: null } }]);
    expect(updates.map((update) => countItems([update]))).toEqual([3]);
  });

  test('keep the digits of their numbers', () => {
    const { updates } = updatesOf([{ a: '9007199254740993', b: '2.0' }]);
    expect(buildRequestBody(arena, updates).toString()).toContain('"attributes":{"a":9007199254740993,"b":2.0}');
  });

  test('without attributes become an update that only creates the profile', () => {
    expect(updatesOf([{}, {}]).sent).toEqual([{ identifiers: { custom_id: 'u' } }]);
  });

  test('replace an attribute with another type: x, date(x) and url(x) are one attribute', () => {
    expect(
      attributesSent([
        { 'date(a)': '"d"', 'url(b)': '"u"' },
        { a: '1', 'date(b)': '"d"' },
      ]),
    ).toEqual([{ a: 1, 'date(b)': 'd' }]);
  });

  test('become several updates if they have more attributes than one may have', () => {
    expect(attributesSent([{ a: '1', b: '1' }, { b: '2', c: '2' }, { c: '3' }], 2)).toEqual([
      { a: 1, b: 1 },
      { b: 2, c: 3 },
    ]);
  });

  test('become several updates if one edits an array that an earlier one sets or edits', () => {
    const add = { a: '{"$add":["x"]}' };
    expect(attributesSent([{ a: '["w"]' }, add, add, { b: '1' }, { a: '["y"]' }])).toEqual([
      { a: ['w'] },
      { a: { $add: ['x'] } },
      { a: ['y'], b: 1 },
    ]);
  });

  test('share an update with events, and keep their order', () => {
    expect(updatesOf([{ event: 'e1' }, { a: '1' }, { event: 'e2' }, { event: 'e3' }, { a: '2' }], 50, 2).sent).toEqual([
      { identifiers: { custom_id: 'u' }, attributes: { a: 1 }, events: [{ name: 'e1' }, { name: 'e2' }] },
      { identifiers: { custom_id: 'u' }, attributes: { a: 2 }, events: [{ name: 'e3' }] },
    ]);
  });

  test('never share an update with events that Batch may refuse because of their time', () => {
    const { sent } = updatesOf([{ a: '1' }, { event: 'old', isTimely: false }, { a: '2' }, { event: 'new' }]);
    expect(sent.map(({ attributes, events }) => [attributes, events?.map(({ name }) => name)])).toEqual([
      [{ a: 1 }, undefined],
      [undefined, ['old']],
      [{ a: 2 }, ['new']],
    ]);
  });
});

/** A profile, by the names of its attributes without their types. An edit adds to the end of an array, and keeps duplicates. */
type Profile = Map<string, unknown>;

function apply(profile: Profile, attributes: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(attributes)) {
    const bare = name.replace(/^\w+\((\w+)\)$/, '$1');
    const held = profile.get(bare);
    if (value === null) profile.delete(bare);
    else if (typeof value === 'object' && !Array.isArray(value)) {
      const { $add = [], $remove = [] } = Object(value);
      profile.set(
        bare,
        [...(Array.isArray(held) ? held : []), ...$add].filter((item) => !$remove.includes(item)),
      );
    } else profile.set(bare, value);
  }
}

const value = fc.constantFrom(
  ...[
    '1',
    '2.0',
    '"s"',
    'null',
    '["x"]',
    '["y","z"]',
    '{"$add":["x"]}',
    '{"$remove":["x"]}',
    '{"$add":["z"],"$remove":["y"]}',
  ],
);
const row = fc.dictionary(fc.constantFrom('a', 'b', 'date(a)', 'c', 'd', '$language'), value, { maxKeys: 3 });
const item: fc.Arbitrary<Item> = fc.oneof(
  { weight: 4, arbitrary: row.filter((attributes) => !('a' in attributes && 'date(a)' in attributes)) },
  { weight: 1, arbitrary: fc.record({ event: fc.constant('e'), isTimely: fc.boolean() }) },
);

test('I5: merged rows leave a profile as if each row had been sent by itself, and lose no event', () => {
  fc.assert(
    fc.property(fc.array(item, { maxLength: 20 }), fc.integer({ min: 3, max: 5 }), (items, perUpdate) => {
      const expected: Profile = new Map();
      for (const each of items) {
        if (isEvent(each)) continue;
        for (const [name, json] of Object.entries(each)) apply(expected, { [name]: JSON.parse(json) });
      }
      const { updates, sent } = updatesOf(items, perUpdate, 2);
      const merged: Profile = new Map();
      for (const { attributes = {} } of sent) {
        expect(Object.keys(attributes).length).toBeLessThanOrEqual(perUpdate);
        apply(merged, attributes);
      }
      expect(merged).toEqual(expected);
      expect(countItems(updates)).toBe(items.length);
      expect(new Set(updates.flatMap(listItems)).size).toBe(items.length);
      // Any part of the rows of an update also fits into one update.
      for (const { attributes } of updates) {
        const rows = attributes?.rows ?? [];
        const [older, newer]: Profile[] = [new Map(), new Map()];
        if (older === undefined || newer === undefined) return;
        apply(older, JSON.parse(`{${attributes?.json.toString() ?? ''}}`));
        for (const half of [rows.slice(0, 1), rows.slice(1)]) {
          apply(newer, JSON.parse(`{${mergeRows(arena, half)?.json.toString() ?? ''}}`));
        }
        expect(newer).toEqual(older);
      }
    }),
    { numRuns: 300 },
  );
});

test('removes dropped rows, and the others stay in order', () => {
  const batcher = new UpdateBatcher(arena, { events_per_update: 15, attributes_per_update: 50 });
  const profile = arena.profiles.findText('u');
  const rows = ['1', '2', '3'].map((each) => arena.add(writeAttributeRow([{ name: 'a', value: each }])));
  for (const each of rows) batcher.addAttributes(profile, each);
  expect(batcher.drop((each) => each === rows[2])).toEqual([rows[2]]);
  const [update] = batcher.take(1, Number.POSITIVE_INFINITY);
  expect(update?.attributes?.json.toString()).toBe('"a":2');
});
