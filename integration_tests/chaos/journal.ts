import { z } from 'zod';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { keptRejectedRows } from './rejected-rows.ts';
import type { RunEnd } from './run-end.ts';

/** A state of a round: the so-manieth that the source wrote in a run. */
export type StateName = { run: number; index: number };

/** What was seen in a round, in the order in which it happened. Rows are identified by their id. */
export type Happening =
  /** `given`: the state that the source was given. */
  | { kind: 'run_begins'; given: StateName | undefined }
  /** The platform hands it from the source to the destination. */
  | { kind: 'row_passed'; id: string }
  | { kind: 'state_passed'; state: string }
  | { kind: 'row_accepted'; id: string }
  | { kind: 'row_rejected'; id: string }
  /** `settled`: how many rows the destination says that it settled since the last one. */
  | { kind: 'state_echoed'; state: string; settled: number }
  | { kind: 'run_ends'; end: RunEnd };

const storedEvent = z.object({ attributes: z.object({ id: z.string() }) });

/**
 * Writes down what happens. What Batch has stored, and what rejected rows the destination has kept, is looked up before
 * each entry that is judged by it: both stand in it no later than they happened before that.
 */
export class Journal {
  readonly happenings: Happening[] = [];
  readonly #batch: BatchApi;
  readonly #rejectedFolder: string;
  #accepted = 0;
  readonly #rejected = new Set<string>();
  #hasPassedRow = false;

  constructor(batch: BatchApi, rejectedFolder: string) {
    this.#batch = batch;
    this.#rejectedFolder = rejectedFolder;
  }

  runBegins(given: StateName | undefined): void {
    this.#lookUp();
    this.#hasPassedRow = false;
    this.happenings.push({ kind: 'run_begins', given });
  }

  rowPassed(id: string): void {
    // What has come until now was on its way when the destination of an earlier run was killed.
    if (!this.#hasPassedRow) this.#lookUp();
    this.#hasPassedRow = true;
    this.happenings.push({ kind: 'row_passed', id });
  }

  statePassed(state: string): void {
    this.happenings.push({ kind: 'state_passed', state });
  }

  stateEchoed(state: string, settled: number): void {
    this.#lookUp();
    this.happenings.push({ kind: 'state_echoed', state, settled });
  }

  runEnds(end: RunEnd): void {
    this.#lookUp();
    this.happenings.push({ kind: 'run_ends', end });
  }

  #lookUp(): void {
    for (const { json } of this.#batch.store.events({ offset: this.#accepted })) {
      this.#accepted += 1;
      this.happenings.push({ kind: 'row_accepted', id: storedEvent.parse(JSON.parse(json)).attributes.id });
    }
    for (const id of keptRejectedRows(this.#rejectedFolder)) {
      if (this.#rejected.has(id)) continue;
      this.#rejected.add(id);
      this.happenings.push({ kind: 'row_rejected', id });
    }
  }
}
