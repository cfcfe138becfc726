import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RejectionCode } from '../codes.ts';
import { CheckpointTracker, type Counts, type ResolvedState, type RowGroup } from './checkpoints.ts';

function settle(tracker: CheckpointTracker, group: RowGroup, outcome: keyof Counts): void {
  if (outcome === 'accepted') tracker.accept(group);
  else tracker.reject(group, 'event_too_large');
}

/** The states that have become true, without the tally of all rows before them. */
function taken(tracker: CheckpointTracker): { state: string; counts: Counts }[] {
  return tracker.takeResolved().map(({ state, counts }) => ({ state, counts }));
}

test('I2: releases a state once every row before it is settled, with their counts', () => {
  const tracker = new CheckpointTracker();
  const groups = [tracker.addRow('s'), tracker.addRow('s'), tracker.addRow('s')];
  tracker.addState('state 1', 's');
  for (const [index, group] of groups.entries()) {
    expect(taken(tracker)).toEqual([]);
    settle(tracker, group, index === 1 ? 'rejected' : 'accepted');
  }
  expect(taken(tracker)).toEqual([{ state: 'state 1', counts: { accepted: 2, rejected: 1 } }]);
  expect(taken(tracker)).toEqual([]);
});

test('a row after a state does not hold it back', () => {
  const tracker = new CheckpointTracker();
  settle(tracker, tracker.addRow('s'), 'accepted');
  tracker.addState('state 1', 's');
  tracker.addRow('s');
  expect(taken(tracker)).toEqual([{ state: 'state 1', counts: { accepted: 1, rejected: 0 } }]);
});

test('a state whose rows are settled waits for the one before it', () => {
  const tracker = new CheckpointTracker();
  const early = tracker.addRow('s');
  tracker.addState('state 1', 's');
  const late = tracker.addRow('s');
  tracker.addState('state 2', 's');
  settle(tracker, late, 'accepted');
  expect(taken(tracker)).toEqual([]);
  settle(tracker, early, 'rejected');
  expect(taken(tracker)).toEqual([
    { state: 'state 1', counts: { accepted: 0, rejected: 1 } },
    { state: 'state 2', counts: { accepted: 1, rejected: 0 } },
  ]);
});

test('releases a state without rows at once, and counts nothing', () => {
  const tracker = new CheckpointTracker();
  tracker.addState('state 1', 's');
  tracker.addState('state 2', undefined);
  expect(taken(tracker)).toEqual([
    { state: 'state 1', counts: { accepted: 0, rejected: 0 } },
    { state: 'state 2', counts: { accepted: 0, rejected: 0 } },
  ]);
});

test('a state of a stream counts the rows of that stream, but waits for those of all', () => {
  const tracker = new CheckpointTracker();
  const [a, b] = [tracker.addRow('a'), tracker.addRow('b')];
  tracker.addState('of a', 'a');
  settle(tracker, a, 'accepted');
  expect(taken(tracker)).toEqual([]);
  settle(tracker, b, 'accepted');
  expect(taken(tracker)).toEqual([{ state: 'of a', counts: { accepted: 1, rejected: 0 } }]);
  settle(tracker, tracker.addRow('b'), 'rejected');
  tracker.addState('of b', 'b');
  expect(taken(tracker)).toEqual([{ state: 'of b', counts: { accepted: 1, rejected: 1 } }]);
});

test('a state of all streams counts the rows that no state has counted', () => {
  const tracker = new CheckpointTracker();
  settle(tracker, tracker.addRow('a'), 'accepted');
  settle(tracker, tracker.addRow('b'), 'accepted');
  tracker.addState('of a', 'a');
  settle(tracker, tracker.addRow('c'), 'rejected');
  tracker.addState('of all', undefined);
  tracker.addState('of b', 'b');
  expect(taken(tracker).map(({ counts }) => counts)).toEqual([
    { accepted: 1, rejected: 0 },
    { accepted: 1, rejected: 1 },
    { accepted: 0, rejected: 0 },
  ]);
});

test('knows the rows of the streams without states', () => {
  const tracker = new CheckpointTracker();
  tracker.addRow('a');
  tracker.addRow('b');
  tracker.addState('of a', 'a');
  tracker.addRow('a');
  expect(tracker.withoutStates).toEqual([{ key: 'b', segment: 1 }]);
  tracker.addState('of all', undefined);
  tracker.addRow('c');
  expect(tracker.withoutStates).toEqual([]);
});

test('is at a checkpoint when no row was added since the last state, settled or not', () => {
  const tracker = new CheckpointTracker();
  expect(tracker.isAtCheckpoint).toBe(true);
  const group = tracker.addRow('s');
  expect(tracker.isAtCheckpoint).toBe(false);
  settle(tracker, group, 'accepted');
  expect(tracker.isAtCheckpoint).toBe(false);
  tracker.addState('state 1', 's');
  expect(tracker.isAtCheckpoint).toBe(true);
  tracker.takeResolved();
  expect(tracker.isAtCheckpoint).toBe(true);
});

