import type { MessageOutput } from '../../protocol/output.ts';
import { serial } from '../../shared/async.ts';
import type { Policy } from '../rejected/policy.ts';
import type { RejectedRowSink } from '../rejected/rejected-rows.ts';
import type { Report } from '../report.ts';
import type { CheckpointTracker, ResolvedState } from './checkpoints.ts';
import { addDestinationStats } from './destination-stats.ts';
import { type ReleasedStates, StateHold } from './state-hold.ts';

export type StateOutputOptions = {
  output: MessageOutput;
  report: Report;
  checkpoints: CheckpointTracker;
  policy: Policy;
  /** Undefined if rejected rows are not stored. */
  rejectedRows: RejectedRowSink | undefined;
  /**
   * A dry run echoes no states, because the cursor must not move past rows that were not sent. A retry echoes none
   * either, because it has no cursor.
   */
  echoesStates: boolean;
  /** Called with an error that ends the session. */
  onError: (error: unknown) => void;
};

/** Writes the messages of the report, and each state once all rows before it are settled. */
export class StateOutput {
  readonly #options: StateOutputOptions;
  readonly #hold: StateHold;
  readonly #inTurn = serial();
  /** A flush that was requested but has not started yet. Further requests share this flush. */
  #requested: Promise<void> | undefined;

  constructor(options: StateOutputOptions) {
    this.#options = options;
    this.#hold = new StateHold(options.policy);
  }

  /** Requests a flush. All requests that are made before it starts share one flush. */
  requestFlush(): void {
    if (this.#requested === undefined) this.flush().catch(this.#options.onError);
  }

  /** Writes all messages and states that can be written at the time of the call. */
  flush(): Promise<void> {
    this.#requested ??= this.#inTurn(async () => {
      this.#requested = undefined;
      const { output, report, checkpoints } = this.#options;
      for (const message of report.drainMessages()) await output.write(message);
      await this.#write(this.#hold.pass(checkpoints.takeResolved()));
    });
    return this.#requested;
  }

  /** Writes the states that were held back, or reports the error that prevents this. */
  finish(): Promise<void> {
    return this.#inTurn(() => this.#write(this.#hold.end()));
  }

  async #write({ states, error }: ReleasedStates): Promise<void> {
    await this.#echo(states);
    if (error !== undefined) this.#options.onError(error);
  }

  /** Makes sure that the rejected rows that precede these states are stored, then echoes the states. */
  async #echo(states: readonly ResolvedState[]): Promise<void> {
    const { output, report, rejectedRows, echoesStates, onError } = this.#options;
    if (states.length === 0) return;
    try {
      await rejectedRows?.confirm(states.map(({ covers }) => covers));
    } catch (error) {
      // Later states are not echoed either, because after an error all further calls of RejectedRows fail.
      onError(error);
      return;
    }
    if (!echoesStates) return;
    for (const { state, counts } of states) {
      await output.writeBytes(`${addDestinationStats(state, counts)}\n`);
      report.countCovered(counts.accepted);
    }
  }
}
