import type { RejectionCode } from '../codes.ts';

/** How many rows of a stream Batch accepted, and how many were rejected. */
export type Counts = { accepted: number; rejected: number };

/**
 * The rows of one stream between two states. A row is settled on the entry that `track` returned for it; `segment` counts
 * the states before it.
 */
export type TrackedRows = Counts & { segment: number; pending: number; codes: Map<RejectionCode, number> | undefined };

/** How many rows are settled, and how many of them were rejected, by code. */
export type Tally = { rows: number; rejected: ReadonlyMap<RejectionCode, number> };

/**
 * A state before which every row is settled. `counts` are the rows since the last state of its stream; `before` counts all
 * rows before it in this run, of every stream, and so doesn't depend on the order of Batch's responses. The rows before it
 * are in entries of its `segment` or an earlier one.
 */
export type ResolvedState = { state: string; counts: Counts; before: Tally; segment: number };

type Segment = {
  number: number;
  entries: Map<string, TrackedRows>;
  state: string | undefined;
  stream: string | undefined;
};

/**
 * Tracks which states may be echoed. Rows and states are added in the order of the input, and rows are settled in any order.
 * States come out in the order of the input, each after all rows before it are settled.
 */
export class CheckpointTracker {
  readonly #closed: Segment[] = [];
  #open: Segment = createSegment(0);
  readonly #sinceState = new Map<string, Counts>();
  #rows = 0;
  #rejected: ReadonlyMap<RejectionCode, number> = new Map();

  /** Adds a row of a stream, given by its key. Settle it on the returned entry. */
  track(stream: string): TrackedRows {
    let entry = this.#open.entries.get(stream);
    if (entry === undefined) {
      entry = { segment: this.#open.number, accepted: 0, rejected: 0, pending: 0, codes: undefined };
      this.#open.entries.set(stream, entry);
    }
    entry.pending += 1;
    return entry;
  }

  accept(entry: TrackedRows): void {
    entry.accepted += 1;
    entry.pending -= 1;
  }

  reject(entry: TrackedRows, code: RejectionCode): void {
    entry.rejected += 1;
    entry.codes ??= new Map();
    entry.codes.set(code, (entry.codes.get(code) ?? 0) + 1);
    entry.pending -= 1;
  }

  /** Adds a state of a stream, given by its key, or of all streams (undefined). */
  checkpoint(state: string, stream: string | undefined): void {
    this.#open.state = state;
    this.#open.stream = stream;
    this.#closed.push(this.#open);
    this.#open = createSegment(this.#open.number + 1);
  }

  /** Whether no row has come in since the last state. */
  get isAtCheckpoint(): boolean {
    return this.#open.entries.size === 0;
  }

  /** Removes and returns the states before which all rows are settled, in order. */
  takeResolved(): ResolvedState[] {
    const states: ResolvedState[] = [];
    for (let first = this.#closed[0]; first !== undefined && isSettled(first); first = this.#closed[0]) {
      this.#closed.shift();
      for (const [stream, entry] of first.entries) {
        addCounts(this.#countsOf(stream), entry);
        this.#addToTally(entry);
      }
      if (first.state !== undefined) {
        const before = { rows: this.#rows, rejected: this.#rejected };
        states.push({ state: first.state, counts: this.#takeCounts(first.stream), before, segment: first.number });
      }
    }
    return states;
  }

  #addToTally({ accepted, rejected, codes }: TrackedRows): void {
    this.#rows += accepted + rejected;
    if (codes === undefined) return;
    // A copy, as returned states refer to the old map.
    const sum = new Map(this.#rejected);
    for (const [code, times] of codes) sum.set(code, (sum.get(code) ?? 0) + times);
    this.#rejected = sum;
  }

  #countsOf(stream: string): Counts {
    const counts = this.#sinceState.get(stream) ?? { accepted: 0, rejected: 0 };
    this.#sinceState.set(stream, counts);
    return counts;
  }

  #takeCounts(stream: string | undefined): Counts {
    const streams = stream === undefined ? [...this.#sinceState.keys()] : [stream];
    const sum = { accepted: 0, rejected: 0 };
    for (const name of streams) {
      addCounts(sum, this.#countsOf(name));
      this.#sinceState.delete(name);
    }
    return sum;
  }
}

function createSegment(number: number): Segment {
  return { number, entries: new Map(), state: undefined, stream: undefined };
}

function isSettled(segment: Segment): boolean {
  for (const entry of segment.entries.values()) if (entry.pending > 0) return false;
  return true;
}

function addCounts(sum: Counts, counts: Counts): void {
  sum.accepted += counts.accepted;
  sum.rejected += counts.rejected;
}
