import type { RejectionCode } from '../codes.ts';
import { increment } from '../counts.ts';
import type { Coverage } from '../rejected/rejected-rows.ts';

/** The number of rows of a stream that Batch accepted, and the number of rows that were rejected. */
export type Counts = { accepted: number; rejected: number };

/**
 * The rows of one stream between two states, and their counts. `addRow` returns this object for a row, and `accept` or `reject`
 * then counts the row in this object as settled.
 */
export type RowGroup = Counts & {
  /** The key of the stream. */
  key: string;
  /** The name of the stream. */
  stream: string;
  /** The number of states before these rows. */
  segment: number;
  /** The number of rows that are not settled yet. */
  pending: number;
  /** The number of rejected rows by code; undefined if there are none. */
  codes: Map<RejectionCode, number> | undefined;
};

/** The number of settled rows and, for each code, the number of rejected rows among them. */
export type Tally = { rows: number; rejected: ReadonlyMap<RejectionCode, number> };

/** A state before which every row is settled. */
export type ResolvedState = {
  state: string;
  /** Counts the rows since the last state of the same stream. */
  counts: Counts;
  /** Counts all rows of all streams before the state in this run. It doesn't depend on the order of Batch's responses. */
  before: Tally;
  covers: Coverage;
};

/** The rows between two states. */
type Segment = { number: number; groups: Map<string, RowGroup> };

/** A segment with the state after it. */
type ClosedSegment = Segment & {
  state: string;
  /** The key of the state's stream; undefined for a state of all streams. */
  key: string | undefined;
};

/**
 * Tracks which states may be echoed. Rows and states are added in the order of the input, but rows are settled in any
 * order. A state is resolved once all rows before it are settled. Resolved states are returned in the order of the
 * input.
 */
export class CheckpointTracker {
  readonly #closed: ClosedSegment[] = [];
  #open: Segment = createSegment(0);
  readonly #sinceState = new Map<string, Counts>();
  /** The keys of all streams with rows. */
  readonly #streams = new Set<string>();
  /** The keys of all streams with states. A state of all streams has the key undefined. */
  readonly #streamsWithState = new Set<string | undefined>();
  #rows = 0;
  #rejected: ReadonlyMap<RejectionCode, number> = new Map();

  /**
   * Adds a row of the stream with this key and this name. To settle the row, pass the returned group to `accept` or
   * `reject`.
   */
  addRow(key: string, stream = key): RowGroup {
    let group = this.#open.groups.get(key);
    if (group === undefined) {
      group = { key, stream, segment: this.#open.number, accepted: 0, rejected: 0, pending: 0, codes: undefined };
      this.#open.groups.set(key, group);
      this.#streams.add(key);
    }
    group.pending += 1;
    return group;
  }

  accept(group: RowGroup): void {
    group.accepted += 1;
    group.pending -= 1;
  }

  reject(group: RowGroup, code: RejectionCode): void {
    group.rejected += 1;
    group.codes ??= new Map();
    increment(group.codes, code);
    group.pending -= 1;
  }

  /** Adds a state. `key` is the key of its stream, or undefined for a state of all streams. */
  addState(state: string, key: string | undefined): void {
    this.#closed.push({ ...this.#open, state, key });
    this.#open = createSegment(this.#open.number + 1);
    this.#streamsWithState.add(key);
  }

  /**
   * The rows of the streams without states. They don't come from a source that continues from a state, but for example from a file.
   */
  get withoutStates(): Coverage[] {
    if (this.#streamsWithState.has(undefined)) return [];
    const keys = [...this.#streams].filter((key) => !this.#streamsWithState.has(key));
    return keys.map((key) => ({ key, segment: this.#open.number }));
  }

  /** Whether no row has been added since the last state. */
  get isAtCheckpoint(): boolean {
    return this.#open.groups.size === 0;
  }

  /** Removes and returns the states before which all rows are settled, in order. */
  takeResolved(): ResolvedState[] {
    const states: ResolvedState[] = [];
    for (let first = this.#closed[0]; first !== undefined && isSettled(first); first = this.#closed[0]) {
      this.#closed.shift();
      for (const [key, group] of first.groups) {
        addCounts(this.#countsOf(key), group);
        this.#addToTally(group);
      }
      const before = { rows: this.#rows, rejected: this.#rejected };
      const covers = { key: first.key, segment: first.number };
      states.push({ state: first.state, counts: this.#takeCounts(first.key), before, covers });
    }
    return states;
  }

  #addToTally({ accepted, rejected, codes }: RowGroup): void {
    this.#rows += accepted + rejected;
    if (codes === undefined) return;
    // Copied, because states that were returned earlier refer to the old map.
    const sum = new Map(this.#rejected);
    for (const [code, times] of codes) sum.set(code, (sum.get(code) ?? 0) + times);
    this.#rejected = sum;
  }

  #countsOf(key: string): Counts {
    const counts = this.#sinceState.get(key) ?? { accepted: 0, rejected: 0 };
    this.#sinceState.set(key, counts);
    return counts;
  }

  #takeCounts(key: string | undefined): Counts {
    const keys = key === undefined ? [...this.#sinceState.keys()] : [key];
    const sum = { accepted: 0, rejected: 0 };
    for (const each of keys) {
      addCounts(sum, this.#countsOf(each));
      this.#sinceState.delete(each);
    }
    return sum;
  }
}

function createSegment(number: number): Segment {
  return { number, groups: new Map() };
}

function isSettled(segment: Segment): boolean {
  for (const group of segment.groups.values()) if (group.pending > 0) return false;
  return true;
}

function addCounts(sum: Counts, counts: Counts): void {
  sum.accepted += counts.accepted;
  sum.rejected += counts.rejected;
}
