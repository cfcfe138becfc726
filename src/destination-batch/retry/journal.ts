import { z } from 'zod';
import type { ConnectorError } from '../../protocol/errors.ts';
import { type Wait, waitByTimer } from '../../shared/abort.ts';
import { serial } from '../../shared/async.ts';
import { tryParseJson } from '../../shared/exact-json.ts';
import { describeOwner, findLiveness, type ProcessOwner, processOwnerSchema } from '../../shared/process-owner.ts';
import { destinationError } from '../errors.ts';

/**
 * The maximum time between two writes of the journal, in milliseconds. Another machine can see from these changes that the
 * owner of the journal is alive.
 */
const RENEW_MS = 5_000;

/**
 * How long a journal of another machine must stay unchanged before it is taken over, in milliseconds. The time is measured by the
 * clock of this machine only.
 */
const SILENCE_MS = 15_000;

/** The interval at which the journal of another machine is read, in milliseconds. */
const POLL_MS = 1_000;

/** A range of rows: the first one, and the one after the last. Rows of a file are counted from 0. */
const rangeSchema = z.tuple([z.int(), z.int()]);

const progressSchema = z.object({
  name: z.string(),
  /** The size of the file. */
  bytes: z.int(),
  /** The first row that is not settled. The rows before it were accepted, or are stored in the files of the retry. */
  settled: z.int(),
  /** Later rows that the retry may have sent. All other later rows were not sent. */
  sending: z.array(rangeSchema),
});

/** How far a retry is in a file. */
export type FileProgress = z.output<typeof progressSchema>;

const recordSchema = z.object({
  version: z.literal(1),
  /** Null after the retry has ended. */
  owner: processOwnerSchema.nullable(),
  /** Makes each record different from the one before. */
  sequence: z.int(),
  run: z.string().nullable(),
  position: z.record(z.string(), z.int()),
  files: z.array(progressSchema),
});

/** What a retry has done. */
export type RetryProgress = {
  /** The run under which the retry stores its own files; null if it has none that are incomplete. */
  run: string | null;
  /** How much of the retry's own files is valid: see RejectedRowStore.position. */
  position: Record<string, number>;
  /** The files that the retry reads. */
  files: FileProgress[];
};

type JournalRecord = z.output<typeof recordSchema>;

const NOTHING: RetryProgress = { run: null, position: {}, files: [] };

/** The newest record of a journal. */
export type JournalVersion = {
  /** Undefined if the owner has not written its first record yet. */
  text: string | undefined;
  /** It changes with each record. */
  token: string;
};

/** A journal that this process owns. */
export type OwnedJournal = {
  /** Adds a durable record. Resolves to false if another process has taken the journal over. */
  write(text: string): Promise<boolean>;
  /** Gives the journal up after its last record. @param isFinished whether a later retry has nothing to continue. */
  close(isFinished: boolean): Promise<void>;
};

/** Where a journal is stored. All methods reject with a ConnectorError if the place can't be used. */
export type JournalPlace = {
  /** Returns the newest record, or undefined if there is no journal. */
  read(): Promise<JournalVersion | undefined>;
  /**
   * Takes the journal, if its version is still the given one. From then on, the previous owner can't write to it.
   *
   * @param createText returns the first record, given the last one of the previous owner.
   * @returns undefined if the version has changed.
   */
  take(
    version: JournalVersion | undefined,
    createText: (last: string | undefined) => string,
  ): Promise<OwnedJournal | undefined>;
};

export type JournalOptions = {
  /** Aborting it ends the wait for the journal of another machine. */
  stop: AbortSignal;
  wait?: Wait | undefined;
  /** Called before the wait. */
  onWaiting: (owner: string) => void;
};

/** Reads the progress of a retry that is running or was killed, without taking its journal. */
export async function readProgress(place: JournalPlace): Promise<RetryProgress> {
  return progressOf(parseRecord((await place.read())?.text));
}

/**
 * The journal of a retry. It is also a lock. A retry sends a row only after it has recorded this in the journal. Another process
 * can take the journal over at any time, and from then on the retry can't write to it. So even if both processes run, no row is
 * sent by both.
 */
export class Journal {
  readonly #owner: ProcessOwner;
  readonly #inTurn = serial();
  readonly #owned: OwnedJournal;
  #sequence: number;
  #progress: RetryProgress;
  #lost: ConnectorError | undefined;
  readonly #timer: NodeJS.Timeout;

