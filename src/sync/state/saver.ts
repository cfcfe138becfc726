import { asConnectorError, type ConnectorError } from '../../protocol/errors.ts';
import type { StateMessage } from '../../runner/messages.ts';
import { serial } from '../../shared/async.ts';
import type { StateFile } from './file.ts';

/** The minimum time between two saves, in milliseconds. A crash loses the states of at most this time. */
const SAVE_INTERVAL_MS = 1_000;

/** Saves states to the state file as they arrive, at most once a second. */
export class StateSaver {
  readonly #file: Pick<StateFile, 'put' | 'save'>;
  readonly #onError: () => void;
  #timer: NodeJS.Timeout | undefined;
  readonly #inTurn = serial();
  #lastSave = Number.NEGATIVE_INFINITY;
  #isNew = false;
  #settled = 0;
  #kept = 0;
  #error: ConnectorError | undefined;

  /** @param onError called at the first error: the run should then end. */
  constructor(file: Pick<StateFile, 'put' | 'save'>, onError: () => void) {
    this.#file = file;
    this.#onError = onError;
  }

  /** The number of rows that the states in the file cover. */
  get savedRows(): number {
    return this.#kept;
  }

  keep({ key, line, accepted, rejected }: StateMessage): void {
    this.#file.put(key, line);
    this.#settled += accepted + rejected;
    this.#isNew = true;
    if (this.#error === undefined) this.#timer ??= setTimeout(() => this.#save(), this.#untilNextSave());
  }

  /**
   * Saves the last states. It tries again after an error, whose cause may be gone, so that no row is sent again unnecessarily.
   *
   * @returns the first error, because it ended the run early, even if a later save succeeded.
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
      await this.#file.save();
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