test('a state has the number of rows of all streams before it in the run, and of rejected ones by code', () => {
  const tracker = new CheckpointTracker();
  const [a, b] = [tracker.addRow('a'), tracker.addRow('b')];
  tracker.addState('state 1', 'a');
  const late = tracker.addRow('a');
  tracker.addState('state 2', 'a');
  tracker.reject(late, 'custom_id_missing');
  tracker.reject(b, 'refused_by_batch');
  tracker.accept(a);
  expect(tracker.takeResolved().map(({ before }) => before)).toEqual([
    { rows: 2, rejected: new Map([['refused_by_batch', 1]]) },
    {
      rows: 3,
      rejected: new Map([
        ['refused_by_batch', 1],
        ['custom_id_missing', 1],
      ]),
    },
  ]);
});

type Step =
  | { kind: 'row'; stream: string }
  | { kind: 'settle'; which: number; outcome: keyof Counts }
  | { kind: 'state'; stream: string | undefined }
  | { kind: 'take' };

const streams = fc.constantFrom('a', 'b', 'c');
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('row' as const), stream: streams }) },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('settle' as const),
        which: fc.nat(),
        outcome: fc.constantFrom<keyof Counts>('accepted', 'rejected'),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('state' as const),
        stream: fc.option(streams, { nil: undefined }),
      }),
    },
    { weight: 3, arbitrary: fc.constant<Step>({ kind: 'take' }) },
  ),
  { maxLength: 80 },
);

/** A tracker that is simple and slow: it keeps everything that it receives in one list. */
class Model {
  readonly arrived: (
    | { kind: 'row'; stream: string; group: RowGroup; outcome: keyof Counts | undefined; counted: boolean }
    | { kind: 'state'; state: string; stream: string | undefined; taken: boolean }
  )[] = [];

  get openRows() {
    return this.arrived.filter((each) => each.kind === 'row').filter((row) => row.outcome === undefined);
  }

  takeResolved(): ResolvedState[] {
    const taken: ResolvedState[] = [];
    for (const [place, each] of this.arrived.entries()) {
      if (each.kind === 'row' && each.outcome === undefined) break;
      if (each.kind === 'row' || each.taken) continue;
      each.taken = true;
      const counts = { accepted: 0, rejected: 0 };
      for (const row of this.arrived.slice(0, place)) {
        if (row.kind !== 'row' || row.counted || row.outcome === undefined) continue;
        if (each.stream !== undefined && each.stream !== row.stream) continue;
        row.counted = true;
        counts[row.outcome] += 1;
      }
      const segment = this.arrived.slice(0, place).filter((other) => other.kind === 'state').length;
      const covers = { key: each.stream, segment };
      const settled = this.arrived.slice(0, place).filter((row) => row.kind === 'row');
      const refused = settled.filter((row) => row.outcome === 'rejected').length;
      const rejected = new Map<RejectionCode, number>(refused === 0 ? [] : [['event_too_large', refused]]);
      taken.push({ state: each.state, counts, before: { rows: settled.length, rejected }, covers });
    }
    return taken;
  }
}

test('I1, I2: releases states in order, and counts each row once, in whatever order rows are settled', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const tracker = new CheckpointTracker();
      const model = new Model();
      // At the end, everything is settled and released, so no state is left.
      const ending: Step[] = [
        { kind: 'state', stream: undefined },
        ...all.map((): Step => ({ kind: 'settle', which: 0, outcome: 'accepted' })),
        { kind: 'take' },
      ];
      for (const [number, step] of [...all, ...ending].entries()) {
        switch (step.kind) {
          case 'row':
            model.arrived.push({
              kind: 'row',
              stream: step.stream,
              group: tracker.addRow(step.stream),
              outcome: undefined,
              counted: false,
            });
            break;
          case 'settle': {
            const open = model.openRows;
            const row = open[step.which % Math.max(1, open.length)];
            if (row === undefined) break;
            row.outcome = step.outcome;
            settle(tracker, row.group, step.outcome);
            break;
          }
          case 'state':
            model.arrived.push({ kind: 'state', state: String(number), stream: step.stream, taken: false });
            tracker.addState(String(number), step.stream);
            break;
          case 'take':
            expect(tracker.takeResolved()).toEqual(model.takeResolved());
            break;
        }
        expect(tracker.isAtCheckpoint).toBe(model.arrived.at(-1)?.kind !== 'row');
      }
      expect(model.arrived.every((each) => (each.kind === 'row' ? each.counted : each.taken))).toBe(true);
    }),
    { numRuns: 500 },
  );
});
