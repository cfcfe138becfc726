import type { ConfiguredCatalog, ConfiguredStream } from '../../protocol/catalog.ts';
import { asConnectorError } from '../../protocol/errors.ts';
import { errorTrace, log, streamEstimate, streamStatus } from '../../protocol/messages.ts';
import { OutputClosedError } from '../../protocol/output.ts';
import type { InputState } from '../../protocol/state.ts';
import { findUnsetCursorsOfSmallTable } from '../check/unset-cursors.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { type Estimate, estimateRows } from '../query/estimate.ts';
import { readLookbackWindow } from '../query/lookback-window.ts';
import { resolveStream } from '../query/selection.ts';
import { chooseStoredState, findRefresh } from '../state/full-refresh.ts';
import { parseStreamState } from '../state/stream-state.ts';
import { type FirstState, writeFirstStates } from './first-states.ts';
import { createInitialState } from './initial-state.ts';
import type { RowLimit } from './row-limit.ts';
import { createStreamDescriptor } from './stream-descriptor.ts';
import { type End, readStreamRows, type StreamContext } from './stream-reader.ts';

export type ReadContext = StreamContext & { clickhouse: ClickHouse; configuration: SourceConfiguration };

/**
 * Reads the configured streams one after the other. If a stream fails, its error is written (TRACE ERROR) and its status
 * (INCOMPLETE), and the next stream is read. Once the row limit is reached, the remaining streams are skipped.
 *
 * @returns whether every stream was read to its end, or to the row limit.
 */
export async function read(context: ReadContext, catalog: ConfiguredCatalog, state: InputState): Promise<boolean> {
  const firstStates = await writeFirstStates(context, catalog, state);
  let complete = true;
  for (const configured of catalog.streams) {
    if (context.stop.aborted) return false;
    if (context.rowLimit.isReached) {
      await context.output.write(
        log('INFO', `${configured.stream.name}: not read, because the row limit was reached.`),
      );
      continue;
    }
    complete = (await readStream(context, configured, state, firstStates.get(configured))) && complete;
  }
  return complete;
}

async function readStream(
  context: ReadContext,
  configured: ConfiguredStream,
  state: InputState,
  firstState: FirstState | undefined,
): Promise<boolean> {
  const { clickhouse, configuration, output, rowLimit, now } = context;
  const stream = createStreamDescriptor(configured);
  const { name } = stream;
  if (firstState?.kind !== 'written') await output.write(streamStatus(stream, 'STARTED', now()));
  try {
    if (firstState?.kind === 'failed') throw firstState.error;
    const warn = (message: string): Promise<void> => output.write(log('WARN', message));
    const resolved = await resolveStream(clickhouse, configuration, configured, stream, warn);
    const storedState = chooseStoredState(configured, state.of(stream, configuration.database));
    const writtenState = storedState === undefined ? firstState?.state : parseStreamState(name, storedState);
    const { state: initialState, hashedColumns } = await createInitialState(resolved, stream, writtenState, warn);
    const startState = { ...initialState, full_refresh: findRefresh(configured) };
    const { table, cursor } = resolved;
    const readsFromFirstRow = startState.position.kind === 'start';
    const unset = readsFromFirstRow ? undefined : await findUnsetCursorsOfSmallTable(clickhouse, table, cursor.column);
    if (unset !== undefined) await warn(unset);
    const isIncremental = configured.sync_mode === 'incremental';
    const window = isIncremental ? await readLookbackWindow(clickhouse, cursor.column.type, configuration) : undefined;
    const selection = { ...resolved, hashedColumns, lagBound: window?.lagBound };
    const estimate = await estimateRows(clickhouse, selection, startState.position);
    if (estimate !== undefined) await output.write(streamEstimate(stream, ...capEstimate(estimate, rowLimit), now()));
    const { end, summary } = await readStreamRows(context, stream, selection, startState, window);
    const complete = end !== 'stopped';
    await output.write(log('INFO', `${stream.name}: ${summary}${END_NOTES[end]}.`));
    await output.write(streamStatus(stream, complete ? 'COMPLETE' : 'INCOMPLETE', now()));
    return complete;
  } catch (error) {
    if (error instanceof OutputClosedError) throw error;
    await output.write(errorTrace(asConnectorError(error), now(), stream));
    await output.write(streamStatus(stream, 'INCOMPLETE', now()));
    return false;
  }
}

/** The words that a stream's summary in the log ends with, by the reason why its read ended. */
const END_NOTES: Record<End['kind'], string> = {
  complete: '',
  'state-full': '',
  'limit-reached': ', as many as the limit allows',
  stopped: ', stopped before the end',
};

/** Reduces an estimate to the rows that the row limit allows. */
function capEstimate({ rows, bytes }: Estimate, { remaining }: RowLimit): [rows: number, bytes: number | undefined] {
  return rows <= remaining
    ? [rows, bytes]
    : [remaining, bytes === undefined ? undefined : Math.round((bytes / rows) * remaining)];
}
