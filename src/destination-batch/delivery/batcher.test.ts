import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ItemNumber } from '../byte-arena.ts';
import { ItemArena } from '../item-arena.ts';
import { type Update, UpdateBatcher, type UpdateLimits } from './batcher.ts';
import { buildRequestBody } from './request-body.ts';

const NO_LIMIT = Number.POSITIVE_INFINITY;

const arena = new ItemArena();

/** For each event that is not released, its row. */
const rows: number[] = [];
const rowOf = (event: ItemNumber): number => rows[event] ?? -1;
const ascending = (one: number, other: number): number => one - other;
const rowsOf = ({ events }: Update): number[] => events.map(rowOf);
const customIdOf = ({ profile }: Update): string => arena.profiles.readCustomId(profile);

function eventOf(row: number, json = `{"name":"e${row}"}`): ItemNumber {
  const event = arena.add(json);
  rows[event] = row;
  return event;
}

const limitsOf = (events_per_update: number): UpdateLimits => ({ events_per_update, attributes_per_update: 50 });

/** Adds a row to a batcher. */
function add(batcher: UpdateBatcher, customId: string, row: number, json?: string, isTimely = true): void {
  batcher.add(arena.profiles.findText(customId), eventOf(row, json), isTimely);
}

/** Adds events to profiles, numbered in the order in which they come. */
function batcherOf(customIds: readonly string[], eventsPerUpdate = 15): UpdateBatcher {
  const batcher = new UpdateBatcher(arena, limitsOf(eventsPerUpdate));
  for (const [row, customId] of customIds.entries()) add(batcher, customId, row);
  return batcher;
}

/** Takes the only update that is ready. */
function takeOnly(batcher: UpdateBatcher): Update {
  const [update, ...others] = batcher.take(200, NO_LIMIT);
  if (update === undefined || others.length > 0) throw new Error('There is not exactly one update.');
  return update;
}

const shown = (updates: readonly Update[]): string[] =>
  updates.map((update) => `${customIdOf(update)}: ${rowsOf(update).join(' ')}`);

test('batches the events of a profile in order, and profiles in the order of their first event', () => {
  const batcher = batcherOf(['b', 'a', 'b', 'c', 'a', 'b']);
  expect([batcher.waitingItems, batcher.readyUpdates]).toEqual([6, 3]);
  expect(shown(batcher.take(200, NO_LIMIT))).toEqual(['b: 0 2 5', 'a: 1 4', 'c: 3']);
  expect([batcher.waitingItems, batcher.readyUpdates]).toEqual([0, 0]);
});

test('returns an event as it was added', () => {
  const batcher = new UpdateBatcher(arena, limitsOf(15));
  const given = eventOf(0);
  batcher.add(arena.profiles.findText('a'), given, true);
  const update = takeOnly(batcher);
  expect([customIdOf(update), update.events, arena.read(given)]).toEqual(['a', [given], '{"name":"e0"}']);
});

test('returns no updates when no events wait', () => {
  expect(batcherOf([]).take(200, NO_LIMIT)).toEqual([]);
});

test('takes at most the requested number of updates, and the others stay first', () => {
  const batcher = batcherOf(['a', 'b', 'c']);
  expect(shown(batcher.take(2, NO_LIMIT))).toEqual(['a: 0', 'b: 1']);
  expect(batcher.readyUpdates).toBe(1);
  add(batcher, 'd', 3);
  expect(shown(batcher.take(2, NO_LIMIT))).toEqual(['c: 2', 'd: 3']);
});

test('puts at most fifteen events in an update; the next wait until it is settled', () => {
  const batcher = batcherOf(Array(32).fill('a'));
  const sizes: number[] = [];
  while (batcher.waitingItems > 0) {
    const update = takeOnly(batcher);
    sizes.push(update.events.length);
    expect([batcher.readyUpdates, batcher.take(200, NO_LIMIT)]).toEqual([0, []]);
    batcher.release(update);
  }
  expect(sizes).toEqual([15, 15, 2]);
});

