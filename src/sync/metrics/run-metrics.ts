import { AggregatorRegistry } from 'prom-client';
import type { DestinationMetrics } from '../../protocol/analytics.ts';
import type { RunCursors, RunRecord } from '../history/run-record.ts';
import type { Progress } from '../progress.ts';
import type { RunListener } from '../run-listener.ts';
import { countOutcome, countRun, type Outcome } from './counters.ts';
import { createFamily, type MetricFamily } from './definitions.ts';
import { describeBuild, describeCursors, describeLastRuns } from './gauges.ts';

/** The counters before any run. */
const ZEROS: readonly MetricFamily[] = [...countRun(0, undefined), countOutcome(undefined)];

/** What is known of the active run. */
type ActiveRun = { rowsRead: number; metrics: DestinationMetrics; readCursors: () => RunCursors };

/**
 * The metrics of all runs of this process. Counters include the active run and never decrease: when a run ends, its counts are
 * added to those of the runs before it.
 */
export class RunMetrics implements RunListener {
  /** The counters of the runs that have ended, in prom-client's format for metrics of other processes. */
  #ended: readonly object[];
  /** Undefined between the runs, and until the destination reports its first metrics. */
  #active: ActiveRun | undefined;
  #tokensLeft: number | undefined;
  readonly #lastRuns = new Map<Outcome, RunRecord>();
  #last: RunRecord | undefined;
  /** The cursors of the last run in which any stream has a cursor. See `#remember` for an exception. */
  #cursors: RunCursors | undefined;

  /**
   * @param runs earlier runs, the newest last.
   * @param carried the counters of earlier processes, if the counters continue from them.
   */
  constructor(runs: readonly RunRecord[], carried: readonly MetricFamily[] = []) {
    this.#ended = carried;
    for (const run of runs) this.#remember(run);
  }

  /** The last run that has ended. */
  get last(): RunRecord | undefined {
    return this.#last;
  }

  /** The cursors of the active run if it has any, otherwise those of an earlier run; undefined if no stream has a cursor yet. */
  get cursors(): RunCursors | undefined {
    const active = this.#active?.readCursors();
    return active !== undefined && haveCursors(active) ? active : this.#cursors;
  }

  /** The counters of the runs that have ended. A later process can continue from them. */
  get counters(): readonly object[] {
    return this.#ended;
  }

  progress({ rowsRead }: Progress, metrics: DestinationMetrics, readCursors: () => RunCursors): void {
    this.#active = { rowsRead, metrics, readCursors };
    this.#tokensLeft = metrics.tokens_left;
  }

  async runEnded(record: RunRecord): Promise<void> {
    const run = [...countRun(record.rows_read, this.#active?.metrics), countOutcome(record.outcome)];
    this.#ended = await AggregatorRegistry.aggregate([this.#ended, run]).getMetricsAsJSON();
    this.#active = undefined;
    this.#remember(record);
  }

  /**
   * Returns the metrics in Prometheus' text format.
   *
   * @param labels labels that are added to every value.
   * @param now milliseconds since the epoch, for the age of the cursors. If undefined, the age is left out.
   */
  format(labels: Record<string, string>, now?: number): Promise<string> {
    const active = this.#active === undefined ? [] : countRun(this.#active.rowsRead, this.#active.metrics);
    const gauges = [
      describeBuild(),
      createFamily('tokens_left', this.#tokensLeft === undefined ? [] : [{ labels: {}, value: this.#tokensLeft }]),
      ...describeLastRuns(this.#lastRuns),
      ...describeCursors(this.cursors, now),
    ];
    const registry = AggregatorRegistry.aggregate([ZEROS, this.#ended, active, gauges]);
    registry.setDefaultLabels(labels);
    return registry.metrics();
  }

  #remember(run: RunRecord): void {
    this.#last = run;
    this.#lastRuns.set(run.outcome, run);
    // The record of a run that failed before it read rows may list all streams of the state, even those that are no longer synced.
    // So its cursors are used only if no others are known.
    const isComplete = run.outcome !== 'failed' || run.rows_read > 0 || this.#cursors === undefined;
    if (isComplete && haveCursors(run)) this.#cursors = run;
  }
}

/** Checks whether any stream has a cursor. In a full refresh, and before the first row, none has. */
function haveCursors({ streams }: RunCursors): boolean {
  return streams.some(({ cursor }) => cursor !== null);
}
