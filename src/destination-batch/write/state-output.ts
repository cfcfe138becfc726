import type { ConnectorError } from '../../protocol/errors.ts';
import type { MessageOutput } from '../../protocol/output.ts';
import { serial } from '../../shared/async.ts';
import type { RejectionPolicy } from '../rejected/policy.ts';
import type { RejectedRows } from '../rejected/rejected-rows.ts';
import type { Report } from '../report.ts';
import type { CheckpointTracker, ResolvedState } from './checkpoints.ts';
import { addDestinationStats } from './destination-stats.ts';

export type StateOutputOptions = {
  output: MessageOutput;
  report: Report;
  checkpoints: CheckpointTracker;
  policy: RejectionPolicy;
  /** Undefined if rejected rows are not kept. */
  rejectedRows: RejectedRows | undefined;
  isDryRun: boolean;
  /** Called with an error that ends the session. */
  onError: (error: unknown) => void;
};

/** Writes the messages of the report, and each state once all rows before it are settled. */
export class StateOutput {
  readonly #options: StateOutputOptions;
  readonly #hold: StateHold;
  readonly #inTurn = serial();
  /** The flush that has been requested and has not begun: it serves every request until then. */
  #requested: Promise<void> | undefined;

  constructor(options: StateOutputOptions) {
    this.#options = options;
    this.#hold = new StateHold(options.policy);
  }

  /** Flushes soon, once for all requests until then. */
  requestFlush(): void {
    if (this.#requested === undefined) this.flush().catch(this.#options.onError);
  }

  /** Resolves when everything is written that could be written at the time of the call. */
  flush(): Promise<void> {
    this.#requested ??= this.#inTurn(async () => {
      this.#requested = undefined;
      const { output, report, checkpoints } = this.#options;
      for (const message of report.drainMessages()) await output.write(message);
      await this.#write(this.#hold.pass(checkpoints.takeResolved()));
    });
    return this.#requested;
  }

  /** Writes the states that were held back, or reports the error that keeps them back for good. */
  finish(): Promise<void> {
    return this.#inTurn(() => this.#write(this.#hold.end()));
  }

  async #write({ states, error }: ReleasedStates): Promise<void> {
    await this.#echo(states);
    if (error !== undefined) this.#options.onError(error);
  }

  /** Echoes states, after the rejected rows before them are stored. */
  async #echo(states: readonly ResolvedState[]): Promise<void> {
    const { output, report, rejectedRows, isDryRun, onError } = this.#options;
    const last = states.at(-1);
    if (last === undefined) return;
    try {
      await rejectedRows?.confirm(last.segment);
    } catch (error) {
      // The next states fail here too: RejectedRows refuses everything after an error.
      onError(error);
      return;
    }
    // The cursor must not move over rows that were not sent.
    if (isDryRun) return;
    for (const { state, counts } of states) {
      await output.writeBytes(`${addDestinationStats(state, counts)}\n`);
      report.countCovered(counts.accepted);
    }
  }
}

/** States to echo now, in order, and the error that ends the session after them. */
type ReleasedStates = { states: ResolvedState[]; error: ConnectorError | undefined };

/** Holds resolved states back while it is undecided whether the session has to fail, and releases them in order. */
export class StateHold {
  readonly #policy: RejectionPolicy;
  #held: ResolvedState[] = [];
  #error: ConnectorError | undefined;

  constructor(policy: RejectionPolicy) {
    this.#policy = policy;
  }

  /** Adds resolved states. After an error none is released any more. */
  pass(states: readonly ResolvedState[]): ReleasedStates {
    const released: ResolvedState[] = [];
    for (const state of states) {
      if (this.#error !== undefined) break;
      this.#held.push(state);
      const decision = this.#policy.decide(state.before);
      if (decision.kind === 'failed') this.#error = decision.error;
      else if (decision.kind === 'fine') released.push(...this.#takeHeld());
    }
    return { states: released, error: this.#error };
  }

  /** Decides about the states that are held at the end of the session. */
  end(): ReleasedStates {
    const decision = this.#policy.decideAtEnd();
    if (decision.kind === 'failed') this.#error ??= decision.error;
    return { states: this.#error === undefined ? this.#takeHeld() : [], error: this.#error };
  }

  #takeHeld(): ResolvedState[] {
    const held = this.#held;
    this.#held = [];
    return held;
  }
}