test('holds back the events of a profile that is in flight, and not those of others', () => {
  const batcher = batcherOf(['a']);
  const inFlight = takeOnly(batcher);
  add(batcher, 'a', 1);
  add(batcher, 'b', 2);
  expect([batcher.waitingItems, batcher.readyUpdates]).toEqual([2, 1]);
  expect(shown(batcher.take(200, NO_LIMIT))).toEqual(['b: 2']);
  batcher.release(inFlight);
  expect(shown(batcher.take(200, NO_LIMIT))).toEqual(['a: 1']);
});

test('accepts new events of a profile whose update is settled', () => {
  const batcher = batcherOf(['a']);
  batcher.release(takeOnly(batcher));
  add(batcher, 'a', 1);
  expect(shown(batcher.take(1, NO_LIMIT))).toEqual(['a: 1']);
});

test('drops events as if they had not been added, and returns them', () => {
  const batcher = batcherOf(['a', 'b', 'a', 'c', 'b', ...Array<string>(20).fill('d')]);
  const inFlight = batcher.take(1, NO_LIMIT);
  expect(shown(inFlight)).toEqual(['a: 0 2']);
  add(batcher, 'a', 25);
  const dropped = batcher.drop((event) => [1, 4].includes(rowOf(event)) || rowOf(event) >= 10);
  const expected = [1, 4, ...Array.from({ length: 16 }, (_, index) => index + 10)];
  expect(dropped.map(rowOf).toSorted(ascending)).toEqual(expected);
  expect([batcher.waitingItems, batcher.waitingUpdates, batcher.readyUpdates]).toEqual([6, 2, 2]);
  expect(shown(batcher.take(200, NO_LIMIT))).toEqual(['c: 3', 'd: 5 6 7 8 9']);
  for (const update of inFlight) batcher.release(update);
  expect([batcher.waitingItems, batcher.waitingUpdates, batcher.readyUpdates]).toEqual([0, 0, 0]);
  add(batcher, 'b', 26);
  expect(shown(batcher.take(200, NO_LIMIT))).toEqual(['b: 26']);
});

test('drops events at the beginning, in the middle and at the end of a profile, and keeps the order of the others', () => {
  const batcher = batcherOf(Array(9).fill('a'), 3);
  batcher.drop((event) => [0, 4, 8].includes(rowOf(event)));
  add(batcher, 'a', 9);
  expect([batcher.waitingItems, batcher.waitingUpdates, batcher.readyUpdates]).toEqual([7, 3, 1]);
  const taken: string[] = [];
  while (batcher.readyUpdates > 0) {
    const update = takeOnly(batcher);
    taken.push(...shown([update]));
    batcher.release(update);
  }
  expect(taken).toEqual(['a: 1 2 3', 'a: 5 6 7', 'a: 9']);
});

test('forgets idle profiles if there are many, but never events', () => {
  const profiles = 50_100;
  const own = new ItemArena();
  const batcher = new UpdateBatcher(own, limitsOf(1));
  const customIds = Array.from({ length: profiles }, (_, index) => `u${index}`);
  const addTo = (customId: string): void => batcher.add(own.profiles.findText(customId), own.add('{}'), true);
  for (const customId of customIds) addTo(customId);
  const first = batcher.take(profiles, NO_LIMIT);
  // Of half of the profiles, an event waits while the update is in flight.
  const again = customIds.filter((_, index) => index % 2 === 0);
  for (const customId of again) addTo(customId);
  for (const update of first) batcher.release(update);
  expect(own.profiles.size).toBe(50_000);
  const second = batcher.take(profiles, NO_LIMIT);
  expect(second.map(({ profile }) => own.profiles.readCustomId(profile))).toEqual(again);
  // Both forgotten and known profiles accept events again.
  for (const customId of customIds) addTo(customId);
  expect([batcher.waitingItems, batcher.readyUpdates]).toEqual([profiles, profiles / 2]);
  for (const update of second) batcher.release(update);
  expect(batcher.take(profiles, NO_LIMIT)).toHaveLength(profiles);
});

