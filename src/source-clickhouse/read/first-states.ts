import type { ConfiguredCatalog, ConfiguredStream } from '../../protocol/catalog.ts';
import { log, type StreamDescriptor, streamStatus } from '../../protocol/messages.ts';
import { OutputClosedError } from '../../protocol/output.ts';
import type { InputState } from '../../protocol/state.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { resolveStream } from '../query/selection.ts';
import { readServerClock } from '../query/server-info.ts';
import { resolveStart } from '../query/start-from.ts';
import type { Instant } from '../schema/instant.ts';
import { EmittedRows } from '../state/emitted-rows.ts';
import { chooseStoredState, findRefresh } from '../state/full-refresh.ts';
import { StateWriter } from '../state/state-writer.ts';
import { STATE_VERSION, type StreamState } from '../state/stream-state.ts';
import { fingerprintQuery } from './initial-state.ts';
import { createStreamDescriptor } from './stream-descriptor.ts';
import type { StreamContext } from './stream-reader.ts';

/** The state from which a stream is read because of `start_from`, or the error because of which there is none. */
export type FirstState = { kind: 'written'; state: StreamState } | { kind: 'failed'; error: unknown };

type Context = Pick<StreamContext, 'output' | 'stop' | 'now'> & {
  clickhouse: ClickHouse;
  configuration: SourceConfiguration;
};

/**
 * Resolves `start_from` for each stream without a state, and writes the first state of these streams before any row is read. So
 * "now" and an age mean the same time for all streams, and for the next run if this one is interrupted, even before it has
 * reached the last stream.
 *
 * @returns the first state of each stream for which `start_from` applies.
 */
export async function writeFirstStates(
  context: Context,
  catalog: ConfiguredCatalog,
  state: InputState,
): Promise<ReadonlyMap<ConfiguredStream, FirstState>> {
  const { clickhouse, configuration, stop } = context;
  const { start_from, database } = configuration;
  const firstStates = new Map<ConfiguredStream, FirstState>();
  if (start_from === undefined) return firstStates;
  let clock: Instant | undefined;
  for (const configured of catalog.streams) {
    const stream = createStreamDescriptor(configured);
    if (stop.aborted) break;
    if (chooseStoredState(configured, state.of(stream, database)) !== undefined) continue;
    try {
      clock ??= await readServerClock(clickhouse);
      const first = await writeFirstState(context, configured, stream, { startFrom: start_from, clock });
      firstStates.set(configured, { kind: 'written', state: first });
    } catch (error) {
      if (error instanceof OutputClosedError) throw error;
      firstStates.set(configured, { kind: 'failed', error });
    }
  }
  return firstStates;
}

async function writeFirstState(
  { clickhouse, configuration, output, now }: Context,
  configured: ConfiguredStream,
  stream: StreamDescriptor,
  { startFrom, clock }: { startFrom: string; clock: Instant },
): Promise<StreamState> {
  // The table is resolved again when the stream is read, and warnings about it are logged then.
  const resolved = await resolveStream(clickhouse, configuration, configured, stream, async () => {});
  const { table, cursor, partition } = resolved;
  const start = await resolveStart(clickhouse, resolved, startFrom, clock);
  const state: StreamState = {
    version: STATE_VERSION,
    position: { kind: 'before-group', cursor: start },
    cursor_column: cursor.column.name,
    cursor_type: cursor.column.type.name,
    partition,
    query: fingerprintQuery(table),
    full_refresh: findRefresh(configured),
  };
  await output.write(streamStatus(stream, 'STARTED', now()));
  await output.write(log('INFO', `${stream.name}: the first run begins at ${start} ("start_from" is "${startFrom}").`));
  const noRows = new EmittedRows(undefined, undefined);
  await new StateWriter(output, stream, state, table.columns, noRows).write(state.position);
  return state;
}
