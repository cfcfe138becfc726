import { ConnectorError } from '../protocol/failure.ts';
import type { StreamDescriptor } from '../protocol/messages.ts';
import type { RowSelection } from './row-query.ts';
import { type Partition, parseStreamState, type StreamState } from './stream-state.ts';
import { columnsFingerprint } from './table.ts';

/**
 * The state to read from: the stored one, or that of a stream of which nothing has been read.
 *
 * @param warn is told when rows are read again that may have been sent.
 * @throws ConnectorError (config_error) when the stored state is not about these rows in this order.
 */
export async function startingState(
  { table, cursor, partition }: RowSelection,
  stream: StreamDescriptor,
  stored: Record<string, unknown> | undefined,
  warn: (message: string) => Promise<void>,
): Promise<StreamState> {
  const cursor_column = cursor.column.name;
  const cursor_type = cursor.column.type.name;
  if (stored === undefined) return { cursor: null, cursor_column, cursor_type, partition };
  const state = parseStreamState(stream.name, stored);
  if (state.cursor_column !== cursor_column) {
    throw new ConnectorError(
      'config_error',
      `The state of "${stream.name}" is about the cursor column "${state.cursor_column}", but "cursor_column" is "${cursor_column}". ` +
        'Set it back, or reset the stream: all its rows are then read again.',
    );
  }
  if (describePartition(state.partition) !== describePartition(partition)) {
    throw new ConnectorError(
      'config_error',
      `The state of "${stream.name}" is about ${describePartition(state.partition)}, but the configuration asks for ${describePartition(partition)}. ` +
        'Each part needs a state of its own, and another number of parts splits the rows in another way: give the state that belongs to this part, or reset the stream.',
    );
  }
  if (state.cursor !== null && state.cursor_type !== cursor_type) {
    throw new ConnectorError(
      'config_error',
      `The state of "${stream.name}" was written when ${cursor.column.name} was a ${state.cursor_type}; it is a ${cursor_type} now, and the two do not compare. ` +
        'Give the column its type back, or reset the stream: all its rows are then read again.',
    );
  }
  if (state.tie_break !== undefined && state.tie_break.hashed_columns !== columnsFingerprint(table.columns)) {
    await warn(
      `The columns of ${table.name} changed while its rows of ${state.cursor} were half read. Those rows can't be told apart any more and are read again from the first: events with this cursor may be sent twice.`,
    );
    return beforeGroup(state);
  }
  return state;
}

/**
 * The state before the first row of a half read group: every row with its cursor or a later one is to be read. No hash is
 * less than 0, so the condition `h >= 0` leaves none of them out.
 */
function beforeGroup(state: StreamState): StreamState {
  if (state.tie_break === undefined) return state;
  return { ...state, tie_break: { ...state.tie_break, row_hash: '0', rows: 1 } };
}

function describePartition(partition: Partition | undefined): string {
  return partition === undefined ? 'all rows' : `part ${partition.index} of ${partition.count}`;
}
