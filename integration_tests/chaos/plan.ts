import fc from 'fast-check';
import { type Fault, fault } from './faults.ts';
import { type TablePlan, tablePlan } from './table.ts';
import { type WritePlan, writePlan } from './writers.ts';

/** A run of the two connectors: its faults, and the INSERTs during it. */
export type RunPlan = { faults: readonly Fault[]; writes: readonly WritePlan[] };

/** How the destination is configured. */
type DestinationPlan = {
  endpoint: 'update' | 'mass_update';
  eventsPerUpdate: number;
  flushSeconds: number;
};

/** Everything that a round does, as plain data. It is drawn before the round begins. The same seed draws the same plan. */
export type Plan = {
  seed: number;
  table: TablePlan;
  destination: DestinationPlan;
  /** Numbers of the rows that Batch always refuses. */
  poison: readonly number[];
  runs: readonly RunPlan[];
};

const destination: fc.Arbitrary<DestinationPlan> = fc.record({
  endpoint: fc.constantFrom<DestinationPlan['endpoint']>('update', 'mass_update'),
  eventsPerUpdate: fc.constantFrom(2, 15),
  flushSeconds: fc.constantFrom(0.02, 0.1),
});

const plan = tablePlan.chain((table) =>
  fc.record({
    table: fc.constant(table),
    destination,
    poison: fc.uniqueArray(fc.nat(table.rows - 1), { maxLength: 2 }),
    runs: fc.array(
      fc.record({
        faults: fc.array(fault(table.rows), { minLength: 1, maxLength: 3 }),
        writes: fc.array(writePlan(table), { maxLength: 3 }),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  }),
);

/** Draws the plan of a round. */
export function drawPlan(seed: number): Plan {
  const [drawn] = fc.sample(fc.noBias(plan), { seed, numRuns: 1 });
  if (drawn === undefined) throw new Error('fast-check drew nothing.');
  let next = drawn.table.rows;
  const runs = drawn.runs.map(({ faults, writes }) => ({
    faults,
    writes: writes.map((write) => {
      const from = next;
      next += write.count;
      return { ...write, from };
    }),
  }));
  // The objects of fast-check have no prototype, which `inspect` would print for each of them.
  return structuredClone({ seed, ...drawn, runs });
}
