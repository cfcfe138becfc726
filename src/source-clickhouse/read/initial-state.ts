import type { StreamDescriptor } from '../../protocol/messages.ts';
import { sourceError } from '../errors/codes.ts';
import type { ResolvedStream } from '../query/row-query.ts';
import { parseClickHouseType } from '../schema/clickhouse-type.ts';
import { keepsJson } from '../schema/keeps-json.ts';
import type { Column, Table } from '../schema/table.ts';
import { cursorOf, isInsideGroup, leaveGroup, type Position, START } from '../state/position.ts';
import { type Partition, parseStreamState, STATE_VERSION, type StreamState } from '../state/stream-state.ts';

/** Where a read begins, and the columns that its row hashes are made of. */
export type InitialState = { state: StreamState; hashedColumns: readonly Column[] };

/**
 * The state to read from: the stored one, or that of a stream of which nothing has been read.
 *
 * @param warn is told when rows are read again that may have been sent.
 * @throws ConnectorError (config_error) when the stored state is not about these rows in this order.
 */
export async function createInitialState(
  { table, cursor, partition }: Pick<ResolvedStream, 'table' | 'cursor' | 'partition'>,
  stream: StreamDescriptor,
  stored: Record<string, unknown> | undefined,
  warn: (message: string) => Promise<void>,
): Promise<InitialState> {
  const cursor_column = cursor.column.name;
  const cursor_type = cursor.column.type.name;
  if (stored === undefined) {
    return {
      state: { version: STATE_VERSION, position: START, cursor_column, cursor_type, partition },
      hashedColumns: table.columns,
    };
  }
  const state = parseStreamState(stream.name, stored);
  if (state.cursor_column !== cursor_column) {
    throw sourceError(
      'state_of_other_settings',
      `The state of "${stream.name}" is about the cursor column "${state.cursor_column}", but "cursor_column" is "${cursor_column}". ` +
        'Set it back, or reset the stream: all its rows are then read again.',
    );
  }
  if (describePartition(state.partition) !== describePartition(partition)) {
    throw sourceError(
      'state_of_other_settings',
      `The state of "${stream.name}" is about ${describePartition(state.partition)}, but the configuration asks for ${describePartition(partition)}. ` +
        'Each part needs a state of its own, and another number of parts splits the rows in another way: give the state that belongs to this part, or reset the stream.',
    );
  }
  const { position, recent_rows } = state;
  if ((position.kind !== 'start' || recent_rows !== undefined) && state.cursor_type !== cursor_type) {
    throw sourceError(
      'state_of_other_settings',
      `The state of "${stream.name}" was written when ${cursor.column.name} was a ${state.cursor_type}; it is a ${cursor_type} now, and the two do not compare. ` +
        'Give the column its type back, or reset the stream: all its rows are then read again.',
    );
  }
  if (position.kind !== 'start' && !cursor.codec.form.test(position.cursor)) {
    throw sourceError(
      'state_invalid',
      `The cursor in the state of "${stream.name}" is no ${cursor_type} as this source writes it: the state was changed since. ` +
        'Give back the state of the last run as it was, or reset the stream: all its rows are then read again.',
    );
  }
  if (!isInsideGroup(position) && recent_rows === undefined) return { state, hashedColumns: table.columns };
  // Columns that were added since don't matter: the hashes are still made of those that they were made of.
  const hashedColumns = findColumnsNow(table, state.hashed_columns ?? []);
  if (hashedColumns !== undefined) return { state, hashedColumns };
  if (recent_rows === undefined && position.kind === 'inside-ended-group') {
    return { state: { ...state, position: leaveGroup(position) }, hashedColumns: table.columns };
  }
  await warn(
    `Columns of ${table.name} were dropped or changed their type, and the last rows that were read can't be recognised without them. ${recent_rows === undefined ? `Those of ${cursorOf(position)}` : `Those behind ${cursorOf(position) ?? 'the first'}`} are read again: their events may be sent twice.`,
  );
  return { state: dropHashes(state), hashedColumns: table.columns };
}

/** The columns of a state as the table has them now; undefined when it lacks one, or its type gives the values another JSON. */
function findColumnsNow(
  table: Table,
  hashed: readonly (readonly [name: string, type: string])[],
): Column[] | undefined {
  const now = hashed.map(([name, type]) =>
    table.columns.find((column) => column.name === name && keepsJson(parseClickHouseType(type), column.type)),
  );
  const found = now.filter((column) => column !== undefined);
  return found.length > 0 && found.length === now.length ? found : undefined;
}

/** The state before the first row of a half read group, knowing nothing of the rows behind it. */
function dropHashes({ recent_rows, hashed_columns, ...state }: StreamState): StreamState {
  return { ...state, position: startOfGroup(state.position) };
}

/** The position before the first row of a half read group. No hash is less than 0, so the condition `h >= 0` leaves no row of the group out. */
function startOfGroup(position: Position): Position {
  return isInsideGroup(position) ? { kind: 'inside-group', cursor: position.cursor, rowHash: '0', rows: 1 } : position;
}

function describePartition(partition: Partition | undefined): string {
  return partition === undefined ? 'all rows' : `part ${partition.index} of ${partition.count}`;
}
