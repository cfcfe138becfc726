import { Signal, serial } from '../../shared/async.ts';
import type { Rejection } from '../codes.ts';
import { addRejection } from './rejected-record.ts';

/** Bytes of lines that are kept in memory until a state asks for them to be durable; then they are put away. */
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024;

/**
 * Bytes of rows whose events wait or whose lines are buffered. Beyond it stdin is left unread. An event's own bound does
 * not do: of a row of a megabyte, an event of a hundred bytes may be all that is sent.
 */
const MAX_HELD_BYTES = 32 * 1024 * 1024;

/**
 * Where rejected rows are put. Rows are confirmed when a state behind them is about to be echoed, or at the end of a sync
 * that did not fail: then no later run reads them again. Others are kept apart, for who would send them again by hand
 * would send them twice. All methods reject with a ConnectorError that says why the store can't be written to.
 */
export interface RejectedRowStore {
  /** Proves that rows can be written, and leaves nothing behind. */
  checkWritable(): Promise<void>;
  /** Puts lines away, under a name of their own, that are not confirmed yet. */
  spill(stream: string, piece: string, lines: string): Promise<void>;
  /** Makes durable, as confirmed: what was put away under these names, and then these lines. */
  confirm(stream: string, pieces: readonly string[], lines: string): Promise<void>;
  /** Where the rows of this run are, for people. */
  locations(): { confirmed: string[]; unconfirmed: string[] };
  /** Ends it. What is put away stays as it is. */
  close(): Promise<void>;
}

type BufferedRow = { stream: string; segment: number; line: string };

/** The piece of the rows that are left when a sync fails. */
const REST = 'rest';

/**
 * The rejected rows of one run, on their way to a store: buffered, and durable when a state asks for it. Calls are
 * carried out one after the other, in the order in which they are made; after one has failed, all do.
 */
export class RejectedRows {
  readonly #store: RejectedRowStore;
  readonly #now: () => number;
  #buffered: BufferedRow[] = [];
  #bufferedBytes = 0;
  #heldBytes = 0;
  /** What was put away and is not confirmed: by stream, the segments. */
  readonly #spilled = new Map<string, Set<number>>();
  readonly #inTurn = serial();
  #failed: { error: unknown } | undefined;
  readonly #released = new Signal();

  /** @param now milliseconds since the epoch. */
  constructor(store: RejectedRowStore, now: () => number) {
    this.#store = store;
    this.#now = now;
  }

  /** @throws ConnectorError when the store can't be written to. */
  checkWritable(): Promise<void> {
    return this.#store.checkWritable();
  }

  /** The text of a row is kept from now on, until it is released. */
  hold(line: string): void {
    this.#heldBytes += line.length;
  }

  /** The row was accepted, or its rejection was added. */
  release(line: string): void {
    this.#heldBytes -= line.length;
    this.#released.notify();
  }

  /** @param segment the number of states before the row. */
  add(stream: string, segment: number, line: string, rejection: Rejection): void {
    const rejected = addRejection(line, rejection, this.#now());
    this.#buffered.push({ stream, segment, line: rejected });
    this.#bufferedBytes += rejected.length;
  }

  /** Resolves when there is room for the text of more rows, or when `signal` is aborted. */
  async waitForCapacity(signal: AbortSignal): Promise<void> {
    if (this.#bufferedBytes > MAX_BUFFERED_BYTES) await this.#run(() => this.#spillBuffered());
    while (this.#heldBytes > MAX_HELD_BYTES && !signal.aborted) await this.#released.wait(signal);
  }

  /** Resolves when all rows of this segment and of earlier ones that were added are durable, and confirmed. */
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

  /** Ends it after a failure: rows that are not confirmed are put away, to be looked at. */
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

  /** Runs works one after another. After an error every work fails with it: no state may follow rows that were not stored. */
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

/** The lines of rows as one text of each stream, in their order. */
function groupLinesByStream(rows: readonly BufferedRow[]): Map<string, string> {
  const lines = new Map<string, string[]>();
  for (const { stream, line } of rows) {
    const present = lines.get(stream);
    if (present === undefined) lines.set(stream, [`${line}\n`]);
    else present.push(`${line}\n`);
  }
  return new Map([...lines].map(([stream, texts]) => [stream, texts.join('')]));
}