  /**
   * Opens the journal. Fails immediately if the process that wrote it is known to be alive. If it is not known, for example because
   * that process ran on another machine, waits to see whether the journal changes: a process that is alive writes it again and
   * again.
   *
   * @returns undefined if `stop` was aborted before this process owned the journal.
   * @throws ConnectorError (rejected_rows_locked) if another retry is running.
   */
  static async open(place: JournalPlace, self: ProcessOwner, options: JournalOptions): Promise<Journal | undefined> {
    for (;;) {
      const version = await place.read();
      if (version !== undefined && !(await waitForEnd(place, version, self, options))) return undefined;
      let progress = NOTHING;
      let sequence = 0;
      const owned = await place.take(version, (last) => {
        const record = parseRecord(last);
        progress = progressOf(record);
        sequence = (record?.sequence ?? 0) + 1;
        return formatRecord(self, sequence, progress);
      });
      // Otherwise another retry was faster, and the next attempt reads the record of that retry.
      if (owned !== undefined) return new Journal(self, owned, sequence, progress);
    }
  }

  private constructor(owner: ProcessOwner, owned: OwnedJournal, sequence: number, progress: RetryProgress) {
    this.#owner = owner;
    this.#owned = owned;
    this.#sequence = sequence;
    this.#progress = progress;
    this.#timer = setInterval(() => this.save(this.#progress).catch(() => {}), RENEW_MS);
    this.#timer.unref();
  }

  /** The progress that was saved last, by this retry or by an earlier one that was killed. */
  get progress(): RetryProgress {
    return this.#progress;
  }

  /**
   * Makes the progress durable.
   *
   * @throws ConnectorError (rejected_rows_locked) if another retry has taken the journal over. This process must not send rows
   *   then.
   */
  save(progress: RetryProgress): Promise<void> {
    this.#progress = progress;
    return this.#inTurn(() => this.#write(this.#owner));
  }

  /** Ends the retry. Another retry can begin immediately. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#inTurn(async () => {
      let isFinished = false;
      try {
        if (this.#lost === undefined) await this.#write(null);
        isFinished = this.#lost === undefined && this.#progress.files.length === 0 && this.#progress.run === null;
      } finally {
        await this.#owned.close(isFinished);
      }
    });
  }

  async #write(owner: ProcessOwner | null): Promise<void> {
    if (this.#lost !== undefined) throw this.#lost;
    this.#sequence += 1;
    if (await this.#owned.write(formatRecord(owner, this.#sequence, this.#progress))) return;
    this.#lost = destinationError(
      'rejected_rows_locked',
      'Another retry took over while this one was suspended. This retry stops. The other one keeps the rows that this one was sending, marked with may_have_arrived.',
    );
    throw this.#lost;
  }
}

/**
 * Waits until the owner of the journal has ended.
 *
 * @returns false if `stop` was aborted.
 * @throws ConnectorError (rejected_rows_locked) if the owner is alive.
 */
async function waitForEnd(
  place: JournalPlace,
  { text, token }: JournalVersion,
  self: ProcessOwner,
  { stop, wait = waitByTimer, onWaiting }: JournalOptions,
): Promise<boolean> {
  const owner = parseRecord(text)?.owner;
  if (owner === null) return true;
  const liveness = owner === undefined ? 'unknown' : findLiveness(owner, self);
  if (liveness === 'ended') return true;
  if (liveness === 'alive') throw explainLocked(owner);
  onWaiting(owner === undefined ? 'another process' : describeOwner(owner));
  for (let waited = 0; waited < SILENCE_MS; waited += POLL_MS) {
    await wait(POLL_MS, stop);
    if (stop.aborted) return false;
    const current = await place.read();
    if (current?.token !== token) {
      const record = parseRecord(current?.text);
      if (current === undefined || record?.owner === null) return true;
      throw explainLocked(record?.owner);
    }
  }
  return true;
}

function explainLocked(owner: ProcessOwner | undefined): ConnectorError {
  return destinationError(
    'rejected_rows_locked',
    `Another retry is running${owner === undefined ? '' : `: ${describeOwner(owner)}`}. Two retries at once would send the same rows twice. Wait until it has ended, or stop it.`,
  );
}

function formatRecord(owner: ProcessOwner | null, sequence: number, progress: RetryProgress): string {
  const record: JournalRecord = { version: 1, owner, sequence, ...progress };
  return JSON.stringify(record);
}

function progressOf(record: JournalRecord | undefined): RetryProgress {
  return record === undefined ? NOTHING : { run: record.run, position: record.position, files: record.files };
}

/** @throws ConnectorError if the record is unreadable. If it were ignored, rows could be sent twice. */
function parseRecord(text: string | undefined): JournalRecord | undefined {
  if (text === undefined) return undefined;
  const { data } = recordSchema.safeParse(tryParseJson(text));
  if (data !== undefined) return data;
  throw destinationError(
    'rejected_rows_unwritable',
    "The journal of retry (.retry, next to the rejected rows) can't be read. It may have been written by a later version, or edited. If you have used a later version, run retry with that version. If nothing else helps, remove the journal: rows that a retry was sending when it was killed may then be sent twice.",
  );
}
