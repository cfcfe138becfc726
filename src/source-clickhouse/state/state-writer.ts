import { formatStateLine, type StreamDescriptor } from '../../protocol/messages.ts';
import type { MessageOutput } from '../../protocol/output.ts';
import type { Column } from '../schema/table.ts';
import { BYTES_PER_EMITTED_ROW, type EmittedRows } from './emitted-rows.ts';
import { leaveGroup, type Position, serializePosition } from './position.ts';
import { STATE_VERSION, type StreamState } from './stream-state.ts';

/** Writes the states of a stream, and decides when one is due. */
export class StateWriter {
  readonly #output: MessageOutput;
  readonly #stream: StreamDescriptor;
  readonly #state: Pick<StreamState, 'cursor_column' | 'cursor_type' | 'partition' | 'query' | 'full_refresh'>;
  readonly #hashedColumns: [name: string, type: string][];
  readonly #emitted: EmittedRows;
  #rows = 0;
  #bytes = 0;

  constructor(
    output: MessageOutput,
    stream: StreamDescriptor,
    { cursor_column, cursor_type, partition, query, full_refresh }: StreamState,
    hashedColumns: readonly Column[],
    emitted: EmittedRows,
  ) {
    this.#output = output;
    this.#stream = stream;
    this.#state = { cursor_column, cursor_type, partition, query, full_refresh };
    this.#hashedColumns = toNamesAndTypes(hashedColumns);
    this.#emitted = emitted;
  }

  /** Counts rows that were written after the last state. */
  count(rows: number, bytes: number): void {
    this.#rows += rows;
    this.#bytes += bytes;
  }

  /** Whether rows were written that no state covers yet. */
  get hasUncoveredRows(): boolean {
    return this.#rows > 0;
  }

  /** Whether the rows since the last state have at least as many bytes as the next state would have. */
  get isDue(): boolean {
    return this.hasUncoveredRows && this.#bytes >= BYTES_PER_EMITTED_ROW * this.#emitted.size;
  }

  /** Writes a state. All rows up to the position must have been written. The state also contains the remembered rows after it. */
  async write(position: Position): Promise<void> {
    await this.#write(position, this.#hashedColumns, this.#emitted);
  }

  /**
   * Writes a state with the hashes of all columns. The position is moved to the end of its group, because a position inside a
   * group contains a row hash, which doesn't cover all columns.
   */
  async writeWithFullHashes(columns: readonly Column[], emitted: EmittedRows, position: Position): Promise<void> {
    await this.#write(leaveGroup(position), toNamesAndTypes(columns), emitted);
  }

  async #write(position: Position, columns: [string, string][], emitted: EmittedRows): Promise<void> {
    const { cursor, tie_break } = serializePosition(position);
    const recent_rows = emitted.serialize(cursor);
    const hasHashes = tie_break !== undefined || recent_rows !== undefined;
    const hashed_columns = hasHashes ? columns : undefined;
    const state = { version: STATE_VERSION, cursor, ...this.#state, tie_break, recent_rows, hashed_columns };
    await this.#output.writeBytes(formatStateLine(this.#stream, state, this.#rows));
    this.#rows = 0;
    this.#bytes = 0;
  }
}

function toNamesAndTypes(columns: readonly Column[]): [name: string, type: string][] {
  return columns.map(({ name, type }) => [name, type.name]);
}
