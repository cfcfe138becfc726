import { expect, test } from 'vitest';
import { type Selection, Store } from './store.ts';

function filledStore(): Store {
  const store = new Store();
  for (const [customId, name] of [
    ['a', 'x'],
    ['b', 'y'],
    ['a', 'x'],
    [null, 'z'],
    ['a', 'w'],
  ] as const) {
    store.add({ customId, attributes: {}, events: [`{"name":"${name}"}`] }, '2026-04-17T12:00:00.000Z');
  }
  return store;
}

function seqs(store: Store, selection?: Selection): number[] {
  return [...store.events(selection)].map(({ seq }) => seq);
}

test('events are kept in order of arrival, equal ones each for itself', () => {
  const [first, , third] = filledStore().events();
  expect(first).toEqual({ custom_id: 'a', seq: 0, received_at: '2026-04-17T12:00:00.000Z', json: '{"name":"x"}' });
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
  [{ customId: 'nobody' }, []],
];
test.each(selections)('%j selects %j', (selection, expected) => {
  expect(seqs(filledStore(), selection)).toEqual(expected);
});

test('events that arrive while others are read do not lengthen the reading', () => {
  const store = filledStore();
  const reading = store.events();
  reading.next();
  store.add({ customId: 'a', attributes: {}, events: ['{}'] }, '');
  expect([...reading]).toHaveLength(4);
});

test('a cleared store is as new', () => {
  const store = filledStore();
  store.clear();
  expect([store.eventCount, store.profiles.size]).toEqual([0, 0]);
  store.add({ customId: 'a', attributes: {}, events: ['{}'] }, '');
  expect(seqs(store)).toEqual([0]);
});

test('a profile is made by its first update, and its attributes are edited by each', () => {
  const store = new Store();
  const edits = [
    { plan: 'free', is_vip: true, interests: ['a', 'b'] },
    { plan: 'premium', is_vip: null },
    { interests: { $add: ['b', 'c'], $remove: ['a'] } },
    { topics: { $add: ['x'] } },
    {},
  ];
  for (const attributes of edits) store.add({ customId: 'u1', attributes, events: ['{}'] }, '');
  expect(store.profiles.get('u1')).toEqual({
    attributes: new Map<string, unknown>([
      ['plan', 'premium'],
      ['interests', ['b', 'c']],
      ['topics', ['x']],
    ]),
    events: 5,
  });
});

test('an installation makes no profile', () => {
  expect([...filledStore().profiles.keys()]).toEqual(['a', 'b']);
});
