import { LastEntries } from './last-entries.ts';
import type { RejectedUpdate } from './rejected-updates.ts';
import type { RequestEntry } from './request-log.ts';

export type RejectedEntry = RejectedUpdate & {
  /** Place in the order of those that were remembered, from 0. */
  readonly seq: number;
  /** RFC 3339, that of its request. */
  readonly time: string;
  /** The `seq` of its request. */
  readonly request: number;
};

/** Partial errors remembered; older ones are only counted, by the stats. */
export const REJECTED_KEPT = 1_000;

/** The last partial errors, an entry each: those, too, that cost an update only an attribute or an event. */
export class RejectedLog {
  readonly #last = new LastEntries<RejectedEntry>(REJECTED_KEPT);
  #count = 0;

  add(rejected: readonly RejectedUpdate[], { seq, time }: Pick<RequestEntry, 'seq' | 'time'>): void {
    for (const update of rejected) {
      this.#last.add({ seq: this.#count, time, request: seq, ...update });
      this.#count += 1;
    }
  }

  /** The last ones, oldest first. */
  last(limit: number): readonly RejectedEntry[] {
    return this.#last.last(limit);
  }

  clear(): void {
    this.#last.clear();
    this.#count = 0;
  }
}
