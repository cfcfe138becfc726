import { asConnectorError, type ConnectorError } from '../../protocol/errors.ts';
import type { StateMessage } from '../../runner/messages.ts';
import { serial } from '../../shared/async.ts';
import type { StateFile } from './file.ts';

/** How often a state is written while they come, in milliseconds. So much a crash sends again at the most. */
const SAVE_INTERVAL_MS = 1_000;

/** Writes states to their file as they come, not more often than is of use. */
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

  /** @param onError is told of the first failure, when the run should end. */
  constructor(file: Pick<StateFile, 'put' | 'save'>, onError: () => void) {
    this.#file = file;
    this.#onError = onError;
  }

  /** Rows that were accepted or rejected before a state that is in the file. */
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
   * Writes the last states, also after a failure, which may have passed: what has been delivered need not be sent again.
   *
   * @returns the first failure, by which the run was ended before its time, whether or not it has passed.
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
