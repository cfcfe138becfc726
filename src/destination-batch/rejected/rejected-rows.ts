import { Signal, serial } from '../../shared/async.ts';
import type { Rejection } from '../codes.ts';
import { toDeadLetter } from './dead-letter-line.ts';

/**
 * The maximum size of the rows that are buffered until a state requires them to be durable, in characters. Above it, the
 * buffered rows are spilled to the store. A character is a UTF-16 unit: it takes one byte of memory in a line of Latin-1
 * characters, and two bytes in any other line.
 */
const MAX_BUFFERED_CHARACTERS = 4 * 1024 * 1024;

/**
 * The maximum size of the rows whose events are not settled, in characters. Above it, stdin is not read (backpressure). The
 * capacity of the delivery does not limit these rows: a row of a megabyte may have an event of a hundred bytes.
 */
const MAX_HELD_CHARACTERS = 32 * 1024 * 1024;

/**
 * Stores rejected rows (dead letters), each as a confirmed or an unconfirmed row.
 *
 * Rows are confirmed before a state that covers them is echoed. The rows of a stream without states are confirmed at the end of a
 * successful sync. No later run reads confirmed rows from the source again.
 *
 * The next run reads unconfirmed rows from the source again, and sends them. They are stored separately from confirmed rows,
 * because they would arrive twice if a user sent them too. A piece is a group of unconfirmed rows of one stream that are confirmed
 * together.
 *
 * All methods reject with a ConnectorError if the store can't be written to.
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
  /**
   * Returns how much is confirmed: in a folder, the number of confirmed bytes of each file, by name; in a bucket, the number of
   * objects whose names begin with each prefix, by prefix.
   */
  position(): Record<string, number>;
  /**
   * Closes the store. Stored rows stay as they are.
   *
   * @param hasEnded whether the run has ended and its output was read to the end: see `ended` in run-record.ts.
   */
  close(hasEnded: boolean): Promise<void>;
}

/** Where a rejected row came from: the key and the name of its stream, and the number of states before the row. */
export type RejectedFrom = Readonly<{ key: string; stream: string; segment: number }>;

/**
 * Rows that no later run reads again: the rows of the stream with this key, in this segment and in earlier segments. If `key` is
 * undefined, the rows of all streams in these segments.
 */
export type Coverage = Readonly<{ key: string | undefined; segment: number }>;

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
  add(from: RejectedFrom, line: string, rejection: Rejection): void;
  /** Whether there is no capacity for more lines until some are released. */
  readonly isAtCapacity: boolean;
  /** Waits until there is capacity for more lines, or until `signal` is aborted. */
  waitForCapacity(signal: AbortSignal): Promise<void>;
  /** Makes all rows that are covered durable and confirmed. @param covered in the order of the states. */
  confirm(covered: readonly Coverage[]): Promise<void>;
  /**
   * Called once at the end, for the rows that are not confirmed.
   *
   * @param unknown the segments with rows that Batch may have stored, although no response arrived.
   */
  abandon(unknown: ReadonlySet<number>): Promise<void>;
  locations(): { confirmed: string[]; unconfirmed: string[] };
}

type BufferedRow = { from: RejectedFrom; line: string };

/** Rows that were spilled but are not confirmed yet: their origin, and the name of their piece in the store. */
type SpilledPiece = { from: RejectedFrom; piece: string };

/** The name of the piece with the rows that are still buffered at the end. */
const REST = 'rest';

/**
 * Buffers the rejected rows of one run, and makes them durable when a state requires it. Calls run one after another,
 * in order. After an error, all further calls fail.
 */
