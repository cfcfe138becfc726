import type { PartialError } from './answers.ts';
import { LastEntries } from './last-entries.ts';
import type { RejectedEntry } from './rejected-log.ts';

/** Equal rejections, whatever their profile, the place of their event and their length. */
export type RejectionReason = {
  readonly category: string;
  /** Without the index of an item: `items[].name`. */
  readonly attribute?: string;
  readonly reason: string;
  readonly count: number;
  /** RFC 3339, the time of the last one. */
  readonly last_time: string;
  /** The last ones with their updates, oldest first. */
  readonly examples: readonly RejectedEntry[];
};

/** How many reasons are kept; further ones are only in the stats. */
export const REASONS_KEPT = 100;

/** How many examples of each reason are kept. */
const EXAMPLES_KEPT = 5;

type Counted = {
  readonly error: Pick<PartialError, 'category' | 'attribute' | 'reason'>;
  count: number;
  lastTime: string;
  readonly examples: LastEntries<RejectedEntry>;
};

/** Counts the partial errors by reason. */
export class RejectionReasons {
  readonly #reasons = new Map<string, Counted>();

  /** @param errors all partial errors of an answer. @param entries the last of them, with their updates. */
  add(errors: readonly PartialError[], entries: readonly RejectedEntry[], time: string): void {
    for (const error of errors) {
      const counted = this.#find(error);
      if (counted === undefined) continue;
      counted.count += 1;
      counted.lastTime = time;
    }
    for (const entry of entries) this.#find(entry)?.examples.add(entry);
  }

  /** The most frequent ones, with the highest count first. */
  list(limit: number): readonly RejectionReason[] {
    return [...this.#reasons.values()]
      .toSorted((a, b) => b.count - a.count)
      .slice(0, limit)
      .map(({ count, error, examples, lastTime }) => {
        return { ...error, count, last_time: lastTime, examples: examples.last(EXAMPLES_KEPT) };
      });
  }

  clear(): void {
    this.#reasons.clear();
  }

  /** Finds a reason, or adds it as long as there are not too many. */
  #find({ attribute, category, reason }: PartialError): Counted | undefined {
    const error = {
      category,
      ...(attribute !== undefined && { attribute: attribute.replaceAll(/\[\d+\]/g, '[]') }),
      reason: withoutPlace(reason),
    };
    const key = JSON.stringify(error);
    const known = this.#reasons.get(key);
    if (known !== undefined || this.#reasons.size === REASONS_KEPT) return known;
    const added = { error, count: 0, lastTime: '', examples: new LastEntries<RejectedEntry>(EXAMPLES_KEPT) };
    this.#reasons.set(key, added);
    return added;
  }
}

/** Removes the index of the event and the measured length: `more than 300 characters` instead of `301 characters, at most 300`. */
function withoutPlace(reason: string): string {
  return reason
    .replace(/^events\[\d+\]: /, '')
    .replace(/ \(in events\[\d+\]\)$/, '')
    .replace(/\d+ (.+), at most (\d+) are allowed$/, 'more than $2 $1');
}
