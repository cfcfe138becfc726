import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Update, UpdateBatcher, type WaitingEvent } from './batcher.ts';

type RowEvent = WaitingEvent & { row: number };

const NO_LIMIT = Number.POSITIVE_INFINITY;

const event = (row: number, bytes = 10): RowEvent => ({
  json: `{"name":"e${row}"}`,
  bytes,
  isTimely: true,
  row,
});

/** Adds events to profiles, numbered in the order in which they come. */
function batcherOf(customIds: readonly string[], eventsPerUpdate = 15): UpdateBatcher<RowEvent> {
  const batcher = new UpdateBatcher<RowEvent>(eventsPerUpdate);
  for (const [row, customId] of customIds.entries()) batcher.add(customId, event(row));
  return batcher;
}

const shown = (updates: readonly Update<RowEvent>[]): string[] =>
  updates.map(({ customId, events }) => `${customId}: ${events.map(({ row }) => row).join(' ')}`);

test('batches the events of a profile in order, and profiles in the order of their first event', () => {
  const batcher = batcherOf(['b', 'a', 'b', 'c', 'a', 'b']);
  expect([batcher.events, batcher.bytes, batcher.readyUpdates]).toEqual([6, 60, 3]);
  expect(shown(batcher.take(200, NO_LIMIT))).toEqual(['b: 0 2 5', 'a: 1 4', 'c: 3']);
  expect([batcher.events, batcher.bytes, batcher.readyUpdates]).toEqual([0, 0, 0]);
});

test('returns an event as it was added', () => {
  const batcher = new UpdateBatcher<WaitingEvent & { row: object }>(15);
  const given = { json: '{"name":"e"}', bytes: 12, isTimely: true, row: {} };
  batcher.add('a', given);
  expect(batcher.take(1, NO_LIMIT)[0]?.events[0]).toBe(given);
});

test('returns no updates when no events wait', () => {
  expect(batcherOf([]).take(200, NO_LIMIT)).toEqual([]);
});

test('takes at most the requested number of updates, and the others stay first', () => {
  const batcher = batcherOf(['a', 'b', 'c']);
  expect(shown(batcher.take(2, NO_LIMIT))).toEqual(['a: 0', 'b: 1']);
  expect(batcher.readyUpdates).toBe(1);
  batcher.add('d', event(3));
  expect(shown(batcher.take(2, NO_LIMIT))).toEqual(['c: 2', 'd: 3']);
});

test('puts at most fifteen events in an update; the next wait until it is settled', () => {
  const batcher = batcherOf(Array(32).fill('a'));
  const sizes: number[] = [];
  while (batcher.events > 0) {
    const [update] = batcher.take(200, NO_LIMIT);
    sizes.push(update?.events.length ?? 0);
    expect([batcher.readyUpdates, batcher.take(200, NO_LIMIT)]).toEqual([0, []]);
    batcher.release('a');
  }
  expect(sizes).toEqual([15, 15, 2]);
});

test('holds back the events of a profile that is in flight, and not those of others', () => {
  const batcher = batcherOf(['a']);
  batcher.take(200, NO_LIMIT);
  batcher.add('a', event(1));
  batcher.add('b', event(2));
  expect([batcher.events, batcher.readyUpdates]).toEqual([2, 1]);
  expect(shown(batcher.take(200, NO_LIMIT))).toEqual(['b: 2']);
  batcher.release('a');
  expect(shown(batcher.take(200, NO_LIMIT))).toEqual(['a: 1']);
});

test('accepts new events of a profile whose update is settled', () => {
  const batcher = batcherOf(['a']);
  batcher.take(1, NO_LIMIT);
  batcher.release('a');
  batcher.add('a', event(1));
  expect(shown(batcher.take(1, NO_LIMIT))).toEqual(['a: 1']);
});

test('drops events as if they had not been added', () => {
  const batcher = batcherOf(['a', 'b', 'a', 'c', 'b', ...Array<string>(20).fill('d')]);
  batcher.take(1, NO_LIMIT);
  batcher.add('a', event(25));
  batcher.drop(({ row }) => row === 1 || row === 4 || row >= 10);
  expect([batcher.events, batcher.bytes, batcher.updates, batcher.readyUpdates]).toEqual([6, 60, 2, 2]);
  expect(shown(batcher.take(200, NO_LIMIT))).toEqual(['c: 3', 'd: 5 6 7 8 9']);
  batcher.release('a');
  expect([batcher.events, batcher.updates, batcher.readyUpdates]).toEqual([0, 0, 0]);
  batcher.add('b', event(26));
  expect(shown(batcher.take(200, NO_LIMIT))).toEqual(['b: 26']);
});

test('ignores the release of an unknown profile', () => {
  const batcher = batcherOf(['a']);
  batcher.release('b');
  expect([batcher.events, batcher.readyUpdates]).toEqual([1, 1]);
});

/** The update as it stands in the body of a request, with its comma. */
const bytesOf = ({ customId, events }: Update<RowEvent>): number =>
  Buffer.byteLength(
    `{"identifiers":{"custom_id":${JSON.stringify(customId)}},"events":[${events.map(({ json }) => json).join()}]},`,
  );

