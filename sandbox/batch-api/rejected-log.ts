import { LastEntries } from './last-entries.ts';
import type { RejectedUpdate } from './rejected-updates.ts';
import type { RequestEntry } from './request-log.ts';

export type RejectedEntry = RejectedUpdate & {
  /** Number in the order of arrival, from 0. */
  readonly seq: number;
  /** RFC 3339, the time of its request. */
  readonly time: string;
  /** The `seq` of its request. */
  readonly request: number;
};

/** How many partial errors are kept; older ones are only in the stats. */
export const REJECTED_KEPT = 1_000;

/** The last partial errors, one entry each, including those that dropped only an attribute or an event. */
export class RejectedLog {
  readonly #last = new LastEntries<RejectedEntry>(REJECTED_KEPT);
  #count = 0;

  add(rejected: readonly RejectedUpdate[], { seq, time }: Pick<RequestEntry, 'seq' | 'time'>): void {
    for (const update of rejected) {
      this.#last.add({ seq: this.#count, time, request: seq, ...update });
      this.#count += 1;
    }
  }

  /** The last entries, oldest first. */
  last(limit: number): readonly RejectedEntry[] {
    return this.#last.last(limit);
  }

  clear(): void {
    this.#last.clear();
    this.#count = 0;
  }
}
