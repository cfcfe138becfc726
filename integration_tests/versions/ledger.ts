import type { TestContext } from 'vitest';
import type { Finished } from '../../sandbox/launcher.ts';

/** How often the rows of a test had to come, how many did not, and how many came too often. */
export type Ledger = { rows: number; lost: number; duplicated: number };

declare module 'vitest' {
  interface TaskMeta {
    /** What the runner of the versions prints of a test. */
    ledger?: Ledger;
  }
}

/** Counts what came against what is there, over all reads of a test. */
export class RowCount {
  readonly #total: Ledger = { rows: 0, lost: 0, duplicated: 0 };

  /** The total is kept in the test's meta, whether the test passes or not. */
  constructor(test: TestContext) {
    test.task.meta.ledger = this.#total;
  }

  /** Each number must have come exactly once. */
  add(expected: Iterable<number>, came: readonly number[]): void {
    const missing = new Set(expected);
    this.#total.rows += missing.size;
    for (const n of came) if (!missing.delete(n)) this.#total.duplicated += 1;
    this.#total.lost += missing.size;
  }

  get total(): Ledger {
    return this.#total;
  }
}

/** The states of a read, each with the numbers of the rows before it. */
export function statesWithin({ messages }: Finished): { before: number[]; state: unknown }[] {
  const before: number[] = [];
  return messages.flatMap(({ record, state }) => {
    if (record !== undefined) before.push(Number(record.data.n));
    return state === undefined ? [] : [{ before: [...before], state }];
  });
}
