import type { RejectionCode } from '../codes.ts';

/** How many rows of a stream were accepted by Batch, and how many were rejected with a reason. */
export type Counts = { accepted: number; rejected: number };

/**
 * The rows of one stream between two states. A row is settled on the entry that it was admitted to; `segment` counts the
 * states before it.
 */
export type TrackedRows = Counts & { segment: number; pending: number; codes: Map<RejectionCode, number> | undefined };

/** How many rows are settled, and how many of them were rejected, by code. */
export type Tally = { rows: number; rejected: ReadonlyMap<RejectionCode, number> };

/**
 * A state that has become true: every row before it is settled. `counts` are those since the last one of its kind,
 * `before` that of all rows before it in this run, of every stream: the same however the answers of Batch come in. The rows before it stand on
 * entries of its `segment` or an earlier one.
 */
export type ResolvedState = { state: string; counts: Counts; before: Tally; segment: number };

type Segment = {
  number: number;
  entries: Map<string, TrackedRows>;
  state: string | undefined;
  stream: string | undefined;
};

/**
 * Knows which states are true. Rows and states are entered in the order in which they arrive; rows are settled in any
 * order; states come out in the order in which they came in, each when all rows before it are settled.
 */
export class CheckpointTracker {
  readonly #closed: Segment[] = [];
  #open: Segment = createSegment(0);
  readonly #sinceState = new Map<string, Counts>();
  #rows = 0;
  #rejected: ReadonlyMap<RejectionCode, number> = new Map();

  /** Enters a row of a stream, given by its key; settle it on the entry that this gives. */
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

  /** Enters a state, of a stream, given by its key, or (undefined) of all streams. */
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

  /** Takes out the states that have become true, in order. */
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
    // A new one, for the states that came out hold the old one.
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
