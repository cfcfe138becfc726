import { z } from 'zod';
import { DEFAULT_CURSOR_COLUMN } from '../config/schema.ts';
import { sourceError } from '../errors/codes.ts';
import { refreshSchema } from './full-refresh.ts';
import { type Position, parsePosition, storedPositionSchema } from './position.ts';

/** The first version had none, and hashed the values of a row; this one hashes their JSON. */
export const STATE_VERSION = 2;

const partitionSchema = z.object({ index: z.int(), count: z.int() });

const streamStateSchema = storedPositionSchema.extend({
  /** Of the form of the state and of what row hashes are made of: a state of another version is not comparable. */
  version: z.literal(STATE_VERSION),
  /** The column that the cursor is of. */
  cursor_column: z.string().default(DEFAULT_CURSOR_COLUMN),
  /** The column's type when this was written, as the server calls it. */
  cursor_type: z.string(),
  /** Of the rows behind the position, those that were emitted already: see `EmittedRows`. */
  recent_rows: z.record(z.string(), z.string().regex(/^[\w-]*$/)).optional(),
  /** The columns that row hashes are made of, with their types; present when there are hashes above. */
  hashed_columns: z.array(z.tuple([z.string(), z.string()])).optional(),
  /** Which part of the rows this is about; absent when it is all of them. */
  partition: partitionSchema.optional(),
  /** The full refresh that wrote this; absent when it was an incremental read, or the refresh had no ids. */
  full_refresh: refreshSchema.optional(),
});

type StoredState = z.output<typeof streamStateSchema>;

/**
 * What a stored state says, with its position: every row up to that has been read. Without a hash the whole group of its
 * cursor has been read, otherwise the rows of the group up to the hash, in the order of their hashes.
 */
export type StreamState = Omit<StoredState, 'cursor' | 'tie_break'> & { position: Position };
export type Partition = z.output<typeof partitionSchema>;

/** @throws ConnectorError (config_error) when the state was not written by this source. */
export function parseStreamState(stream: string, state: Record<string, unknown>): StreamState {
  const result = streamStateSchema.safeParse(state);
  if (result.success) {
    const { cursor, tie_break, ...rest } = result.data;
    return { ...rest, position: parsePosition({ cursor, tie_break }) };
  }
  if (isOfOtherVersion(state)) {
    throw sourceError(
      'state_invalid',
      `The state of the stream "${stream}" was written by another version of this source, which recognised rows in another way (state version ${state.version ?? 1}; this one reads version ${STATE_VERSION}). ` +
        'Run the version that wrote it, or reset the stream: all its rows are then read again.',
    );
  }
  throw sourceError(
    'state_invalid',
    `The state of the stream "${stream}" was not written by this source: it has the keys ${Object.keys(state).join(', ') || '(none)'}. ` +
      'Give back the state of the last run as it was, or reset the stream to read it from its first row.',
  );
}

function isOfOtherVersion(state: Record<string, unknown>): state is { version?: number } {
  const { version = 1 } = state;
  return typeof version === 'number' && version !== STATE_VERSION && 'cursor' in state && 'cursor_type' in state;
}
