import { z } from 'zod';
import { DEFAULT_CURSOR_COLUMN } from '../config/schema.ts';
import { sourceError } from '../errors/codes.ts';
import { refreshSchema } from './full-refresh.ts';
import { type Position, parsePosition, storedPositionSchema } from './position.ts';

/**
 * The version of the states that this source writes. In version 1, a state had no version number, and a row hash was a hash of
 * the values. In version 2, a row hash is a hash of the JSON of the values.
 */
export const STATE_VERSION = 2;

const partitionSchema = z.object({ index: z.int(), count: z.int(), column: z.string().optional() });

const streamStateSchema = storedPositionSchema.extend({
  /** The version of the state and of the row hashes. Hashes of different versions can't be compared. */
  version: z.literal(STATE_VERSION),
  cursor_column: z.string().default(DEFAULT_CURSOR_COLUMN),
  /** The type of the cursor column when the state was written, as the server names it. */
  cursor_type: z.string(),
  /** The emitted rows after the position: see `EmittedRows`. */
  recent_rows: z.record(z.string(), z.string().regex(/^[\w-]*$/)).optional(),
  /** The columns in the row hashes, with their types; present if the state has hashes. */
  hashed_columns: z.array(z.tuple([z.string(), z.string()])).optional(),
  /** The part of the rows that was read; absent if all rows are read. */
  partition: partitionSchema.optional(),
  /** The fingerprint of the SQL that returned the rows; absent for a table or view. */
  query: z.string().optional(),
  /** The full refresh that wrote the state; absent for an incremental read, or if the refresh had no ids. */
  full_refresh: refreshSchema.optional(),
});

type StoredState = z.output<typeof streamStateSchema>;

/** A parsed state. Every row up to its position has been read. */
export type StreamState = Omit<StoredState, 'cursor' | 'tie_break'> & { position: Position };
export type Partition = z.output<typeof partitionSchema>;

/** Parses a stored state. @throws ConnectorError (config_error) when it has another version, or is not from this source. */
export function parseStreamState(stream: string, state: Record<string, unknown>): StreamState {
  const result = streamStateSchema.safeParse(state);
  if (result.success) {
    const { cursor, tie_break, ...rest } = result.data;
    return { ...rest, position: parsePosition({ cursor, tie_break }) };
  }
  if (isOfOtherVersion(state)) {
    throw sourceError(
      'state_invalid',
      `The state of the stream "${stream}" was written by another version of this source, which recognises rows differently (state version ${state.version ?? 1}, but this source reads version ${STATE_VERSION}). ` +
        'Run the version that wrote it, or reset the stream to read all its rows again.',
    );
  }
  throw sourceError(
    'state_invalid',
    `The state of the stream "${stream}" was not written by this source: it has the keys ${Object.keys(state).join(', ') || '(none)'}. ` +
      'Use the state of the last run unchanged, or reset the stream to read it from its first row.',
  );
}

function isOfOtherVersion(state: Record<string, unknown>): state is { version?: number } {
  const { version = 1 } = state;
  return typeof version === 'number' && version !== STATE_VERSION && 'cursor' in state && 'cursor_type' in state;
}
