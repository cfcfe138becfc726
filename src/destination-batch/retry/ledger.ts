import { Signal, serial } from '../../shared/async.ts';
import type { Rejection } from '../codes.ts';
import { increment } from '../counts.ts';
import { toDeadLetter, toUncertainDeadLetter } from '../rejected/dead-letter-line.ts';
import type { Coverage, RejectedFrom, RejectedRowSink, RejectedRowStore } from '../rejected/rejected-rows.ts';
import type { StoredFiles } from '../rejected/stored-files.ts';
import type { SourceFile } from './inventory.ts';
import type { FileProgress, Journal } from './journal.ts';

/**
 * The maximum number of rows that are being sent and are not settled yet. If the retry is killed, these rows are uncertain: Batch
 * may have stored them. At the rate of `update`, this is the work of a few seconds.
 */
const MAX_UNSETTLED = 1_000;

/** The maximum number of characters of the rows that were read and are not settled yet, including rows that are only kept. */
const MAX_HELD_CHARACTERS = 8 * 1024 * 1024;

/** A state without content. The session echoes it when all rows before it are settled. */
const STATE_LINE = '{"type":"STATE","state":{}}\n';

/** A row that is read from a file. */
export type LedgerRow = {
  kind: 'row';
  file: SourceFile;
  /** The number of the row in the file, counted from 0. */
  index: number;
  line: string;
  /** The stream under which the row is stored again. */
  stream: string;
  /** Whether the row is sent. Otherwise, it is only kept. */
  send: boolean;
};

/** The end of a file: after it is settled, the file is removed. */
type LedgerEnd = { kind: 'end'; file: SourceFile };

export type LedgerEntry = LedgerRow | LedgerEnd;

/**
 * The entries between two states. Only the last one may be a row to send, so the number of the segment identifies this row.
 */
type Segment = {
  kept: LedgerEntry[];
  /** The row to send, if there is one. */
  sent: LedgerRow | undefined;
  /** The outcome of that row; undefined if it has none yet. */
  outcome: Outcome | undefined;
};

/** The outcome of a row to send. If Batch did not accept the row, `line` is stored instead of the line that was read. */
type Outcome =
  | { kind: 'accepted' }
  | { kind: 'rejected'; line: string; code: string }
  | { kind: 'unsent'; line: string };

/** Counts the rows to send by their outcomes. */
export type RetryCounts = {
  accepted: number;
  /** The number of rejected rows for each code. */
  rejected: Map<string, number>;
  /** The number of rows that Batch may have stored: they were sent, but the retry ended early, without a response. */
  uncertain: number;
};

