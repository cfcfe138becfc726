import type { Happening, StateName } from './journal.ts';
import { causeToSendAgain, complaintsAboutEnds, type RunEnd } from './run-end.ts';

/** All that is known of a round at its end. */
export type Evidence = {
  happenings: readonly Happening[];
  /** Rows in the table. */
  table: ReadonlySet<string>;
  /** Those of them that appeared later than the source promises to look for them. */
  tooLate: ReadonlySet<string>;
  /** Rows in the files of rejected rows, as often as they occur there. */
  rejected: readonly string[];
};

/** Ids that a complaint names at most. */
const IDS_NAMED = 5;

/**
 * Holds what happened in a round against what is promised. Empty when all of it was kept:
 *
 * 1. Every row of the table was accepted by Batch, or rejected with a reason that was kept.
 * 2. A row is sent again only when the state that its run was given does not cover it, and that state leaves out rows
 *    that were sent only when something happened that takes it away: not a SIGTERM. Within a run a row is stored twice
 *    only by a request whose outcome was unknown.
 * 3. When a state is echoed, all rows before it are accepted or rejected already.
 */
export function complaints(evidence: Evidence): string[] {
  const ledger = new Ledger();
  for (const happening of evidence.happenings) ledger.enter(happening);
  return ledger.close(evidence);
}

/** The rows and states of a run, in the order in which they passed. */
class Run {
  readonly rows: string[] = [];
  readonly states: { state: string; rowsBefore: number }[] = [];
  readonly sent = new Set<string>();
  /** Rows that came although the state covers them which it began with. */
  readonly again: string[] = [];
  readonly #given: ReadonlySet<string>;
  echoed = 0;

  /** @param given the rows that the state covers which it began with. */
  constructor(given: ReadonlySet<string>) {
    this.#given = given;
  }

  isGiven(id: string): boolean {
    return this.#given.has(id);
  }

  /** How many rows lie before the last state that was echoed. */
  get rowsEchoed(): number {
    return this.states[this.echoed - 1]?.rowsBefore ?? 0;
  }

  /** The rows that a state of this run covers. */
  covered(states: number): Set<string> {
    const rowsBefore = this.states[states - 1]?.rowsBefore ?? 0;
    return new Set([...this.#given, ...this.rows.slice(0, rowsBefore)]);
  }
}

class Ledger {
  readonly #complaints: string[] = [];
  readonly #runs: Run[] = [];
  readonly #passed = new Map<string, number>();
  readonly #accepted = new Map<string, number>();
  readonly #rejected = new Set<string>();
  #eventsOfUnknownOutcome = 0;
  #isAnyRepeatRight = false;

  enter(happening: Happening): void {
    if (happening.kind === 'run_begins') {
      this.#runs.push(new Run(this.#coveredBy(happening.given)));
      return;
    }
    const run = this.#runs.at(-1);
    switch (happening.kind) {
      case 'row_passed':
        if (run !== undefined) this.#rowPassed(run, happening.id);
        break;
      case 'state_passed':
        run?.states.push({ state: happening.state, rowsBefore: run.rows.length });
        break;
      case 'row_accepted':
        addOne(this.#accepted, happening.id);
        run?.sent.add(happening.id);
        break;
      case 'row_rejected':
        this.#rejected.add(happening.id);
        break;
      case 'state_echoed':
        if (run !== undefined) this.#stateEchoed(run, happening.state, happening.settled);
        break;
      case 'run_ends':
        if (run !== undefined) this.#runEnds(run, happening.end);
        break;
    }
  }

  close({ table, tooLate, rejected }: Evidence): string[] {
    const kept = new Set(rejected);
    const isSettled = (id: string): boolean => this.#accepted.has(id) || kept.has(id);
    this.#complainOf(
      [...table].filter((id) => !isSettled(id) && !tooLate.has(id)),
      'are lost: neither accepted nor kept as rejected',
    );
    this.#complainOf(
      [...this.#accepted.keys()].filter((id) => !table.has(id)),
      'were accepted and are not in the table',
    );
    this.#judgeRepeats(rejected);
    return this.#complaints;
  }

  #coveredBy(state: StateName | undefined): ReadonlySet<string> {
    return (state && this.#runs[state.run]?.covered(state.index + 1)) ?? new Set();
  }

  #rowPassed(run: Run, id: string): void {
    if (run.isGiven(id)) run.again.push(id);
    if (run.rows.length === 0) {
      // What Batch stored before belongs to an earlier run.
      run.sent.clear();
    }
    run.rows.push(id);
    addOne(this.#passed, id);
  }

  #stateEchoed(run: Run, state: string, settled: number): void {
    const before = run.rowsEchoed;
    const passed = run.states[run.echoed];
    run.echoed += 1;
    if (passed === undefined || passed.state !== state) {
      this.#complain(`The state ${run.echoed} that was echoed is not the one that was passed: ${state}`);
      return;
    }
    const rows = run.rows.slice(before, passed.rowsBefore);
    this.#complainOf(
      rows.filter((id) => !this.#accepted.has(id) && !this.#rejected.has(id)),
      `were neither stored nor rejected when the state ${run.echoed} behind them was echoed`,
    );
    if (settled !== rows.length) {
      this.#complain(`The state ${run.echoed} tells of ${settled} rows since the last one; there were ${rows.length}.`);
    }
  }

  #runEnds(run: Run, end: RunEnd): void {
    for (const complaint of complaintsAboutEnds(end)) this.#complain(complaint);
    this.#complainOf(run.again, 'came again, although the state that the source was given covers them');
    this.#eventsOfUnknownOutcome += end.eventsOfUnknownOutcome;
    const isStateLost = end.met.some(({ kind }) => kind === 'disk_full');
    if (causeToSendAgain(end) !== undefined) {
      this.#isAnyRepeatRight = true;
      return;
    }
    // Its states were true; the platform could not keep them.
    this.#isAnyRepeatRight ||= isStateLost;
    const uncovered = run.rows.slice(run.rowsEchoed).filter((id) => run.sent.has(id));
    this.#complainOf(uncovered, 'were sent and no state covers them, in a run that nothing took away');
  }

  #judgeRepeats(rejected: readonly string[]): void {
    const settled = new Map(this.#accepted);
    for (const id of rejected) addOne(settled, id);
    const more = [...settled].filter(([id, times]) => times > (this.#passed.get(id) ?? 0));
    const repeats = more.reduce((sum, [id, times]) => sum + times - (this.#passed.get(id) ?? 0), 0);
    if (repeats > this.#eventsOfUnknownOutcome) {
      this.#complainOf(
        more.map(([id]) => id),
        `were stored or rejected more often than they were passed: ${repeats} times too often, while ${this.#eventsOfUnknownOutcome} events were in requests of unknown outcome`,
      );
    }
    if (this.#isAnyRepeatRight || this.#eventsOfUnknownOutcome > 0) return;
    this.#complainOf(
      [...settled].filter(([, times]) => times > 1).map(([id]) => id),
      'were stored or rejected twice, in a round without any cause for it',
    );
  }

  #complainOf(ids: readonly string[], what: string): void {
    if (ids.length === 0) return;
    const named = ids.slice(0, IDS_NAMED).join(', ');
    this.#complain(`${ids.length} rows ${what}: ${named}${ids.length > IDS_NAMED ? ', …' : ''}`);
  }

  #complain(what: string): void {
    this.#complaints.push(`Run ${this.#runs.length}: ${what}`);
  }
}

function addOne(counts: Map<string, number>, id: string): void {
  counts.set(id, (counts.get(id) ?? 0) + 1);
}
