import type { PartialError } from './answers.ts';
import { LastEntries } from './last-entries.ts';
import type { RejectedUpdate } from './rejected-updates.ts';
import { type RejectionReason, RejectionReasons } from './rejection-reasons.ts';
import type { RequestEntry } from './request-log.ts';

export type RejectedEntry = RejectedUpdate & {
  /** Number in the order of arrival, from 0. */
  readonly seq: number;
  /** RFC 3339, the time of its request. */
  readonly time: string;
  /** The `seq` of its request. */
  readonly request: number;
};

/** How many partial errors are kept; older ones are only counted. */
export const REJECTED_KEPT = 1_000;

/** The last partial errors, one entry each, including those that dropped only an attribute or an event. */
export class RejectedLog {
  readonly #last = new LastEntries<RejectedEntry>(REJECTED_KEPT);
  readonly #reasons = new RejectionReasons();
  #count = 0;

  /** @param errors all partial errors of an answer. @param rejected the last of them, with their updates. */
  add(
    errors: readonly PartialError[],
    rejected: readonly RejectedUpdate[],
    { seq, time }: Pick<RequestEntry, 'seq' | 'time'>,
  ): void {
    const entries = rejected.map((update, index) => ({ seq: this.#count + index, time, request: seq, ...update }));
    for (const entry of entries) this.#last.add(entry);
    this.#count += entries.length;
    this.#reasons.add(errors, entries, time);
  }

  /** The last entries, oldest first. */
  last(limit: number): readonly RejectedEntry[] {
    return this.#last.last(limit);
  }

  /** The most frequent reasons, with the highest count first. */
  reasons(limit: number): readonly RejectionReason[] {
    return this.#reasons.list(limit);
  }

  clear(): void {
    this.#last.clear();
    this.#reasons.clear();
    this.#count = 0;
  }
}
