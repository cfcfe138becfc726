import { formatCount, formatList } from '../../src/shared/format.ts';
import type { JournalEntry, StateName } from './journal.ts';
import { causeToSendAgain, complaintsAboutEnds, type RunEnd } from './run-end.ts';

/** What is known about a round at its end. */
export type Evidence = {
  entries: readonly JournalEntry[];
  /** Rows in the table. */
  table: ReadonlySet<string>;
  /** Rows in the table that appeared too late for the lookback, so that the source may have missed them. */
  tooLate: ReadonlySet<string>;
  /** Rows in the files of rejected rows. A row that is stored twice is listed twice. */
  rejected: readonly string[];
};

/** The maximum number of ids in a complaint. */
const MAX_IDS = 5;

/**
 * Checks a round against what the connectors promise, and returns a complaint for each broken promise:
 *
 * 1. Every row of the table is accepted by Batch, or rejected with a stored reason.
 * 2. A row is sent again only if the state that the run starts from does not cover it. A run leaves sent rows without a state only
 *    after a fault that explains it, such as SIGKILL; SIGTERM does not. Within a run, Batch stores a row twice only after a
 *    request whose outcome was unknown.
 * 3. When a state is echoed, all rows before it have already been accepted or rejected.
 * 4. Each process ends as documented.
 */
export function complaints(evidence: Evidence): string[] {
  const ledger = new Ledger();
  for (const entry of evidence.entries) ledger.enter(entry);
  return ledger.close(evidence);
}

/** The rows and states of a run, in the order in which the platform passed them on. */
class Run {
  readonly rows: string[] = [];
  readonly states: { state: string; rowsBefore: number }[] = [];
  readonly sent = new Set<string>();
  /** Rows that were read although the state that the run started from covers them. */
  readonly repeated: string[] = [];
  readonly #coveredBefore: ReadonlySet<string>;
  echoed = 0;

  /** @param coveredBefore the rows that are covered by the state that the run started from. */
  constructor(coveredBefore: ReadonlySet<string>) {
    this.#coveredBefore = coveredBefore;
  }

  wasCovered(id: string): boolean {
    return this.#coveredBefore.has(id);
  }

  /** The number of rows before the last echoed state. */
  get rowsEchoed(): number {
    return this.states[this.echoed - 1]?.rowsBefore ?? 0;
  }

