import { Signal, serial } from '../../shared/async.ts';
import type { Rejection } from '../codes.ts';
import { toDeadLetter } from './dead-letter.ts';

/**
 * The maximum size of the rows that are buffered until a state requires them to be durable, in bytes. Above it, the
 * buffered rows are spilled to the store.
 */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

/**
 * The maximum size of the rows whose events are not settled, in bytes. Above it, stdin is not read (backpressure). The
 * capacity of the delivery does not limit these rows: a row of a megabyte may have an event of a hundred bytes.
 */
const MAX_HELD_BYTES = 32 * 1024 * 1024;

/**
 * Stores rejected rows (dead letters). Rows are confirmed before a later state is echoed, or at the end of a successful
 * sync. No later run reads confirmed rows from the source again. The next run reads unconfirmed rows from the source
 * again and sends them, so they are stored separately: if a user sent them too, they would arrive twice. A piece is a
 * group of unconfirmed rows of one stream that are confirmed together. All methods reject with a ConnectorError if the store can't be written to.
 */
export interface RejectedRowStore {
  /** The name of this run, which is part of the names of its files. */
  readonly run: string;
  /** Checks that rows can be written, and leaves nothing in the store. */
  checkWritable(): Promise<void>;
  /** Adds lines to a piece, as unconfirmed rows. */
  spill(stream: string, piece: string, lines: string): Promise<void>;
  /** Makes the rows of these pieces durable as confirmed rows, followed by `lines`. */
  confirm(stream: string, pieces: readonly string[], lines: string): Promise<void>;
  /** Returns where the rows of this run are stored, for the log. */
  locations(): { confirmed: string[]; unconfirmed: string[] };
  /** Returns how much is confirmed: the bytes of each file, or the number of objects whose names begin with the key. */
  position(): Record<string, number>;
  /**
   * Closes the store. Stored rows stay as they are.
   *
   * @param hasEnded whether the run has ended and its output was read to the end: see RunRecord.
   */
  close(hasEnded: boolean): Promise<void>;
}

/** Receives the outcomes of the rows of a run. `segment` is the number of states before a row. */
export interface RejectedRowSink {
  /** Counts the memory of a row's line until `release` is called for the line. */
  hold(line: string): void;
  /**
   * Stops counting the memory of a row's line. Call this after the row was accepted, or after it was added as a
   * rejected row.
   */
  release(line: string): void;
  accept(segment: number): void;
  /** Adds a rejected row. */
  add(stream: string, segment: number, line: string, rejection: Rejection): void;
  /** Waits until there is capacity for more lines, or until `signal` is aborted. */
  waitForCapacity(signal: AbortSignal): Promise<void>;
  /** Makes all rows that were added for this segment and for earlier segments durable and confirmed. */
  confirm(upToSegment: number): Promise<void>;
  /**
   * Called once after an error, instead of the last `confirm`.
   *
   * @param unknown the segments with rows that Batch may have stored, although no response arrived.
   */
  abandon(unknown: ReadonlySet<number>): Promise<void>;
  locations(): { confirmed: string[]; unconfirmed: string[] };
}

type BufferedRow = { stream: string; segment: number; line: string };

/** The name of the piece with the rows that are still buffered when a sync fails. */
const REST = 'rest';

/**
 * Buffers the rejected rows of one run, and makes them durable when a state requires it. Calls run one after another,
 * in order. After an error, all further calls fail.
 */
export class RejectedRows implements RejectedRowSink {
  readonly #store: RejectedRowStore;
  readonly #now: () => number;
  #buffered: BufferedRow[] = [];
  #bufferedBytes = 0;
  #heldBytes = 0;
  /** For each stream, the segments (see `add`) whose rows were spilled but are not confirmed yet. */
  readonly #spilled = new Map<string, Set<number>>();
  readonly #inTurn = serial();
  #failed: { error: unknown } | undefined;
  readonly #released = new Signal();

