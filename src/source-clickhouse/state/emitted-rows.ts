/**
 * The maximum number of rows that a state remembers. At 11 bytes per row, they take 2.75 MB. Platforms store the state after
 * each run, and warn about lines of more than 20 MB (see Airbyte's VersionedAirbyteStreamFactory).
 */
export const MAX_EMITTED_ROWS = 250_000;

/**
 * Emitted rows are grouped into buckets. The name of a row's bucket is this many characters from the start of its cursor: the time
 * up to the second (2026-01-01T00:00:00). A Date is shorter, so the name is the whole Date.
 */
const BUCKET_LENGTH = 19;

/** The size of a row in the state, in bytes: its hash of 64 bits, in base64url without padding. */
export const BYTES_PER_EMITTED_ROW = 11;

/** The minimum number of rows for a warning. With fewer rows, it may be a coincidence that none was found again. */
const MIN_ROWS_TO_JUDGE = 3;

/**
 * Emitted rows as a state stores them: for each bucket, the fingerprints of its rows, joined without a separator. A fingerprint
 * is the row hash in base64url.
 */
export type StoredEmittedRows = Record<string, string>;

/**
 * The emitted rows inside the lookback. The next run reads the lookback again, because new rows may have appeared there, and
 * uses this class to recognise the rows that were already emitted. One instance serves one pass, which reads each row once, in
 * the order of the cursors. Rows that are equal in every column are counted: only as many are recognised as were emitted.
 */
export class EmittedRows {
  /** Rows that earlier runs emitted and that this pass has not read yet: by bucket, how often each fingerprint occurs. */
  readonly #fromEarlierRuns = new Map<string, Map<string, number>>();
  /** The fingerprints of the rows that this pass has recognised or emitted, by bucket. */
  readonly #fromThisPass = new Map<string, string[]>();
  readonly #lookbackStart: string | undefined;
  #size = 0;
  #lastEarlierBucket = '';
  readonly #earlierRows: number;
  readonly #now: string | undefined;
  #stampedInPass = 0;
  /** How many rows of this pass were recognised. */
  #recognized = 0;
  /** How many rows of this pass were not recognised, in the buckets that have rows of earlier runs. */
  #unrecognized = 0;

  /**
   * @param lookbackStart rows with this cursor or a later one are remembered; undefined without a lookback.
   * @param now the time when the pass began, in the form of a cursor; undefined if cursors are not times.
   */
  constructor(stored: StoredEmittedRows | undefined, lookbackStart: string | undefined, now?: string) {
    this.#lookbackStart = lookbackStart;
    this.#now = now;
    for (const [bucket, fingerprints] of Object.entries(stored ?? {})) {
      const counts = new Map<string, number>();
      for (let at = 0; at < fingerprints.length; at += BYTES_PER_EMITTED_ROW) {
        const fingerprint = fingerprints.slice(at, at + BYTES_PER_EMITTED_ROW);
        counts.set(fingerprint, (counts.get(fingerprint) ?? 0) + 1);
        this.#size += 1;
      }
      this.#fromEarlierRuns.set(bucket, counts);
      if (bucket > this.#lastEarlierBucket) this.#lastEarlierBucket = bucket;
    }
    this.#earlierRows = this.#size;
  }

  /**
   * Whether no row of an earlier run was recognised, and at least as many other rows were read in their place. If so, the rows
   * probably change with each read.
   */
  get noneSeenAgain(): boolean {
    return this.#recognized === 0 && this.#earlierRows >= MIN_ROWS_TO_JUDGE && this.#unrecognized >= this.#earlierRows;
  }

  /**
   * Whether at least half of the rows of earlier runs are gone, and at least as many new rows have a timestamp at or after the
   * start of the pass. If so, each read probably gives the rows a new timestamp.
   */
  get areRestamped(): boolean {
    const gone = this.#earlierRows - this.#recognized;
    return gone >= MIN_ROWS_TO_JUDGE && 2 * gone >= this.#earlierRows && this.#stampedInPass >= gone;
  }

  /** The number of remembered rows. */
  get size(): number {
    return this.#size;
  }

  /** Whether rows with cursors from `after` to `upTo` must be examined one by one. @param after null before the first row. */
  mustExamine(after: string | null, upTo: string): boolean {
    const mayHaveBeenEmitted =
      this.#fromEarlierRuns.size > 0 && (after === null || toBucket(after) <= this.#lastEarlierBucket);
    return mayHaveBeenEmitted || this.isInLookback(upTo);
  }

  /** Whether new rows with this cursor may still appear. */
  isInLookback(cursor: string): boolean {
    return this.#lookbackStart !== undefined && cursor >= this.#lookbackStart;
  }

  /** Whether an earlier run emitted this row. Call it once for each row of the pass. */
  recognize(cursor: string, rowHash: string): boolean {
    const bucket = toBucket(cursor);
    const counts = this.#fromEarlierRuns.get(bucket);
    const fingerprint = toFingerprint(rowHash);
    const count = counts?.get(fingerprint) ?? 0;
    if (counts === undefined) return false;
    if (count === 0) {
      this.#unrecognized += 1;
      return false;
    }
    this.#recognized += 1;
    if (count > 1) counts.set(fingerprint, count - 1);
    else counts.delete(fingerprint);
    this.#size -= 1;
    if (this.isInLookback(cursor)) this.#remember(bucket, fingerprint);
    return true;
  }

  /** Remembers a new row, if it is inside the lookback. */
  add(cursor: string, rowHash: string): void {
    if (this.#now !== undefined && cursor >= this.#now) this.#stampedInPass += 1;
    if (this.isInLookback(cursor)) this.#remember(toBucket(cursor), toFingerprint(rowHash));
  }

  /**
   * Returns the remembered rows after a position, for the state.
   *
   * @param upTo the cursor of the position; null before the first row.
   */
  serialize(upTo: string | null): StoredEmittedRows | undefined {
    const rows = new Map<string, string[]>();
    for (const [bucket, counts] of this.#fromEarlierRuns) {
      // All rows before the position have been read. A remembered row that was not among them is no longer in the table.
      if (upTo !== null && bucket < toBucket(upTo)) continue;
      const fingerprints = [...counts].flatMap(([fingerprint, count]) => Array<string>(count).fill(fingerprint));
      if (fingerprints.length > 0) rows.set(bucket, fingerprints);
    }
    for (const [bucket, fingerprints] of this.#fromThisPass) {
      rows.set(bucket, [...(rows.get(bucket) ?? []), ...fingerprints]);
    }
    if (rows.size === 0) return undefined;
    return Object.fromEntries([...rows].map(([bucket, fingerprints]) => [bucket, fingerprints.join('')]));
  }

  #remember(bucket: string, fingerprint: string): void {
    const fingerprints = this.#fromThisPass.get(bucket);
    if (fingerprints === undefined) this.#fromThisPass.set(bucket, [fingerprint]);
    else fingerprints.push(fingerprint);
    this.#size += 1;
  }
}

function toBucket(cursor: string): string {
  return cursor.slice(0, BUCKET_LENGTH);
}

/** @param rowHash a number of 64 bits, in decimal. */
function toFingerprint(rowHash: string): string {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(rowHash));
  return bytes.toString('base64url');
}
