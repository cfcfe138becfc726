import { asConnectorError, type ConnectorError } from '../../protocol/errors.ts';
import type { StateMessage } from '../../runner/messages.ts';
import { serial } from '../../shared/async.ts';
import type { SyncState } from './sync-state.ts';

/** The minimum time between two saves, in milliseconds. A crash loses only the states that arrived within this time. */
const SAVE_INTERVAL_MS = 1_000;

/** Saves states to the store as they arrive, at most once a second. */
export class StateSaver {
  readonly #state: Pick<SyncState, 'put' | 'save'>;
  readonly #onError: () => void;
  #timer: NodeJS.Timeout | undefined;
  readonly #inTurn = serial();
  #lastSave = Number.NEGATIVE_INFINITY;
  #hasUnsavedState = false;
  /** The number of rows that the received states cover. */
  #receivedRows = 0;
  #savedRows = 0;
  #error: ConnectorError | undefined;

  /** @param onError called at the first error: the run should then end. */
  constructor(state: Pick<SyncState, 'put' | 'save'>, onError: () => void) {
    this.#state = state;
    this.#onError = onError;
  }

  /** The number of rows of this run that the states in the store cover. */
  get savedRows(): number {
    return this.#savedRows;
  }

  /** Receives a state, to save it within a second. */
  put({ key, line, accepted, rejected }: StateMessage): void {
    this.#state.put(key, line);
    this.#receivedRows += accepted + rejected;
    this.#hasUnsavedState = true;
    if (this.#error === undefined) this.#timer ??= setTimeout(() => this.#save(), this.#untilNextSave());
  }

  /**
   * Saves the last states. If an earlier save failed, this tries again, because the cause may be gone. With an older state, the
   * next run would send more rows again than necessary.
   *
   * @returns the first error, even if a later save succeeded, because the error ended the run early; undefined if there was none.
   */
  async close(): Promise<ConnectorError | undefined> {
    await this.#save();
    return this.#error;
  }

  #untilNextSave(): number {
    return Math.max(0, this.#lastSave + SAVE_INTERVAL_MS - performance.now());
  }

  #save(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return this.#inTurn(() => this.#saveIfNeeded());
  }

  async #saveIfNeeded(): Promise<void> {
    if (!this.#hasUnsavedState) return;
    this.#hasUnsavedState = false;
    const rows = this.#receivedRows;
    try {
      await this.#state.save();
      this.#savedRows = rows;
      this.#lastSave = performance.now();
    } catch (error) {
      this.#hasUnsavedState = true;
      if (this.#error !== undefined) return;
      this.#error = asConnectorError(error);
      this.#onError();
    }
  }
}
