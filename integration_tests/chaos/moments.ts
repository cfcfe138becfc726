import type { Moment } from './faults.ts';

type Waiting = { moment: Moment; act: () => void };

/** Counts the events of a run, and starts an action at a certain count. */
export class Moments {
  readonly #counts: Record<Moment['after'], number> = { rows: 0, requests: 0, states: 0 };
  #waiting: Waiting[] = [];

  at(moment: Moment, act: () => void): void {
    this.#waiting.push({ moment, act });
  }

  /** The run has begun: what is to be done after 0 of something is due. */
  begin(): void {
    this.#actOnDue();
  }

  /** One more of it has been seen. */
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