/** The update as it is in the body of a request, with its comma. */
const bytesOf = (update: Update): number =>
  Buffer.byteLength(
    `{"identifiers":{"custom_id":${JSON.stringify(customIdOf(update))}},"events":[${update.events.map((event) => arena.read(event)).join()}]},`,
  );

describe('the bytes of the updates taken', () => {
  /** A batcher of events of this size. */
  function heavyOf(customIds: readonly string[], bytes: number): UpdateBatcher {
    const batcher = new UpdateBatcher(arena, limitsOf(15));
    for (const [row, customId] of customIds.entries()) add(batcher, customId, row, 'x'.repeat(bytes));
    return batcher;
  }

  test('are at most the maximum', () => {
    const batcher = heavyOf(['a', 'b', 'c'], 1_000);
    expect(shown(batcher.take(200, 2_500))).toEqual(['a: 0', 'b: 1']);
    expect([batcher.waitingItems, batcher.readyUpdates]).toEqual([1, 1]);
  });

  test('are at most the maximum with the brackets of the request', () => {
    const exactly = buildRequestBody(arena, heavyOf(['a', 'b'], 100).take(200, NO_LIMIT)).length;
    for (const [maxBytes, expected] of [
      [exactly, ['a: 0', 'b: 1']],
      [exactly - 1, ['a: 0']],
    ] as const) {
      expect(shown(heavyOf(['a', 'b'], 100).take(200, maxBytes))).toEqual(expected);
    }
  });

  test('may exceed the maximum for one update, which could never be sent otherwise', () => {
    const batcher = heavyOf(['a', 'a', 'b'], 1_000);
    expect(shown(batcher.take(200, 500))).toEqual(['a: 0 1']);
    expect(shown(batcher.take(200, 500))).toEqual(['b: 2']);
  });

  test.each([
    ['letters of one byte', 'x'],
    ['letters of three bytes', '日'],
    ['quotes, which JSON escapes', '"'],
  ])('include the identifiers: %s', (_, letter) => {
    const batcher = new UpdateBatcher(arena, limitsOf(15));
    for (let row = 0; row < 100; row += 1) add(batcher, `${letter.repeat(300)}${row}`, row);
    const bytes = batcher.take(200, 20_000).reduce((sum, update) => sum + bytesOf(update), 0);
    expect(bytes).toBeLessThanOrEqual(20_000);
    // And the room is used.
    expect(bytes).toBeGreaterThan(18_000);
  });
});

type Step =
  | { kind: 'add'; customId: string; bytes: number; isTimely: boolean }
  | { kind: 'take'; maxUpdates: number; maxBytes: number }
  | { kind: 'settle'; which: number }
  | { kind: 'drop'; divisor: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('add' as const),
        customId: fc.constantFrom('a', 'b', 'c', 'd'),
        bytes: fc.integer({ min: 1, max: 400 }),
        isTimely: fc.integer({ min: 0, max: 4 }).map((drawn) => drawn > 0),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('take' as const),
        maxUpdates: fc.integer({ min: 1, max: 5 }),
        maxBytes: fc.constantFrom(1, 500, 2_000, NO_LIMIT),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('settle' as const), which: fc.nat() }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('drop' as const), divisor: fc.integer({ min: 1, max: 5 }) }),
    },
  ),
  { maxLength: 150 },
);

