import { describe, expect, test } from 'vitest';
import type { KeptEvent } from './event.ts';
import { type EventFilter, type ProfileSelection, type Selection, Store } from './store.ts';

function eventOf(name: string): KeptEvent {
  return { name, json: `{"name":"${name}"}` };
}

function filledStore(): Store {
  const store = new Store();
  for (const [customId, name] of [
    ['a', 'x'],
    ['b', 'y'],
    ['a', 'x'],
    [null, 'z'],
    ['a', 'w'],
  ] as const) {
    store.add({ customId, attributes: {}, events: [eventOf(name)] }, '2026-04-17T12:00:00.000Z');
  }
  return store;
}

function seqs(store: Store, selection?: Selection): number[] {
  return [...store.events(selection)].map(({ seq }) => seq);
}

test('stores events in order of arrival, and equal events twice', () => {
  const [first, , third] = filledStore().events();
  expect(first).toEqual({ custom_id: 'a', seq: 0, received_at: '2026-04-17T12:00:00.000Z', ...eventOf('x') });
  expect(third).toEqual({ ...first, seq: 2 });
});

const selections: [Selection, number[]][] = [
  [{}, [0, 1, 2, 3, 4]],
  [{ offset: 3 }, [3, 4]],
  [{ limit: 2 }, [0, 1]],
  [{ offset: 1, limit: 2 }, [1, 2]],
  [{ offset: 9 }, []],
  [{ limit: 0 }, []],
  [{ customId: 'a' }, [0, 2, 4]],
  [{ customId: 'a', offset: 1 }, [2, 4]],
  [{ customId: 'a', offset: 1, limit: 1 }, [2]],
  [{ customId: 'b', offset: 1 }, []],
  [{ customId: 'unknown' }, []],
  [{ name: 'x' }, [0, 2]],
  [{ name: 'x', offset: 1 }, [2]],
  [{ customId: 'a', name: 'w' }, [4]],
  [{ name: 'unknown' }, []],
];
test.each(selections)('%j selects %j', (selection, expected) => {
  expect(seqs(filledStore(), selection)).toEqual(expected);
});

test('does not return events that arrive during a read', () => {
  const store = filledStore();
  const reading = store.events();
  reading.next();
  store.add({ customId: 'a', attributes: {}, events: [eventOf('x')] }, '');
  expect([...reading]).toHaveLength(4);
});

test('a cleared store is empty', () => {
  const store = filledStore();
  store.clear();
  expect([store.eventCount, store.profiles.size]).toEqual([0, 0]);
  store.add({ customId: 'a', attributes: {}, events: [eventOf('x')] }, '');
  expect(seqs(store)).toEqual([0]);
});

test('the first update creates a profile, and each update edits its attributes', () => {
  const store = new Store();
  const edits = [
    { plan: 'free', is_vip: true, interests: ['a', 'b'] },
    { plan: 'premium', is_vip: null },
    { interests: { $add: ['b', 'c'], $remove: ['a'] } },
    { topics: { $add: ['x'] } },
    {},
  ];
  for (const [second, attributes] of edits.entries()) {
    store.add({ customId: 'u1', attributes, events: [eventOf('x')] }, `2026-04-17T12:00:0${second}.000Z`);
  }
  expect(store.profiles.get('u1')).toEqual({
    attributes: new Map<string, unknown>([
      ['plan', 'premium'],
      ['interests', ['b', 'c']],
      ['topics', ['x']],
    ]),
    events: 5,
    updated_at: '2026-04-17T12:00:04.000Z',
  });
});

test('an installation creates no profile', () => {
  expect([...filledStore().profiles.keys()]).toEqual(['a', 'b']);
});

const lasts: [number, EventFilter, number[]][] = [
  [9, { customId: 'a' }, [0, 2, 4]],
  [2, { customId: 'a' }, [2, 4]],
  [0, { customId: 'a' }, []],
  [1, { customId: 'b' }, [1]],
  [5, { customId: 'unknown' }, []],
  [2, {}, [3, 4]],
  [9, { name: 'x' }, [0, 2]],
  [1, { name: 'x', customId: 'a' }, [2]],
  [5, { name: 'x', customId: 'b' }, []],
];
test.each(lasts)('the last %i events of %j are %j', (count, filter, expected) => {
  expect(
    filledStore()
      .lastEvents(count, filter)
      .map(({ seq }) => seq),
  ).toEqual(expected);
});

test('counts the events of each name, the most frequent first', () => {
  const store = filledStore();
  store.add({ customId: 'c', attributes: {}, events: [eventOf('w')] }, '2026-04-17T12:00:01.000Z');
  store.add({ customId: 'c', attributes: {}, events: [eventOf('w')] }, '2026-04-17T12:00:02.000Z');
  const counts = store.eventCounts.map(({ count, name }) => `${name} ${count}`);
  expect(counts).toEqual(['w 3', 'x 2', 'y 1', 'z 1']);
  expect(store.eventCounts[0]?.last_received_at).toBe('2026-04-17T12:00:02.000Z');
  store.clear();
  expect(store.eventCounts).toEqual([]);
});

describe('a page of profiles', () => {
  const store = new Store();
  for (const customId of ['Ann', 'ben', 'anna', 'cem', 'ben']) {
    store.add({ customId, attributes: {}, events: [eventOf('x')] }, '2026-04-17T12:00:00.000Z');
  }

  const pages: [ProfileSelection, string[], number][] = [
    [{ limit: 9 }, ['cem', 'anna', 'ben', 'Ann'], 4],
    [{ limit: 2 }, ['cem', 'anna'], 4],
    [{ limit: 2, offset: 3 }, ['Ann'], 4],
    [{ limit: 9, search: 'AN' }, ['anna', 'Ann'], 2],
    [{ limit: 1, search: 'an' }, ['anna'], 2],
    [{ limit: 9, search: 'N' }, ['anna', 'ben', 'Ann'], 3],
    [{ limit: 9, search: 'ann' }, ['Ann', 'anna'], 2],
    [{ limit: 9, search: 'x' }, [], 0],
    [{ limit: 9, customId: 'ben' }, ['ben'], 1],
    [{ limit: 9, customId: 'an' }, [], 0],
  ];
  test.each(pages)('%j, the closest match first, then the newest', (selection, expected, matching) => {
    const page = store.profilePage(selection);
    expect([page.profiles.map(({ custom_id }) => custom_id), page.matching]).toEqual([expected, matching]);
  });

  test('lists the exact match first, then ids that begin with the text, then the newest', () => {
    const searched = new Store();
    for (const customId of ['u7', 'U7', 'u70', 'au7', 'bu7', 'other']) {
      searched.add({ customId, attributes: {}, events: [] }, '2026-04-17T12:00:00.000Z');
    }
    const { profiles } = searched.profilePage({ search: 'u7', limit: 9 });
    expect(profiles.map(({ custom_id }) => custom_id)).toEqual(['u7', 'U7', 'u70', 'bu7', 'au7']);
  });

  test('has their attributes, events and last update', () => {
    const profile = { custom_id: 'ben', attributes: new Map(), events: 2, updated_at: '2026-04-17T12:00:00.000Z' };
    expect(store.profilePage({ limit: 1, customId: 'ben' }).profiles).toEqual([profile]);
  });
});