  /** @param now returns the current time in milliseconds since the epoch. */
  constructor(store: RejectedRowStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** Rejects with a ConnectorError if the store can't be written to. */
  checkWritable(): Promise<void> {
    return this.#store.checkWritable();
  }

  hold(line: string): void {
    this.#heldBytes += line.length;
  }

  release(line: string): void {
    this.#heldBytes -= line.length;
    this.#released.notify();
  }

  /** Accepted rows are not stored. */
  accept(): void {}

  add(stream: string, segment: number, line: string, rejection: Rejection): void {
    const rejected = toDeadLetter(line, rejection, this.#now());
    this.#buffered.push({ stream, segment, line: rejected });
    this.#bufferedBytes += rejected.length;
  }

  async waitForCapacity(signal: AbortSignal): Promise<void> {
    if (this.#bufferedBytes > MAX_BUFFERED_BYTES) await this.#run(() => this.#spillBuffered());
    while (this.#heldBytes > MAX_HELD_BYTES && !signal.aborted) await this.#released.wait(signal);
  }

  confirm(upToSegment: number): Promise<void> {
    return this.#run(async () => {
      const lines = groupLinesByStream(this.#takeBuffered(upToSegment));
      for (const stream of new Set([...this.#spilled.keys(), ...lines.keys()])) {
        const segments = this.#spilled.get(stream) ?? new Set();
        const confirmed = [...segments].filter((segment) => segment <= upToSegment);
        const text = lines.get(stream) ?? '';
        if (confirmed.length === 0 && text === '') continue;
        await this.#store.confirm(stream, confirmed.map(String), text);
        for (const segment of confirmed) segments.delete(segment);
      }
    });
  }

  /** Stores the rows that are still buffered after an error. They are stored as unconfirmed rows, for inspection. */
  abandon(): Promise<void> {
    return this.#run(async () => {
      const lines = groupLinesByStream(this.#takeBuffered(Number.POSITIVE_INFINITY));
      for (const [stream, text] of lines) await this.#store.spill(stream, REST, text);
    });
  }

  locations(): { confirmed: string[]; unconfirmed: string[] } {
    return this.#store.locations();
  }

  /** @param hasEnded see RejectedRowStore. */
  close(hasEnded: boolean): Promise<void> {
    return this.#store.close(hasEnded);
  }

  async #spillBuffered(): Promise<void> {
    const segments = new Map<number, BufferedRow[]>();
    for (const row of this.#takeBuffered(Number.POSITIVE_INFINITY)) {
      const rows = segments.get(row.segment);
      if (rows === undefined) segments.set(row.segment, [row]);
      else rows.push(row);
    }
    for (const [segment, rows] of segments) {
      for (const [stream, text] of groupLinesByStream(rows)) {
        await this.#store.spill(stream, String(segment), text);
        this.#spilled.set(stream, (this.#spilled.get(stream) ?? new Set()).add(segment));
      }
    }
  }

  #takeBuffered(upToSegment: number): BufferedRow[] {
    const taken = this.#buffered.filter(({ segment }) => segment <= upToSegment);
    this.#buffered = this.#buffered.filter(({ segment }) => segment > upToSegment);
    this.#bufferedBytes = this.#buffered.reduce((sum, { line }) => sum + line.length, 0);
    return taken;
  }

  /**
   * Runs `work` after all earlier work. After an error, all further work fails with the same error, because no state
   * may follow rows that were not stored.
   */
  #run(work: () => Promise<void>): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#failed !== undefined) throw this.#failed.error;
      try {
        await work();
      } catch (error) {
        this.#failed = { error };
        throw error;
      }
    });
  }
}

/** Joins the lines of each stream into one string, in the order of the rows. */
function groupLinesByStream(rows: readonly BufferedRow[]): Map<string, string> {
  const lines = new Map<string, string[]>();
  for (const { stream, line } of rows) {
    const present = lines.get(stream);
    if (present === undefined) lines.set(stream, [`${line}\n`]);
    else present.push(`${line}\n`);
  }
  return new Map([...lines].map(([stream, texts]) => [stream, texts.join('')]));
}
