import { ConnectorError } from '../../protocol/errors.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { sourceError } from '../errors/codes.ts';
import { selectAllRows } from '../query/selection.ts';
import type { Instant } from '../schema/instant.ts';
import type { FindUse } from '../schema/required-columns.ts';
import type { Table } from '../schema/table.ts';
import { listNames } from '../streams/named-streams.ts';
import { createCounter, describeFirstRun } from './first-run.ts';
import { nameStream, tryRow } from './try-row.ts';
import { findTableWarnings } from './warnings.ts';

/** The maximum number of warnings. */
export const MAX_WARNINGS = 20;

type Context = {
  clickhouse: ClickHouse;
  configuration: SourceConfiguration;
  /** Cancels the queries that may be slow. */
  stop: AbortSignal;
  findUse: FindUse;
  /** How long to wait for the first row of a stream, and for each count of rows, in milliseconds. */
  timeoutMs: number;
  /** The server's time. */
  now: Instant;
};

/** Tests streams, one at a time, and collects what is found. */
export class StreamChecks {
  readonly #context: Context;
  /** Where the first runs begin. */
  readonly notes: string[] = [];
  readonly warnings: string[] = [];
  /** Whether a query was abandoned. It may still be running, and the user may only be allowed one query at a time. */
  #wasSlow = false;

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * Reads the first row of a stream, and looks for warnings about it.
   *
   * @returns whether the stream was tested: false if an abandoned query keeps the server busy.
   * @throws ConnectorError that says why `read` would fail and what to do.
   */
  async check(stream: Table): Promise<boolean> {
    const { clickhouse, configuration, stop, findUse, timeoutMs, now } = this.#context;
    const result = await this.#tryRow(stream);
    if (stop.aborted) throw createStoppedError();
    if (result === 'untested') return false;
    if (result === 'slow') {
      this.#wasSlow = true;
      this.warnings.push(describeSlowStream(stream.name, configuration.cursor_column, timeoutMs));
    }
    // Don't look for warnings about a slow table, because the queries for them would be as slow. Stop only when there are more
    // warnings than the maximum, so that limitWarnings knows that some are left out.
    const isLookedAt = result === 'readable' && this.warnings.length <= MAX_WARNINGS;
    await this.#describeFirstRun(stream, isLookedAt);
    if (isLookedAt) {
      const found = await findTableWarnings(clickhouse, stream, { configuration, use: findUse(stream.name), now });
      this.warnings.push(...found);
    }
    if (stop.aborted) throw createStoppedError();
    return true;
  }

  async #tryRow(stream: Table): Promise<'readable' | 'slow' | 'untested'> {
    const { clickhouse, configuration, stop, timeoutMs } = this.#context;
    try {
      return await tryRow(clickhouse, stream, configuration, { stop, timeoutMs });
    } catch (error) {
      if (this.#wasSlow && isBusy(error)) return 'untested';
      const names = listNames(configuration);
      if (names.length === 1) throw error;
      throw nameStream(
        stream.name,
        error,
        names.length === 0 ? 'To read only another stream, name it in "table". ' : '',
      );
    }
  }

  async #describeFirstRun(stream: Table, isCounted: boolean): Promise<void> {
    const { clickhouse, configuration, stop, findUse, timeoutMs, now } = this.#context;
    const onSlow = (): void => {
      this.#wasSlow = true;
    };
    const count = isCounted ? createCounter(clickhouse, { stop, timeoutMs, onSlow }) : async () => undefined;
    const start = { startFrom: configuration.start_from, now, use: findUse(stream.name) };
    const notes = await describeFirstRun(clickhouse, selectAllRows(stream, configuration), start, count);
    for (const { level, message } of notes) (level === 'WARN' ? this.warnings : this.notes).push(message);
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof ConnectorError && error.code === 'clickhouse_busy';
}

function describeSlowStream(name: string, cursorColumn: string, timeoutMs: number): string {
  return `The first row of "${name}" did not arrive within ${timeoutMs / 1_000} seconds, so check stopped waiting for it. In each run, ClickHouse sorts the rows by ${cursorColumn} before it returns the first one. Make ${cursorColumn} the first column of the table's ORDER BY.`;
}

function createStoppedError(): ConnectorError {
  return sourceError('clickhouse_cut_off', 'A signal stopped the check before it was complete. Run it again.');
}
