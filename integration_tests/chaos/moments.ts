import type { Moment } from './faults.ts';

type Waiting = { moment: Moment; act: () => void };

/** Counts the rows, requests and states of a run, and starts actions at given counts. */
export class Moments {
  readonly #counts: Record<Moment['after'], number> = { rows: 0, requests: 0, states: 0 };
  #waiting: Waiting[] = [];

  at(moment: Moment, act: () => void): void {
    this.#waiting.push({ moment, act });
  }

  /** Starts the actions that are due at the beginning of the run, at a count of 0. */
  begin(): void {
    this.#actOnDue();
  }

  /** Counts one more row, request or state. */
  seen(what: Moment['after']): void {
    this.#counts[what] += 1;
    this.#actOnDue();
  }

  #actOnDue(): void {
    const isDue = ({ moment }: Waiting): boolean => this.#counts[moment.after] >= moment.count;
    const due = this.#waiting.filter(isDue);
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((waiting) => !isDue(waiting));
    for (const { act } of due) act();
  }
}
