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
  /** Checks that rows can be written, and leaves nothing in the store. */
  checkWritable(): Promise<void>;
  /** Adds lines to a piece, as unconfirmed rows. */
  spill(stream: string, piece: string, lines: string): Promise<void>;
  /** Makes the rows of these pieces durable as confirmed rows, followed by `lines`. */
  confirm(stream: string, pieces: readonly string[], lines: string): Promise<void>;
  /** Returns where the rows of this run are stored, for the log. */
  locations(): { confirmed: string[]; unconfirmed: string[] };
  /** Closes the store. Stored rows stay as they are. */
  close(): Promise<void>;
}

type BufferedRow = { stream: string; segment: number; line: string };

/** The name of the piece with the rows that are still buffered when a sync fails. */
const REST = 'rest';

/**
 * Buffers the rejected rows of one run, and makes them durable when a state requires it. Calls run one after another,
 * in order. After an error, all further calls fail.
 */
export class RejectedRows {
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

  /** Counts the memory of a row's line until `release` is called for the line. */
  hold(line: string): void {
    this.#heldBytes += line.length;
  }

  /**
   * Stops counting the memory of a row's line. Call this after the row was accepted, or after it was added as a
   * rejected row.
   */
  release(line: string): void {
    this.#heldBytes -= line.length;
    this.#released.notify();
  }

  /**
   * Adds a rejected row to the buffer.
   *
   * @param segment the number of states before the row.
   */
  add(stream: string, segment: number, line: string, rejection: Rejection): void {
    const rejected = toDeadLetter(line, rejection, this.#now());
    this.#buffered.push({ stream, segment, line: rejected });
    this.#bufferedBytes += rejected.length;
  }

  /** Waits until there is capacity for more lines, or until `signal` is aborted. */
  async waitForCapacity(signal: AbortSignal): Promise<void> {
    if (this.#bufferedBytes > MAX_BUFFERED_BYTES) await this.#run(() => this.#spillBuffered());
    while (this.#heldBytes > MAX_HELD_BYTES && !signal.aborted) await this.#released.wait(signal);
  }

  /** Makes all added rows of this segment and of earlier segments durable and confirmed. */
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

  close(): Promise<void> {
    return this.#store.close();
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