  /** Returns the rows that are covered after a number of states of this run. */
  covered(states: number): Set<string> {
    const rowsBefore = this.states[states - 1]?.rowsBefore ?? 0;
    return new Set([...this.#coveredBefore, ...this.rows.slice(0, rowsBefore)]);
  }
}

class Ledger {
  readonly #complaints: string[] = [];
  readonly #runs: Run[] = [];
  readonly #passed = new Map<string, number>();
  readonly #accepted = new Map<string, number>();
  readonly #rejected = new Set<string>();
  #eventsOfUnknownOutcome = 0;
  #areRepeatsAllowed = false;

  enter(entry: JournalEntry): void {
    if (entry.kind === 'run_begins') {
      this.#runs.push(new Run(this.#coveredBy(entry.resumesFrom)));
      return;
    }
    const run = this.#runs.at(-1);
    switch (entry.kind) {
      case 'row_passed':
        if (run !== undefined) this.#rowPassed(run, entry.id);
        break;
      case 'state_passed':
        run?.states.push({ state: entry.state, rowsBefore: run.rows.length });
        break;
      case 'row_accepted':
        addOne(this.#accepted, entry.id);
        run?.sent.add(entry.id);
        break;
      case 'row_rejected':
        this.#rejected.add(entry.id);
        break;
      case 'state_echoed':
        if (run !== undefined) this.#stateEchoed(run, entry.state, entry.settled);
        break;
      case 'run_ends':
        if (run !== undefined) this.#runEnds(run, entry.end);
        break;
    }
  }

  close({ table, tooLate, rejected }: Evidence): string[] {
    const stored = new Set(rejected);
    const isSettled = (id: string): boolean => this.#accepted.has(id) || stored.has(id);
    this.#complainOf(
      [...table].filter((id) => !isSettled(id) && !tooLate.has(id)),
      'Rows were lost: neither accepted nor stored as rejected',
    );
    this.#complainOf(
      [...this.#accepted.keys()].filter((id) => !table.has(id)),
      'Rows were accepted that are not in the table',
    );
    this.#judgeRepeats(rejected);
    return this.#complaints;
  }

  #coveredBy(state: StateName | undefined): ReadonlySet<string> {
    return (state && this.#runs[state.run]?.covered(state.index + 1)) ?? new Set();
  }

  #rowPassed(run: Run, id: string): void {
    if (run.wasCovered(id)) run.repeated.push(id);
    // Rows that Batch stored before the first row of this run belong to an earlier run.
    if (run.rows.length === 0) run.sent.clear();
    run.rows.push(id);
    addOne(this.#passed, id);
  }

  #stateEchoed(run: Run, state: string, settled: number): void {
    const before = run.rowsEchoed;
    const passed = run.states[run.echoed];
    run.echoed += 1;
    if (passed === undefined || passed.state !== state) {
      this.#complain(`Echoed state ${run.echoed} is not state ${run.echoed} of the source: ${state}`);
      return;
    }
    const rows = run.rows.slice(before, passed.rowsBefore);
    this.#complainOf(
      rows.filter((id) => !this.#accepted.has(id) && !this.#rejected.has(id)),
      `State ${run.echoed} was echoed before these rows were accepted or rejected`,
    );
    if (settled !== rows.length) {
      this.#complain(
        `Echoed state ${run.echoed} counts ${settled} rows since the previous state instead of ${rows.length}`,
      );
    }
  }

  #runEnds(run: Run, end: RunEnd): void {
    for (const complaint of complaintsAboutEnds(end)) this.#complain(complaint);
    this.#complainOf(run.repeated, 'Rows were read again although the state that the run started from covers them');
    this.#eventsOfUnknownOutcome += end.eventsOfUnknownOutcome;
    const isStateLost = end.occurred.some(({ kind }) => kind === 'disk_full');
    if (causeToSendAgain(end) !== undefined) {
      this.#areRepeatsAllowed = true;
      return;
    }
    // The echoed states were right, but the platform could not save them.
    this.#areRepeatsAllowed ||= isStateLost;
    const uncovered = run.rows.slice(run.rowsEchoed).filter((id) => run.sent.has(id));
    this.#complainOf(uncovered, 'Rows were sent but no state covers them, and no fault explains it');
  }

  #judgeRepeats(rejected: readonly string[]): void {
    const settled = new Map(this.#accepted);
    for (const id of rejected) addOne(settled, id);
    const more = [...settled].filter(([id, times]) => times > (this.#passed.get(id) ?? 0));
    const repeats = more.reduce((sum, [id, times]) => sum + times - (this.#passed.get(id) ?? 0), 0);
    if (repeats > this.#eventsOfUnknownOutcome) {
      this.#complainOf(
        more.map(([id]) => id),
        `Rows were stored or rejected ${repeats} times more than they were passed on, but only ${this.#eventsOfUnknownOutcome} events were in requests of unknown outcome`,
      );
    }
    if (this.#areRepeatsAllowed || this.#eventsOfUnknownOutcome > 0) return;
    this.#complainOf(
      [...settled].filter(([, times]) => times > 1).map(([id]) => id),
      'Rows were stored or rejected twice, and no fault explains it',
    );
  }

  #complainOf(ids: readonly string[], problem: string): void {
    if (ids.length === 0) return;
    this.#complain(`${problem} (${formatCount(ids.length, 'row')}): ${formatList(ids, MAX_IDS)}`);
  }

  #complain(problem: string): void {
    this.#complaints.push(`Run ${this.#runs.length}: ${problem}`);
  }
}

function addOne(counts: Map<string, number>, id: string): void {
  counts.set(id, (counts.get(id) ?? 0) + 1);
}
