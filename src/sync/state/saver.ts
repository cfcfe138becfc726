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
  #isNew = false;
  #settled = 0;
  #kept = 0;
  #error: ConnectorError | undefined;

  /** @param onError called at the first error: the run should then end. */
  constructor(state: Pick<SyncState, 'put' | 'save'>, onError: () => void) {
    this.#state = state;
    this.#onError = onError;
  }

  /** The number of rows of this run that the states in the store cover. */
  get savedRows(): number {
    return this.#kept;
  }

  keep({ key, line, accepted, rejected }: StateMessage): void {
    this.#state.put(key, line);
    this.#settled += accepted + rejected;
    this.#isNew = true;
    if (this.#error === undefined) this.#timer ??= setTimeout(() => this.#save(), this.#untilNextSave());
  }

  /**
   * Saves the last states. If an earlier save failed, this tries again: the cause may be gone, and with an older state, the next run would resend more rows than necessary.
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
    return this.#inTurn(() => this.#saveNews());
  }

  async #saveNews(): Promise<void> {
    if (!this.#isNew) return;
    this.#isNew = false;
    const settled = this.#settled;
    try {
      await this.#state.save();
      this.#kept = settled;
      this.#lastSave = performance.now();
    } catch (error) {
      this.#isNew = true;
      if (this.#error !== undefined) return;
      this.#error = asConnectorError(error);
      this.#onError();
    }
  }
}
