import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fault } from './faults.ts';
import { type Lab, openLab } from './lab.ts';
import { drawPlan, type Plan } from './plan.ts';
import { describeFailure } from './report.ts';
import { performRound } from './round.ts';

/** A short run of `npm run chaos`. See integration_tests/chaos/README.md. */
const SEEDS = [
  // A hang, a cut connection and a partial error of Batch, and SIGTERM to the source.
  12,
  // SIGTERM to the destination while requests fail.
  25,
  // SIGKILL to the destination.
  75,
  // The destination's output is a file on a full disk.
  20261154,
];

let lab: Lab;

beforeAll(async () => {
  lab = await openLab();
});

afterAll(() => lab.close());

test.each(SEEDS)(
  'I1 to I4: every row is accounted for while processes are killed and connections fail: seed %i',
  async (seed) => {
    const plan = drawPlan(seed);
    const result = await performRound(lab, plan);
    expect(result.complaints, describeFailure(plan, result)).toEqual([]);
  },
);

/**
 * A round in which the destination is killed after several states, before it sends a row. It sends nothing so early, because no
 * update is full: each of the seven profiles has fewer than 15 events.
 */
function killedBeforeItSends(): Plan {
  const killed: Fault = { kind: 'signal', signal: 'SIGKILL', to: ['destination'], at: { after: 'rows', count: 90 } };
  return {
    seed: 0,
    table: {
      rows: 100,
      profiles: 7,
      cursor: 'DateTime64(6)',
      stamps: 'each_its_own',
      isSortedByCursor: true,
      paddingBytes: 40_000,
      badEvery: null,
      lookbackSeconds: 60,
    },
    destination: { endpoint: 'update', eventsPerUpdate: 15, flushSeconds: 900 },
    poison: [],
    runs: [{ faults: [killed], writes: [] }],
  };
}

test('the ledger detects a platform that passes on states that were not echoed', async () => {
  const { complaints } = await performRound(lab, killedBeforeItSends(), { isHasty: true });
  expect(complaints).toEqual([
    expect.stringMatching(/^Run 2: Rows were lost: neither accepted nor stored as rejected \(\d+ rows\): row-000000, /),
  ]);
});

test('draws the same plan for the same seed, and a different plan for another seed', () => {
  expect(drawPlan(7)).toEqual(drawPlan(7));
  expect(drawPlan(7).table).not.toEqual(drawPlan(8).table);
});
