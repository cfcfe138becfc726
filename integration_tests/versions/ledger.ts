import type { TestContext } from 'vitest';
import type { Finished } from '../../sandbox/launcher.ts';

/** How many rows a test expected, how many were missing, and how many were read too often. */
export type Ledger = { rows: number; lost: number; duplicated: number };

declare module 'vitest' {
  interface TaskMeta {
    /** What the runner of the versions prints about a test. */
    ledger?: Ledger;
  }
}

/** Compares the rows that were read with the rows in the table, over all reads of a test. */
export class RowCount {
  readonly #total: Ledger = { rows: 0, lost: 0, duplicated: 0 };

  /** The total is kept in the test's meta, whether the test passes or not. */
  constructor(test: TestContext) {
    test.task.meta.ledger = this.#total;
  }

  /** Each number must have been read exactly once. */
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
