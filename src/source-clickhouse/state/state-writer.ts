import { formatStateLine, type StreamDescriptor } from '../../protocol/messages.ts';
import type { MessageOutput } from '../../protocol/output.ts';
import type { Column } from '../schema/table.ts';
import type { RecentRows } from './emitted-rows.ts';
import { type Position, STATE_VERSION, type StreamState } from './stream-state.ts';

/** Bytes of the state that a remembered row takes. */
const BYTES_PER_RECENT_ROW = 11;

/** Writes the states of a stream, and says when one is due. */
export class StateWriter {
  readonly #output: MessageOutput;
  readonly #stream: StreamDescriptor;
  readonly #state: Pick<StreamState, 'cursor_column' | 'cursor_type' | 'partition' | 'full_refresh'>;
  readonly #hashedColumns: [name: string, type: string][];
  readonly #recent: RecentRows;
  #rows = 0;
  #bytes = 0;

  constructor(
    output: MessageOutput,
    stream: StreamDescriptor,
    { cursor_column, cursor_type, partition, full_refresh }: StreamState,
    hashedColumns: readonly Column[],
    recent: RecentRows,
  ) {
    this.#output = output;
    this.#stream = stream;
    this.#state = { cursor_column, cursor_type, partition, full_refresh };
    this.#hashedColumns = namesAndTypes(hashedColumns);
    this.#recent = recent;
  }

  /** Counts rows that were written since the last state. */
  count(rows: number, bytes: number): void {
    this.#rows += rows;
    this.#bytes += bytes;
  }

  /** Whether rows have been written that no state covers. */
  get hasNews(): boolean {
    return this.#rows > 0;
  }

  /** Whether there are so many of them that a state is worth its own bytes. */
  get isDue(): boolean {
    return this.hasNews && this.#bytes >= BYTES_PER_RECENT_ROW * this.#recent.size;
  }

  /** Writes the state of a position up to which all rows were written, and of the rows behind it that were. */
  async write({ cursor, tie_break }: Position): Promise<void> {
    await this.#write({ cursor, tie_break }, this.#hashedColumns, this.#recent);
  }

  /** The same with other hashes, of these columns: by them those rows are remembered, and no position in a group can be told. */
  async writeWith(columns: readonly Column[], recent: RecentRows, cursor: string | null): Promise<void> {
    await this.#write({ cursor }, namesAndTypes(columns), recent);
  }

  async #write({ cursor, tie_break }: Position, columns: [string, string][], recent: RecentRows): Promise<void> {
    const recent_rows = recent.stored(cursor);
    const hasHashes = tie_break !== undefined || recent_rows !== undefined;
    const hashed_columns = hasHashes ? columns : undefined;
    const state = { version: STATE_VERSION, cursor, ...this.#state, tie_break, recent_rows, hashed_columns };
    await this.#output.writeBytes(formatStateLine(this.#stream, state, this.#rows));
    this.#rows = 0;
    this.#bytes = 0;
  }
}

function namesAndTypes(columns: readonly Column[]): [name: string, type: string][] {
  return columns.map(({ name, type }) => [name, type.name]);
}
