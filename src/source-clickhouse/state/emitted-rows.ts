/**
 * How many rows are remembered at most. With 11 bytes each, a state has 2.75 MB then; platforms store it after each run,
 * and warn of lines of more than 20 MB (see Airbyte's VersionedAirbyteStreamFactory).
 */
export const MOST_RECENT_ROWS = 250_000;

/** A second of a stamp (2026-01-01T00:00:00), or a whole day of a Date. */
const BUCKET_LENGTH = 19;

/** A row hash in base64url: 64 bits without padding. */
const FINGERPRINT_LENGTH = 11;

/** So many rows that all are others than before are no coincidence. */
const LEAST_ROWS_TO_JUDGE = 3;

/** Fingerprints of emitted rows by the second of their cursor, one behind the other, as they stand in the state. */
export type StoredRecentRows = Record<string, string>;

/**
 * The rows that were emitted and will be read again, because others may yet appear between them. A sweep reads the rows
 * once, in the order of their cursors; rows that are alike in every column are told apart by their number.
 */
export class RecentRows {
  /** Emitted by earlier runs and not met in this sweep so far: how many of each, by bucket. */
  readonly #before = new Map<string, Map<string, number>>();
  /** Met or emitted in this sweep, by bucket. */
  readonly #met = new Map<string, string[]>();
  readonly #recentFrom: string | undefined;
  #size = 0;
  #lastBucketBefore = '';
  readonly #sizeBefore: number;
  readonly #now: string | undefined;
  #stampedSince = 0;
  /** Rows that were met in the seconds of those that were emitted before: how many were known, and how many not. */
  #known = 0;
  #unknown = 0;

  /**
   * @param recentFrom rows with this cursor or a later one are to be remembered; undefined for none.
   * @param now the cursor of a row that was stamped when the sweep began, if cursors are times.
   */
  constructor(stored: StoredRecentRows | undefined, recentFrom: string | undefined, now?: string) {
    this.#recentFrom = recentFrom;
    this.#now = now;
    for (const [bucket, fingerprints] of Object.entries(stored ?? {})) {
      const counts = new Map<string, number>();
      for (let at = 0; at < fingerprints.length; at += FINGERPRINT_LENGTH) {
        const fingerprint = fingerprints.slice(at, at + FINGERPRINT_LENGTH);
        counts.set(fingerprint, (counts.get(fingerprint) ?? 0) + 1);
        this.#size += 1;
      }
      this.#before.set(bucket, counts);
      if (bucket > this.#lastBucketBefore) this.#lastBucketBefore = bucket;
    }
    this.#sizeBefore = this.#size;
  }

  /**
   * Whether none of the rows that were emitted before was met, and as many others were in their place: they are not the
   * same at each look, and so can't be known again.
   */
  get areAllOthers(): boolean {
    return this.#known === 0 && this.#sizeBefore >= LEAST_ROWS_TO_JUDGE && this.#unknown >= this.#sizeBefore;
  }

  /**
   * Whether most of the rows that were emitted before are gone, and as many others have a stamp later than the start of the
   * sweep: rows that are stamped again at each read.
   */
  get areStampedAgain(): boolean {
    const gone = this.#sizeBefore - this.#known;
    return gone >= LEAST_ROWS_TO_JUDGE && 2 * gone >= this.#sizeBefore && this.#stampedSince >= gone;
  }

  /** How many rows are remembered. */
  get size(): number {
    return this.#size;
  }

  /** Whether rows have to be looked at one by one whose cursors lie between these two (null: from the first row on). */
  concern(after: string | null, upTo: string): boolean {
    const mayHaveBeenEmitted = this.#before.size > 0 && (after === null || bucketOf(after) <= this.#lastBucketBefore);
    return mayHaveBeenEmitted || this.isRecent(upTo);
  }

  /** Whether rows with this cursor may still get company. */
  isRecent(cursor: string): boolean {
    return this.#recentFrom !== undefined && cursor >= this.#recentFrom;
  }

  /** Whether a row that the sweep meets was emitted by an earlier run. To be asked once a row. */
  wasEmitted(cursor: string, rowHash: string): boolean {
    const bucket = bucketOf(cursor);
    const counts = this.#before.get(bucket);
    const fingerprint = fingerprintOf(rowHash);
    const count = counts?.get(fingerprint) ?? 0;
    if (counts === undefined) return false;
    if (count === 0) {
      this.#unknown += 1;
      return false;
    }
    this.#known += 1;
    if (count > 1) counts.set(fingerprint, count - 1);
    else counts.delete(fingerprint);
    this.#size -= 1;
    if (this.isRecent(cursor)) this.#remember(bucket, fingerprint);
    return true;
  }

  /** Remembers a row that is emitted now, if it is recent. */
  add(cursor: string, rowHash: string): void {
    if (this.#now !== undefined && cursor >= this.#now) this.#stampedSince += 1;
    if (this.isRecent(cursor)) this.#remember(bucketOf(cursor), fingerprintOf(rowHash));
  }

  /**
   * For the state of a position up to which everything has been read: what is remembered of the rows behind it.
   *
   * @param upTo the cursor of that position; null when it is before the first row.
   */
  stored(upTo: string | null): StoredRecentRows | undefined {
    const rows = new Map<string, string[]>();
    for (const [bucket, counts] of this.#before) {
      // What the position has passed, and the sweep has not met, is no longer in the table.
      if (upTo !== null && bucket < bucketOf(upTo)) continue;
      const fingerprints = [...counts].flatMap(([fingerprint, count]) => Array<string>(count).fill(fingerprint));
      if (fingerprints.length > 0) rows.set(bucket, fingerprints);
    }
    for (const [bucket, fingerprints] of this.#met) {
      rows.set(bucket, [...(rows.get(bucket) ?? []), ...fingerprints]);
    }
    if (rows.size === 0) return undefined;
    return Object.fromEntries([...rows].map(([bucket, fingerprints]) => [bucket, fingerprints.join('')]));
  }

  #remember(bucket: string, fingerprint: string): void {
    const fingerprints = this.#met.get(bucket);
    if (fingerprints === undefined) this.#met.set(bucket, [fingerprint]);
    else fingerprints.push(fingerprint);
    this.#size += 1;
  }
}

function bucketOf(cursor: string): string {
  return cursor.slice(0, BUCKET_LENGTH);
}

/** @param rowHash 64 bits in decimal. */
function fingerprintOf(rowHash: string): string {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(rowHash));
  return bytes.toString('base64url');
}
