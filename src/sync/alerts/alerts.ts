import { resolve } from 'node:path';
import { type ConnectorError, messageOf } from '../../protocol/errors.ts';
import type { SYNC_ERRORS } from '../../runner/errors.ts';
import { type AlertStatus, type RunLog, readRunHistory } from '../history/run-history.ts';
import { errorFields, type RunRecord } from '../history/run-record.ts';
import type { Reporter } from '../report/reporter.ts';
import type { RunListener } from '../run-listener.ts';
import { parseS3Location } from '../state/s3/location.ts';
import type { StateStore } from '../state/store.ts';
import { buildAlertBody, type ReportedStatus } from './body.ts';
import type { deliverAlert } from './deliver.ts';
import type { AlertOptions } from './options.ts';
import { decideStatus, type Status } from './status.ts';

/** The code of the error if another run holds the lock of the state. */
const LOCKED: keyof typeof SYNC_ERRORS = 'state_file_locked';

type AlertContext = {
  store: Pick<StateStore, 'location' | 'readRuns'>;
  /** Contains the run that has ended, when `runEnded` is called. */
  log: Pick<RunLog, 'alert' | 'setAlert' | 'runs'>;
  reporter: Pick<Reporter, 'log'>;
  /** The name of this machine. */
  host: string;
  /** Aborting it prevents further attempts to deliver an alert. */
  stop: AbortSignal;
  /** Aborting it ends the attempt in progress, too. */
  stopAtOnce: AbortSignal;
  deliver?: typeof deliverAlert;
};

/**
 * Sends an alert when the status of a sync changes. The status that was delivered last is stored next to the state. So an alert
 * that could not be delivered is sent at the end of the next run, unless the status has changed back.
 */
export class Alerts implements RunListener {
  readonly #options: AlertOptions;
  readonly #context: AlertContext;
  /** The streams that a warning was logged for. */
  readonly #warned = new Set<string>();

  constructor(options: AlertOptions, context: AlertContext) {
    this.#options = options;
    this.#context = context;
  }

  async runEnded(run: RunRecord): Promise<void> {
    const { log } = this.#context;
    this.#warnAboutCursors(run);
    const last = (await log.alert()) ?? undefined;
    const delivered = await this.#report(run, await log.runs(), last);
    if (delivered !== undefined) await log.setAlert({ status: delivered, since: run.ended_at });
  }

  /**
   * Reports that no run could start, because the state can't be used. If another run holds the lock, that isn't a failure: that
   * run reports its own status. The status isn't stored, because this process doesn't hold the lock. This method never throws.
   *
   * @param at milliseconds since the epoch.
   */
  async startFailed(error: ConnectorError, at: number): Promise<void> {
    if (error.code === LOCKED) return;
    const { store, reporter } = this.#context;
    const history = await readRunHistory(store).catch(() => undefined);
    const last = history === undefined || history === 'damaged' ? undefined : (history.alert ?? undefined);
    const attempt = recordOfFailedStart(error, new Date(at).toISOString());
    await this.#report(attempt, [attempt], last).catch((cause: unknown) =>
      reporter.log('WARN', 'sync', messageOf(cause)),
    );
  }

  /**
   * Delivers an alert if the status has changed. Returns the new status; undefined if there was nothing to deliver, or if the
   * delivery failed.
   */
  async #report(
    newest: RunRecord,
    runs: readonly RunRecord[],
    last: AlertStatus | undefined,
  ): Promise<Status | undefined> {
    const { store, reporter, host, stop, stopAtOnce } = this.#context;
    const { target, limits } = this.#options;
    const status = decideStatus(runs, last?.status, limits);
    if (status === undefined || status === (last?.status ?? 'ok')) return undefined;
    const reported: ReportedStatus = status === 'ok' ? 'recovered' : status;
    const body = buildAlertBody({ status: reported, last, newest, runs, limits, host, state: identifyState(store) });
    // Loaded only now, because loading the HTTP client takes time and most runs send no alert.
    const deliver = this.#context.deliver ?? (await import('./deliver.ts')).deliverAlert;
    const delivery = await deliver(target, JSON.stringify(body), { stop, stopAtOnce });
    if (delivery.kind === 'delivered') {
      reporter.log('INFO', 'sync', `Alert "${reported}" sent to ${target.url.host}.`);
      return status;
    }
    reporter.log(
      'WARN',
      'sync',
      `The alert "${reported}" could not be sent to ${target.url.host}: ${delivery.reason}. The next run tries again if the status is still the same.`,
    );
    return undefined;
  }

  #warnAboutCursors({ outcome, streams }: RunRecord): void {
    if (this.#options.limits.staleAfterMs === undefined || outcome !== 'succeeded') return;
    for (const { name, namespace, cursor, cursor_column, cursor_time } of streams) {
      const key = JSON.stringify([namespace, name]);
      if (cursor === null || cursor_time !== null || this.#warned.has(key)) continue;
      this.#warned.add(key);
      this.#context.reporter.log(
        'WARN',
        'sync',
        `--stale-after does not apply to "${name}": its cursor "${cursor_column}" is not a time, so the age of its newest row is not known. To be alerted about this stream, set "cursor_column" to a column with the time of the INSERT.`,
      );
    }
  }
}

/** Returns the location of a state in a form that is the same in every folder, because it identifies the sync. */
function identifyState({ location }: Pick<StateStore, 'location'>): string {
  return parseS3Location(location) === undefined ? resolve(location) : location;
}

function recordOfFailedStart(error: ConnectorError, at: string): RunRecord {
  return {
    started_at: at,
    ended_at: at,
    outcome: 'failed',
    sync_mode: 'incremental',
    rows_read: 0,
    rows_accepted: 0,
    rows_rejected: 0,
    rejected: {},
    error: errorFields(error),
    server_clock_offset_ms: null,
    streams: [],
  };
}