export type LedgerOptions = {
  files: StoredFiles;
  store: RejectedRowStore;
  journal: Journal;
  counts: RetryCounts;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/**
 * Records the outcomes of the rows of a retry. Things become durable in this order:
 *
 * 1. the journal says which rows will be sent;
 * 2. the rows are sent;
 * 3. the rejected and the kept rows are stored in files of the retry;
 * 4. the journal says that these rows are settled;
 * 5. a file is removed when all its rows are settled.
 *
 * So a row is always in a file until it is accepted, and a row that was sent without a known outcome is never sent again unless the
 * user asks for it.
 */
export class RetryLedger implements RejectedRowSink {
  /** Always false, and `hold` and `release` do nothing, because `begin` limits the rows in memory. */
  readonly isAtCapacity = false;
  readonly #options: LedgerOptions;
  /** The segments that are not settled, by number. */
  readonly #segments = new Map<number, Segment>();
  readonly #progress: Map<string, FileProgress>;
  readonly #inTurn = serial();
  readonly #settled = new Signal();
  #nextSegment = 0;
  #unsettled = 0;
  #heldCharacters = 0;
  #unknown: ReadonlySet<number> = new Set();
  #isClosed = false;
  #failed: { error: unknown } | undefined;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#progress = new Map(structuredClone(options.journal.progress.files).map((file) => [file.name, file]));
  }

  /** Returns how far this retry is in a file; undefined if it has not begun the file. */
  progressOf({ name }: Pick<SourceFile, 'name'>): FileProgress | undefined {
    return structuredClone(this.#progress.get(name));
  }

  /** The progress in all files that are not removed yet. */
  get progress(): FileProgress[] {
    return structuredClone([...this.#progress.values()]);
  }

  /**
   * Adds entries, and records which of their rows will be sent.
   *
   * @returns the lines for the session, or undefined if the session has ended.
   */
  async begin(entries: readonly LedgerEntry[]): Promise<Buffer | undefined> {
    while (this.#isFull && !this.#isClosed) await this.#settled.wait();
    return this.#inTurn(async () => {
      if (this.#isClosed) return undefined;
      for (const { file } of entries) this.#beginFile(file);
      const sent = entries.filter((entry): entry is LedgerRow => entry.kind === 'row' && entry.send);
      for (const { file, index } of sent) this.#recordSending(file, index);
      if (sent.length > 0) await this.#save();
      return this.#addSegments(entries);
    });
  }

  hold(): void {}
  release(): void {}
  async waitForCapacity(): Promise<void> {}

  accept(segment: number): void {
    this.#setOutcome(segment, { kind: 'accepted' });
  }

  add({ segment }: RejectedFrom, line: string, rejection: Rejection): void {
    const stored = toDeadLetter(line, rejection, this.#options.now());
    this.#setOutcome(segment, { kind: 'rejected', line: stored, code: rejection.code });
  }

  /** Settles the segments in order, up to the last one that is covered. Stops before a segment whose row has no outcome. */
  confirm(covered: readonly Coverage[]): Promise<void> {
    const last = covered.at(-1);
    return this.#inTurn(async () => {
      if (last !== undefined) await this.#settle(last.segment);
    });
  }

  async abandon(unknown: ReadonlySet<number>): Promise<void> {
    this.#unknown = unknown;
  }

  locations(): { confirmed: string[]; unconfirmed: string[] } {
    return this.#options.store.locations();
  }

  /**
   * Settles all segments. Call this after the session has ended. Rows without an outcome are kept, and marked if Batch may have
   * stored them.
   *
   * @throws the first error of the store or the journal. The next retry can then continue from what they contain.
   */
  finish(): Promise<void> {
    this.#isClosed = true;
    this.#settled.notify();
    return this.#inTurn(async () => {
      for (const [number, segment] of this.#segments) {
        if (segment.sent === undefined || segment.outcome !== undefined) continue;
        const isUnknown = this.#unknown.has(number);
        const { line } = segment.sent;
        segment.outcome = { kind: 'unsent', line: isUnknown ? toUncertainDeadLetter(line) : line };
        if (isUnknown) this.#options.counts.uncertain += 1;
      }
      await this.#settle(Number.POSITIVE_INFINITY);
      if (this.#failed !== undefined) throw this.#failed.error;
    });
  }

  /** Stores entries after `finish`. None of their rows is sent. */
  keep(entries: readonly LedgerEntry[]): Promise<void> {
    return this.#inTurn(async () => {
      for (const { file } of entries) this.#beginFile(file);
      this.#addSegments(entries);
      await this.#settle(Number.POSITIVE_INFINITY);
    });
  }

  get #isFull(): boolean {
    return this.#unsettled >= MAX_UNSETTLED || this.#heldCharacters >= MAX_HELD_CHARACTERS;
  }

  #beginFile({ name, bytes }: SourceFile): void {
    const present = this.#progress.get(name);
    if (present?.bytes === bytes) return;
    // If the file was changed after a retry was killed, it is not known which of its rows were sent: see readRows.
    const sending: FileProgress['sending'] = present === undefined ? [] : [[0, Number.MAX_SAFE_INTEGER]];
    this.#progress.set(name, { name, bytes, settled: 0, sending });
  }

  #recordSending({ name }: SourceFile, index: number): void {
    const ranges = this.#progress.get(name)?.sending ?? [];
    if (ranges.some(([first, after]) => index >= first && index < after)) return;
    const last = ranges.at(-1);
    if (last?.[1] === index) last[1] = index + 1;
    else ranges.push([index, index + 1]);
  }

  /** Adds segments, and returns the lines of the rows to send, with a state after each segment. */
  #addSegments(entries: readonly LedgerEntry[]): Buffer {
    const lines: string[] = [];
    let kept: LedgerEntry[] = [];
    const close = (sent: LedgerRow | undefined): void => {
      this.#segments.set(this.#nextSegment, { kept, sent, outcome: undefined });
      this.#nextSegment += 1;
      kept = [];
      lines.push(STATE_LINE);
    };
    for (const entry of entries) {
      this.#heldCharacters += lengthOf(entry);
      if (entry.kind === 'row' && entry.send) {
        lines.push(`${entry.line}\n`);
        this.#unsettled += 1;
        close(entry);
      } else kept.push(entry);
    }
    if (kept.length > 0) close(undefined);
    return Buffer.from(lines.join(''));
  }

  #setOutcome(number: number, outcome: Outcome): void {
    const segment = this.#segments.get(number);
    // After `finish`, the outcome of a request that was cancelled no longer matters, because its rows are marked already.
    if (segment !== undefined) segment.outcome ??= outcome;
  }

  async #settle(upToSegment: number): Promise<void> {
    if (this.#failed !== undefined) throw this.#failed.error;
    const settled: [number, Segment][] = [];
    for (const [number, segment] of this.#segments) {
      if (number > upToSegment || (segment.sent !== undefined && segment.outcome === undefined)) break;
      settled.push([number, segment]);
    }
    if (settled.length === 0) return;
    try {
      await this.#makeDurable(settled.map(([, segment]) => segment));
    } catch (error) {
      this.#failed = { error };
      throw error;
    }
    for (const [number, { kept, sent, outcome }] of settled) {
      this.#segments.delete(number);
      for (const entry of kept) this.#heldCharacters -= lengthOf(entry);
      if (sent === undefined) continue;
      this.#heldCharacters -= lengthOf(sent);
      this.#unsettled -= 1;
      this.#count(outcome);
    }
    this.#settled.notify();
  }

  async #makeDurable(segments: readonly Segment[]): Promise<void> {
    const { files, store } = this.#options;
    const lines = new Map<string, string[]>();
    const ended: SourceFile[] = [];
    for (const { kept, sent, outcome } of segments) {
      for (const entry of kept) {
        if (entry.kind === 'end') ended.push(entry.file);
        else this.#settleRow(entry, entry.line, lines);
      }
      if (sent !== undefined) this.#settleRow(sent, outcome?.kind === 'accepted' ? undefined : outcome?.line, lines);
    }
    for (const [stream, ofStream] of lines) await store.confirm(stream, [], ofStream.join(''));
    for (const progress of this.#progress.values()) dropSettled(progress);
    await this.#save();
    for (const { name, bytes } of ended) {
      const size = await files.removeUnlessGrown(name, bytes);
      if (size === undefined) this.#progress.delete(name);
      // Another process has added rows. The next retry reads only these.
      else
        this.#progress.set(name, { name, bytes: size, settled: this.#progress.get(name)?.settled ?? 0, sending: [] });
    }
  }

  #settleRow({ file, index, stream }: LedgerRow, line: string | undefined, lines: Map<string, string[]>): void {
    const progress = this.#progress.get(file.name);
    if (progress !== undefined) progress.settled = index + 1;
    if (line === undefined) return;
    const present = lines.get(stream);
    if (present === undefined) lines.set(stream, [`${line}\n`]);
    else present.push(`${line}\n`);
  }

  async #save(): Promise<void> {
    const { store, journal } = this.#options;
    await journal.save({
      run: store.run,
      position: store.position(),
      files: this.progress,
    });
  }

  #count(outcome: Outcome | undefined): void {
    const { counts } = this.#options;
    if (outcome?.kind === 'accepted') counts.accepted += 1;
    else if (outcome?.kind === 'rejected') increment(counts.rejected, outcome.code);
  }
}

function lengthOf(entry: LedgerEntry): number {
  return entry.kind === 'row' ? entry.line.length : 0;
}

/** Removes the rows that are settled from the rows that may have been sent. */
function dropSettled(progress: FileProgress): void {
  const { settled } = progress;
  progress.sending = progress.sending.flatMap(([first, after]) =>
    after <= settled ? [] : [[Math.max(first, settled), after]],
  );
}
