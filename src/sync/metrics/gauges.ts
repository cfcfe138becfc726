import manifest from '../../../package.json' with { type: 'json' };
import { durationOf, type RunCursors, type RunRecord } from '../history/run-record.ts';
import { OUTCOMES, type Outcome } from './counters.ts';
import { createFamily, type MetricFamily, type MetricValue } from './definitions.ts';

/** Returns the version of this program. */
export function describeBuild(): MetricFamily {
  return createFamily('build_info', [{ labels: { version: manifest.version }, value: 1 }]);
}

/** Returns when the last run of each outcome ended, and how long it took. */
export function describeLastRuns(runs: ReadonlyMap<Outcome, RunRecord>): MetricFamily[] {
  const last = OUTCOMES.map((outcome) => ({ labels: { outcome }, run: runs.get(outcome) }));
  return [
    createFamily(
      'last_run_timestamp_seconds',
      last.map(({ labels, run }) => ({ labels, value: run === undefined ? 0 : toSeconds(Date.parse(run.ended_at)) })),
    ),
    createFamily(
      'last_run_duration_seconds',
      last.flatMap(({ labels, run }) => (run === undefined ? [] : [{ labels, value: toSeconds(durationOf(run)) }])),
    ),
  ];
}

/**
 * Returns the cursors of the streams, and their age. Cursors that are not times are left out.
 *
 * @param cursors undefined if no stream has a cursor yet.
 * @param now milliseconds since the epoch by this machine's clock; undefined leaves out the age.
 */
export function describeCursors(cursors: RunCursors | undefined, now: number | undefined): MetricFamily[] {
  const times = (cursors?.streams ?? []).flatMap(({ name, namespace, cursor_time }) =>
    cursor_time === null
      ? []
      : [{ labels: { database: namespace ?? '', stream: name }, time: Date.parse(cursor_time) }],
  );
  const timestamps = times.map(({ labels, time }): MetricValue => ({ labels, value: toSeconds(time) }));
  const families = [createFamily('cursor_timestamp_seconds', timestamps)];
  if (now === undefined) return families;
  const serverNow = now + (cursors?.server_clock_offset_ms ?? 0);
  const lags = times.map(({ labels, time }): MetricValue => ({ labels, value: toSeconds(serverNow - time) }));
  return [...families, createFamily('cursor_lag_seconds', lags)];
}

function toSeconds(milliseconds: number): number {
  return milliseconds / 1_000;
}