export class RejectedRows implements RejectedRowSink {
  readonly #store: RejectedRowStore;
  readonly #now: () => number;
  #buffered: BufferedRow[] = [];
  #bufferedCharacters = 0;
  #heldCharacters = 0;
  #spilled: SpilledPiece[] = [];
  #nextPiece = 0;
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
    this.#heldCharacters += line.length;
  }

  release(line: string): void {
    this.#heldCharacters -= line.length;
    this.#released.notify();
  }

  /** Accepted rows are not stored. */
  accept(): void {}

  add(from: RejectedFrom, line: string, rejection: Rejection): void {
    const rejected = toDeadLetter(line, rejection, this.#now());
    this.#buffered.push({ from, line: rejected });
    this.#bufferedCharacters += rejected.length;
  }

  get isAtCapacity(): boolean {
    return this.#heldCharacters > MAX_HELD_CHARACTERS;
  }

  async waitForCapacity(signal: AbortSignal): Promise<void> {
    if (this.#bufferedCharacters > MAX_BUFFERED_CHARACTERS) await this.#run(() => this.#spillBuffered());
    while (this.isAtCapacity && !signal.aborted) await this.#released.wait(signal);
  }

  confirm(covered: readonly Coverage[]): Promise<void> {
    return this.#run(async () => {
      const isCovered = matchCovered(covered);
      const lines = joinLines(this.#takeBuffered(isCovered), ({ stream }) => stream);
      const pieces = this.#spilled.filter(({ from }) => isCovered(from));
      for (const stream of new Set([...pieces.map(({ from }) => from.stream), ...lines.keys()])) {
        const ofStream = pieces.filter(({ from }) => from.stream === stream).map(({ piece }) => piece);
        await this.#store.confirm(stream, ofStream, lines.get(stream) ?? '');
      }
      this.#spilled = this.#spilled.filter(({ from }) => !isCovered(from));
    });
  }

  /** Stores the rows that are still buffered as unconfirmed rows, for inspection. */
  abandon(): Promise<void> {
    return this.#run(async () => {
      const lines = joinLines(
        this.#takeBuffered(() => true),
        ({ stream }) => stream,
      );
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
    const rows = this.#takeBuffered(() => true);
    const lines = joinLines(rows, (from) => this.#pieceOf(from));
    for (const [{ from, piece }, text] of lines) await this.#store.spill(from.stream, piece, text);
  }

  /** Returns the piece for the rows of a stream between two states. */
  #pieceOf(from: RejectedFrom): SpilledPiece {
    const isSame = (other: RejectedFrom): boolean => other.key === from.key && other.segment === from.segment;
    const present = this.#spilled.findLast((spilled) => isSame(spilled.from));
    if (present !== undefined) return present;
    const added = { from, piece: String(this.#nextPiece) };
    this.#nextPiece += 1;
    this.#spilled.push(added);
    return added;
  }

  #takeBuffered(selects: (from: RejectedFrom) => boolean): BufferedRow[] {
    const taken = this.#buffered.filter(({ from }) => selects(from));
    this.#buffered = this.#buffered.filter(({ from }) => !selects(from));
    this.#bufferedCharacters = this.#buffered.reduce((sum, { line }) => sum + line.length, 0);
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

/** Returns a function that checks whether a row is covered. @param covered in the order of the states. */
function matchCovered(covered: readonly Coverage[]): (from: RejectedFrom) => boolean {
  const lastSegments = new Map(covered.map(({ key, segment }) => [key, segment]));
  const lastOfAll = lastSegments.get(undefined) ?? -1;
  return ({ key, segment }) => segment <= Math.max(lastOfAll, lastSegments.get(key) ?? -1);
}

/** Joins the lines of each group into one string, in the order of the rows. */
function joinLines<Group>(rows: readonly BufferedRow[], groupOf: (from: RejectedFrom) => Group): Map<Group, string> {
  const lines = new Map<Group, string[]>();
  for (const { from, line } of rows) {
    const group = groupOf(from);
    const present = lines.get(group);
    if (present === undefined) lines.set(group, [`${line}\n`]);
    else present.push(`${line}\n`);
  }
  return new Map([...lines].map(([group, texts]) => [group, texts.join('')]));
}