test('I5, I8: keeps the order of a profile, never has two updates of it in flight, and fills the updates', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 4 }), (all, eventsPerUpdate) => {
      const batcher = new UpdateBatcher(arena, limitsOf(eventsPerUpdate));
      const arrived = new Map<string, { row: number; bytes: number; isTimely: boolean }[]>();
      const inFlight = new Map<string, Update>();

      const take = (maxUpdates: number, maxBytes: number): number => {
        const ready = [...arrived].filter(([customId, events]) => events.length > 0 && !inFlight.has(customId));
        expect(batcher.readyUpdates).toBe(ready.length);
        const updates = batcher.take(maxUpdates, maxBytes);
        expect(updates.length).toBeGreaterThanOrEqual(Math.min(1, ready.length));
        expect(updates.length).toBeLessThanOrEqual(maxUpdates);
        if (maxBytes === NO_LIMIT) expect(updates).toHaveLength(Math.min(maxUpdates, ready.length));
        if (updates.length > 1) {
          expect(buildRequestBody(arena, updates).length).toBeLessThanOrEqual(maxBytes);
        }
        for (const update of updates) {
          const customId = customIdOf(update);
          expect(inFlight.has(customId)).toBe(false);
          inFlight.set(customId, update);
          // The oldest of the profile, in order, and as many as may share an update: so there can't be fewer updates.
          const all = arrived.get(customId) ?? [];
          const end = all.findIndex(({ isTimely }) => isTimely !== all[0]?.isTimely);
          const oldest = all.splice(0, Math.min(eventsPerUpdate, end === -1 ? all.length : end));
          expect(rowsOf(update)).toEqual(oldest.map(({ row }) => row));
        }
        return updates.length;
      };
      const settle = (update: Update | undefined): void => {
        if (update === undefined) return;
        inFlight.delete(customIdOf(update));
        batcher.release(update);
        // As in the delivery, the numbers of settled events are used again.
        for (const event of update.events) arena.release(event);
      };
      const drop = (divisor: number): void => {
        const dropped = batcher.drop((event) => rowOf(event) % divisor === 0);
        const expected = [...arrived.values()].flat().filter(({ row }) => row % divisor === 0);
        expect(dropped.map(rowOf).toSorted(ascending)).toEqual(expected.map(({ row }) => row).toSorted(ascending));
        for (const [customId, events] of arrived) {
          arrived.set(
            customId,
            events.filter(({ row }) => row % divisor !== 0),
          );
        }
        for (const event of dropped) arena.release(event);
      };

      for (const [row, step] of all.entries()) {
        switch (step.kind) {
          case 'add': {
            const { customId, bytes, isTimely } = step;
            arrived.set(customId, [...(arrived.get(customId) ?? []), { row, bytes, isTimely }]);
            add(batcher, customId, row, 'x'.repeat(bytes), isTimely);
            break;
          }
          case 'take':
            take(step.maxUpdates, step.maxBytes);
            break;
          case 'settle':
            settle([...inFlight.values()][step.which % Math.max(1, inFlight.size)]);
            break;
          case 'drop':
            drop(step.divisor);
            break;
        }
        const left = [...arrived.values()].flat();
        expect(batcher.waitingItems).toBe(left.length);
        const fewest = [...arrived.values()].map((events) => Math.ceil(events.length / eventsPerUpdate));
        expect(batcher.waitingUpdates).toBe(fewest.reduce((sum, updates) => sum + updates, 0));
      }
      // Nothing is forgotten.
      for (;;) {
        for (const update of inFlight.values()) settle(update);
        if (take(5, NO_LIMIT) === 0) break;
      }
      expect([...arrived.values()].flat()).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test('never puts events that Batch may refuse for their time in an update with others, and keeps the order', () => {
  const batcher = new UpdateBatcher(arena, limitsOf(3));
  for (const [row, isTimely] of [true, false, false, false, false, true, true].entries()) {
    add(batcher, 'u1', row, '{}', isTimely);
  }
  const updates: number[][] = [];
  while (batcher.readyUpdates > 0) {
    const taken = batcher.take(10, 1000);
    updates.push(...taken.map(rowsOf));
    for (const update of taken) batcher.release(update);
  }
  expect(updates).toEqual([[0], [1, 2, 3], [4], [5, 6]]);
});