describe('the bytes of the updates taken', () => {
  const heavy = (row: number, bytes: number): RowEvent => ({
    json: 'x'.repeat(bytes),
    bytes,
    isTimely: true,
    row,
  });

  test('are at most the maximum', () => {
    const batcher = new UpdateBatcher<RowEvent>(15);
    for (const [row, customId] of ['a', 'b', 'c'].entries()) batcher.add(customId, heavy(row, 1_000));
    expect(shown(batcher.take(200, 2_500))).toEqual(['a: 0', 'b: 1']);
    expect([batcher.events, batcher.bytes, batcher.readyUpdates]).toEqual([1, 1_000, 1]);
  });

  test('may exceed the maximum for one update, which could never be sent otherwise', () => {
    const batcher = new UpdateBatcher<RowEvent>(15);
    for (const [row, customId] of ['a', 'a', 'b'].entries()) batcher.add(customId, heavy(row, 1_000));
    expect(shown(batcher.take(200, 500))).toEqual(['a: 0 1']);
    expect(shown(batcher.take(200, 500))).toEqual(['b: 2']);
  });

  test.each([
    ['letters of one byte', 'x'],
    ['letters of three bytes', '日'],
    ['quotes, which JSON escapes', '"'],
  ])('include the identifiers: %s', (_, letter) => {
    const batcher = new UpdateBatcher<RowEvent>(15);
    for (let row = 0; row < 100; row += 1) batcher.add(`${letter.repeat(300)}${row}`, event(row));
    const bytes = batcher.take(200, 20_000).reduce((sum, update) => sum + bytesOf(update), 0);
    expect(bytes).toBeLessThanOrEqual(20_000);
    // And the room is used.
    expect(bytes).toBeGreaterThan(18_000);
  });
});

type Step =
  | { kind: 'add'; customId: string; bytes: number; isTimely: boolean }
  | { kind: 'take'; maxUpdates: number; maxBytes: number }
  | { kind: 'settle'; which: number };

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
  ),
  { maxLength: 150 },
);

test('I5, I8: keeps the order of a profile, never has two updates of it in flight, and wastes no update', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 4 }), (all, eventsPerUpdate) => {
      const batcher = new UpdateBatcher<RowEvent>(eventsPerUpdate);
      const arrived = new Map<string, { row: number; bytes: number; isTimely: boolean }[]>();
      const inFlight = new Set<string>();

      const take = (maxUpdates: number, maxBytes: number): number => {
        const ready = [...arrived].filter(([customId, events]) => events.length > 0 && !inFlight.has(customId));
        expect(batcher.readyUpdates).toBe(ready.length);
        const updates = batcher.take(maxUpdates, maxBytes);
        expect(updates.length).toBeGreaterThanOrEqual(Math.min(1, ready.length));
        expect(updates.length).toBeLessThanOrEqual(maxUpdates);
        if (maxBytes === NO_LIMIT) expect(updates).toHaveLength(Math.min(maxUpdates, ready.length));
        if (updates.length > 1) {
          expect(updates.reduce((sum, update) => sum + bytesOf(update), 0)).toBeLessThanOrEqual(maxBytes);
        }
        for (const { customId, events } of updates) {
          expect(inFlight.has(customId)).toBe(false);
          inFlight.add(customId);
          // The oldest of the profile, in order, and as many as may share an update: so there can't be fewer updates.
          const all = arrived.get(customId) ?? [];
          const end = all.findIndex(({ isTimely }) => isTimely !== all[0]?.isTimely);
          const oldest = all.splice(0, Math.min(eventsPerUpdate, end === -1 ? all.length : end));
          expect(events.map(({ row }) => row)).toEqual(oldest.map(({ row }) => row));
        }
        return updates.length;
      };
      const settle = (customId: string | undefined): void => {
        if (customId === undefined) return;
        inFlight.delete(customId);
        batcher.release(customId);
      };

      for (const [row, step] of all.entries()) {
        switch (step.kind) {
          case 'add': {
            const { customId, bytes, isTimely } = step;
            arrived.set(customId, [...(arrived.get(customId) ?? []), { row, bytes, isTimely }]);
            batcher.add(customId, { json: 'x'.repeat(bytes), bytes, isTimely, row });
            break;
          }
          case 'take':
            take(step.maxUpdates, step.maxBytes);
            break;
          case 'settle':
            settle([...inFlight][step.which % Math.max(1, inFlight.size)]);
            break;
        }
        const left = [...arrived.values()].flat();
        expect([batcher.events, batcher.bytes]).toEqual([left.length, left.reduce((sum, { bytes }) => sum + bytes, 0)]);
        const fewest = [...arrived.values()].map((events) => Math.ceil(events.length / eventsPerUpdate));
        expect(batcher.updates).toBe(fewest.reduce((sum, updates) => sum + updates, 0));
      }
      // Nothing is forgotten.
      for (;;) {
        for (const customId of inFlight) settle(customId);
        if (take(5, NO_LIMIT) === 0) break;
      }
      expect([...arrived.values()].flat()).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test('never puts events that Batch may refuse for their time in an update with others, and keeps the order', () => {
  const batcher = new UpdateBatcher<RowEvent>(3);
  for (const [row, isTimely] of [true, false, false, false, false, true, true].entries()) {
    batcher.add('u1', { json: '{}', bytes: 2, isTimely, row });
  }
  const updates: number[][] = [];
  while (batcher.readyUpdates > 0) {
    updates.push(...batcher.take(10, 1000).map(({ events }) => events.map(({ row }) => row)));
    batcher.release('u1');
  }
  expect(updates).toEqual([[0], [1, 2, 3], [4], [5, 6]]);
});
