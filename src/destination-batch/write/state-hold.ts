import type { ConnectorError } from '../../protocol/errors.ts';
import type { Policy } from '../rejected/policy.ts';
import type { ResolvedState } from './checkpoints.ts';

/** States to echo now, in order, and the error that ends the session after them. */
export type ReleasedStates = { states: ResolvedState[]; error: ConnectorError | undefined };

/**
 * Holds back resolved states until it is decided whether the session fails, and releases them in order. The policy decides
 * (rejected/policy.ts). A state with unsettled rows before it is not resolved yet (checkpoints.ts).
 */
export class StateHold {
  readonly #policy: Policy;
  #held: ResolvedState[] = [];
  #error: ConnectorError | undefined;

  constructor(policy: Policy) {
    this.#policy = policy;
  }

  /**
   * Adds resolved states, and returns the states that can be echoed now. After an error, no more states are released.
   */
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

  /** Decides about the held states at the end of the session. */
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
