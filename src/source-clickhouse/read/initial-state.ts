import type { StreamDescriptor } from '../../protocol/messages.ts';
import { PROFILE_COLUMN } from '../config/schema.ts';
import { sourceError } from '../errors/codes.ts';
import type { ResolvedStream } from '../query/row-query.ts';
import { parseClickHouseType } from '../schema/clickhouse-type.ts';
import { keepsJson } from '../schema/keeps-json.ts';
import type { Column, Table } from '../schema/table.ts';
import { cursorOf, enterGroup, isInsideGroup, leaveGroup, START } from '../state/position.ts';
import { type Partition, STATE_VERSION, type StreamState } from '../state/stream-state.ts';
import { fingerprintSql } from '../streams/sql-tokens.ts';

/** The state that a read starts from, and the columns that go into the row hashes. */
export type InitialState = { state: StreamState; hashedColumns: readonly Column[] };

/**
 * Returns the state to start reading from: the written state, or a new one.
 *
 * @param writtenState the stored state, or the state that was just written because of `start_from`.
 * @param warn receives a warning if rows that may already have been sent are read again.
 * @throws ConnectorError (config_error) when the written state doesn't match the cursor column or the partition.
 */
export async function createInitialState(
  { table, cursor, partition }: Pick<ResolvedStream, 'table' | 'cursor' | 'partition'>,
  stream: StreamDescriptor,
  writtenState: StreamState | undefined,
  warn: (message: string) => Promise<void>,
): Promise<InitialState> {
  const cursor_column = cursor.column.name;
  const cursor_type = cursor.column.type.name;
  const query = fingerprintQuery(table);
  if (writtenState === undefined) {
    return {
      state: { version: STATE_VERSION, position: START, cursor_column, cursor_type, partition, query },
      hashedColumns: table.columns,
    };
  }
  checkState(writtenState, { cursor, partition }, stream);
  const state =
    writtenState.query === query ? writtenState : await continueWithOtherSql({ ...writtenState, query }, stream, warn);
  const { position, recent_rows } = state;
  if (!isInsideGroup(position) && recent_rows === undefined) return { state, hashedColumns: table.columns };
  // Columns that were added after the state was written are not in its hashes.
  const hashedColumns = findColumnsNow(table, state.hashed_columns ?? []);
  if (hashedColumns !== undefined) return { state, hashedColumns };
  if (recent_rows === undefined && position.kind === 'inside-ended-group') {
    return { state: { ...state, position: leaveGroup(position) }, hashedColumns: table.columns };
  }
  await warn(
    `Columns of ${table.name} were dropped or their type was changed, so the last rows that were read can't be recognised. ${describeRowsReadAgain(state)} are read again, and their events may be sent twice.`,
  );
  return { state: dropHashes(state), hashedColumns: table.columns };
}

/** Returns the fingerprint of the SQL of a query, and undefined for a table or view. */
export function fingerprintQuery({ query }: Pick<Table, 'query'>): string | undefined {
  return query === undefined ? undefined : fingerprintSql(query);
}

/**
 * Checks that the state is for the rows that the configuration selects, in the order of the cursor column.
 *
 * @throws ConnectorError (config_error) when it is not.
 */
function checkState(
  { position, recent_rows, ...state }: StreamState,
  { cursor, partition }: Pick<ResolvedStream, 'cursor' | 'partition'>,
  stream: StreamDescriptor,
): void {
  const { name, type } = cursor.column;
  if (state.cursor_column !== name) {
    throw sourceError(
      'state_of_other_settings',
      `The state of "${stream.name}" is for the cursor column "${state.cursor_column}", but "cursor_column" is "${name}". ` +
        'Set the option back, or reset the stream to read all its rows again.',
    );
  }
  if (describePartition(state.partition) !== describePartition(partition)) {
    throw sourceError(
      'state_of_other_settings',
      `The state of "${stream.name}" is for ${describePartition(state.partition)}, but the configuration selects ${describePartition(partition)}. ` +
        'Each part needs its own state, and a different number of parts splits the rows differently. Use the state of this part, or reset the stream.',
    );
  }
  if ((position.kind !== 'start' || recent_rows !== undefined) && state.cursor_type !== type.name) {
    throw sourceError(
      'state_of_other_settings',
      `The state of "${stream.name}" was written when the type of ${name} was ${state.cursor_type}. Its type is now ${type.name}, and values of the two types can't be compared. ` +
        'Change the type back, or reset the stream to read all its rows again.',
    );
  }
  if (position.kind !== 'start' && !cursor.codec.form.test(position.cursor)) {
    throw sourceError(
      'state_invalid',
      `The cursor in the state of "${stream.name}" is not a valid ${type.name}, so the state was probably edited. ` +
        'Use the state of the last run unchanged, or reset the stream to read all its rows again.',
    );
  }
}

/**
 * Returns the state from which a stream is read after the SQL of its query changed, or after a query replaced a table. The
 * cursor remains valid, and so do the hashes of all rows whose values stay the same. But the order of rows with one cursor may
 * have changed, so a position inside of a group is moved to the start of the group. Rows may be sent twice, but none is lost. If
 * the whole group has probably been read and no rows are remembered, the position is moved to the end of the group instead.
 */
async function continueWithOtherSql(
  state: StreamState,
  stream: StreamDescriptor,
  warn: (message: string) => Promise<void>,
): Promise<StreamState> {
  const { position, recent_rows } = state;
  const cursor = cursorOf(position);
  if (cursor === null && recent_rows === undefined) return state;
  const isGroupRead = recent_rows === undefined && position.kind === 'inside-ended-group';
  const again =
    isGroupRead || !isInsideGroup(position)
      ? ''
      : `${describeRowsReadAgain(state)} are read again, and may be sent twice. `;
  const continues =
    cursor === null ? '' : `This run continues after ${cursor} with the new SQL, and earlier rows are not read again. `;
  const changed =
    recent_rows === undefined ? '' : 'Rows of the lookback are sent again if the new SQL changes their values. ';
  await warn(
    `The SQL of "${stream.name}" has changed since the state was written. ${continues}${again}${changed}To send all rows as the new SQL returns them, reset the stream.`,
  );
  return { ...state, position: isGroupRead ? leaveGroup(position) : enterGroup(position) };
}

function describeRowsReadAgain({ position, recent_rows }: StreamState): string {
  const cursor = cursorOf(position);
  if (cursor === null) return 'All rows';
  return recent_rows === undefined ? `Rows with the cursor ${cursor}` : `Rows after ${cursor}`;
}

/**
 * Finds the columns of a state in the table as it is now. Returns undefined if a column is missing, or if its new type changes
 * the JSON of its values.
 */
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

/** Removes everything that depends on row hashes: the remembered rows, and the hash in the position. */
function dropHashes({ recent_rows, hashed_columns, ...state }: StreamState): StreamState {
  return { ...state, position: enterGroup(state.position) };
}

function describePartition(partition: Partition | undefined): string {
  if (partition === undefined) return 'all rows';
  const { index, count, column = PROFILE_COLUMN } = partition;
  return `part ${index} of ${count}${column === PROFILE_COLUMN ? '' : ` by ${column}`}`;
}
