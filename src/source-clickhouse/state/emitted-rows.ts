/**
 * How many rows are remembered at most. With 11 bytes each, a state has 2.75 MB then; platforms store it after each run,
 * and warn of lines of more than 20 MB (see Airbyte's VersionedAirbyteStreamFactory).
 */
export const MAX_EMITTED_ROWS = 250_000;

/** A second of a stamp (2026-01-01T00:00:00), or a whole day of a Date. */
const BUCKET_LENGTH = 19;

/** Bytes of the state for a row: its hash in base64url, 64 bits without padding. */
export const BYTES_PER_EMITTED_ROW = 11;

/** So many rows that all are others than before are no coincidence. */
const MIN_ROWS_TO_JUDGE = 3;

/** Fingerprints of emitted rows by the second of their cursor, one behind the other, as they stand in the state. */
export type StoredEmittedRows = Record<string, string>;

/**
 * The rows that were emitted and will be read again, because others may yet appear between them. A pass reads the rows
 * once, in the order of their cursors; rows that are alike in every column are told apart by their number.
 */
export class EmittedRows {
  /** Emitted by earlier runs and not met in this pass so far: how many of each, by bucket. */
  readonly #fromEarlierRuns = new Map<string, Map<string, number>>();
  /** Met or emitted in this pass, by bucket. */
  readonly #fromThisPass = new Map<string, string[]>();
  readonly #lookbackStart: string | undefined;
  #size = 0;
  #lastEarlierBucket = '';
  readonly #earlierRows: number;
  readonly #now: string | undefined;
  #stampedInPass = 0;
  /** Rows that were met in the seconds of those that were emitted before: how many were known, and how many not. */
  #recognized = 0;
  #unrecognized = 0;

  /**
   * @param lookbackStart rows with this cursor or a later one are to be remembered; undefined for none.
   * @param now the cursor of a row that was stamped when the pass began, if cursors are times.
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
   * Whether none of the rows that were emitted before was met, and as many others were in their place: they are not the
   * same at each look, and so can't be known again.
   */
  get noneSeenAgain(): boolean {
    return this.#recognized === 0 && this.#earlierRows >= MIN_ROWS_TO_JUDGE && this.#unrecognized >= this.#earlierRows;
  }

  /**
   * Whether most of the rows that were emitted before are gone, and as many others have a stamp later than the start of the
   * pass: rows that are stamped again at each read.
   */
  get areRestamped(): boolean {
    const gone = this.#earlierRows - this.#recognized;
    return gone >= MIN_ROWS_TO_JUDGE && 2 * gone >= this.#earlierRows && this.#stampedInPass >= gone;
  }

  /** How many rows are remembered. */
  get size(): number {
    return this.#size;
  }

  /** Whether rows have to be looked at one by one whose cursors lie between these two (null: from the first row on). */
  mustExamine(after: string | null, upTo: string): boolean {
    const mayHaveBeenEmitted =
      this.#fromEarlierRuns.size > 0 && (after === null || toBucket(after) <= this.#lastEarlierBucket);
    return mayHaveBeenEmitted || this.isInLookback(upTo);
  }

  /** Whether rows with this cursor may still get company. */
  isInLookback(cursor: string): boolean {
    return this.#lookbackStart !== undefined && cursor >= this.#lookbackStart;
  }

  /** Whether a row that the pass meets was emitted by an earlier run. To be asked once a row. */
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

  /** Remembers a row that is emitted now, if it is recent. */
  add(cursor: string, rowHash: string): void {
    if (this.#now !== undefined && cursor >= this.#now) this.#stampedInPass += 1;
    if (this.isInLookback(cursor)) this.#remember(toBucket(cursor), toFingerprint(rowHash));
  }

  /**
   * For the state of a position up to which everything has been read: what is remembered of the rows behind it.
   *
   * @param upTo the cursor of that position; null when it is before the first row.
   */
  serialize(upTo: string | null): StoredEmittedRows | undefined {
    const rows = new Map<string, string[]>();
    for (const [bucket, counts] of this.#fromEarlierRuns) {
      // What the position has passed, and the pass has not met, is no longer in the table.
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

/** @param rowHash 64 bits in decimal. */
function toFingerprint(rowHash: string): string {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(rowHash));
  return bytes.toString('base64url');
}
