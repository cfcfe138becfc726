import { z } from 'zod';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { readRejectedRows } from './rejected-rows.ts';
import type { RunEnd } from './run-end.ts';

/** Identifies a state of a round: the number of the run, and the state's index among the states of that run. */
export type StateName = { run: number; index: number };

/** Something that happened in a round. Rows are identified by their id. */
export type JournalEntry =
  /** `resumesFrom`: the state that the source was started with. */
  | { kind: 'run_begins'; resumesFrom: StateName | undefined }
  /** The platform passed the row from the source to the destination. */
  | { kind: 'row_passed'; id: string }
  | { kind: 'state_passed'; state: string }
  | { kind: 'row_accepted'; id: string }
  | { kind: 'row_rejected'; id: string }
  /** `settled`: the number of rows since the previous state, according to the `destinationStats` of this one. */
  | { kind: 'state_echoed'; state: string; settled: number }
  | { kind: 'run_ends'; end: RunEnd };

const storedEvent = z.object({ attributes: z.object({ id: z.string() }) });

/**
 * Records what happens in a round, in order. Before each entry that depends on it, the journal looks up which rows Batch has
 * stored and which rejected rows are in the files. So these rows are always recorded before that entry.
 */
export class Journal {
  readonly entries: JournalEntry[] = [];
  readonly #batch: BatchApi;
  readonly #rejectedFolder: string;
  #accepted = 0;
  readonly #rejected = new Set<string>();
  #hasPassedRow = false;

  constructor(batch: BatchApi, rejectedFolder: string) {
    this.#batch = batch;
    this.#rejectedFolder = rejectedFolder;
  }

  runBegins(resumesFrom: StateName | undefined): void {
    this.#lookUp();
    this.#hasPassedRow = false;
    this.entries.push({ kind: 'run_begins', resumesFrom });
  }

  rowPassed(id: string): void {
    // Rows that were stored until now were in flight when the destination of an earlier run was killed.
    if (!this.#hasPassedRow) this.#lookUp();
    this.#hasPassedRow = true;
    this.entries.push({ kind: 'row_passed', id });
  }

  statePassed(state: string): void {
    this.entries.push({ kind: 'state_passed', state });
  }

  stateEchoed(state: string, settled: number): void {
    this.#lookUp();
    this.entries.push({ kind: 'state_echoed', state, settled });
  }

  runEnds(end: RunEnd): void {
    this.#lookUp();
    this.entries.push({ kind: 'run_ends', end });
  }

  #lookUp(): void {
    for (const { json } of this.#batch.store.events({ offset: this.#accepted })) {
      this.#accepted += 1;
      this.entries.push({ kind: 'row_accepted', id: storedEvent.parse(JSON.parse(json)).attributes.id });
    }
    for (const id of readRejectedRows(this.#rejectedFolder)) {
      if (this.#rejected.has(id)) continue;
      this.#rejected.add(id);
      this.entries.push({ kind: 'row_rejected', id });
    }
  }
}
