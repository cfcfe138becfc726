import { z } from 'zod';
import { messageOf } from '../../protocol/errors.ts';
import { tryParseJson } from '../../shared/exact-json.ts';
import type { StateStore } from '../state/store.ts';
import { type RunRecord, runRecordSchema } from './run-record.ts';

/** The maximum number of runs in a history: the runs of 8 hours, with a run every 5 minutes. */
const MAX_RUNS = 100;

const alertStatusSchema = z.object({
  status: z.enum(['ok', 'failed', 'rejecting', 'stale']),
  /** RFC 3339, UTC. */
  since: z.string(),
});

/** The status that the last alert reported; `ok` after a recovery. */
export type AlertStatus = z.output<typeof alertStatusSchema>;

const runHistorySchema = z.object({
  version: z.literal(1),
  /** Null if no alert was ever sent. */
  alert: alertStatusSchema.nullable(),
  /** The newest run is the last one. */
  runs: z.array(runRecordSchema),
});

/** The records of the last runs, as they are stored next to the state. */
export type RunHistory = z.output<typeof runHistorySchema>;

/**
 * Returns the history that is stored next to a state; `damaged` if what is stored there is not a valid history; undefined if
 * nothing is stored yet.
 */
export async function readRunHistory(store: Pick<StateStore, 'readRuns'>): Promise<RunHistory | 'damaged' | undefined> {
  const text = await store.readRuns();
  return text === undefined ? undefined : (runHistorySchema.safeParse(tryParseJson(text)).data ?? 'damaged');
}

/**
 * The history of a sync, for the process that holds the lock of the state. The history is read when it is first needed. No method
 * throws: if the history can't be read, a new one is started, and if it can't be written, this is reported once.
 */
export class RunLog {
  readonly #store: StateStore;
  readonly #warn: (message: string) => void;
  #history: Promise<RunHistory> | undefined;
  #isReported = false;

  /** @param warn receives warnings. */
  constructor(store: StateStore, warn: (message: string) => void) {
    this.#store = store;
    this.#warn = warn;
  }

  /** Returns the status that the last alert reported; null if no alert was ever sent. */
  async alert(): Promise<AlertStatus | null> {
    return (await this.#load()).alert;
  }

  /** Returns the last runs, the newest last. */
  async runs(): Promise<readonly RunRecord[]> {
    return (await this.#load()).runs;
  }

  async setAlert(alert: AlertStatus): Promise<void> {
    await this.#save({ ...(await this.#load()), alert });
  }

  /** Adds a run as the newest, and drops the oldest ones. */
  async add(run: RunRecord): Promise<void> {
    const history = await this.#load();
    await this.#save({ ...history, runs: [...history.runs, run].slice(-MAX_RUNS) });
  }

  #load(): Promise<RunHistory> {
    this.#history ??= this.#readOrStart();
    return this.#history;
  }

  async #readOrStart(): Promise<RunHistory> {
    const empty: RunHistory = { version: 1, alert: null, runs: [] };
    let problem = `The history of the runs of ${this.#store.location} is damaged.`;
    try {
      const found = await readRunHistory(this.#store);
      if (found !== 'damaged') return found ?? empty;
    } catch (error) {
      problem = messageOf(error);
    }
    this.#warn(`${problem} A new history of the runs is started. The state is not affected.`);
    return empty;
  }

  async #save(history: RunHistory): Promise<void> {
    this.#history = Promise.resolve(history);
    try {
      await this.#store.writeRuns(`${JSON.stringify(history)}\n`);
    } catch (error) {
      if (this.#isReported) return;
      this.#isReported = true;
      this.#warn(
        `${messageOf(error)} clickhouse-to-batch status can't show this run or the runs after it. The state is not affected.`,
      );
    }
  }
}
