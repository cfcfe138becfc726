import { z } from 'zod';
import { ConnectorError } from '../protocol/failure.ts';
import { DEFAULT_CURSOR_COLUMN } from './configuration.ts';

const partitionSchema = z.object({ index: z.int(), count: z.int() });

/**
 * How far a stream has been read: every row up to `cursor`, and, inside a group of rows that share this cursor, every
 * row up to `tie_break` in the order of their hashes. Without a tie-break the whole group has been read.
 */
const streamStateSchema = z.object({
  /** The cursor of the last row, as its exact text in the record; null when the stream has had no row yet. */
  cursor: z.string().nullable(),
  /** The column that the cursor is of. */
  cursor_column: z.string().default(DEFAULT_CURSOR_COLUMN),
  /** The column's type when this was written, as the server calls it. */
  cursor_type: z.string(),
  tie_break: z
    .object({
      /** The row hash of the last row, 64 bits in decimal. */
      row_hash: z.string().regex(/^\d{1,20}$/),
      /** How many rows with exactly this cursor and hash have been read: rows that are alike in every column. */
      rows: z.int().positive(),
      /** A fingerprint of the columns that the hash was made of: hashes of other columns have another order. */
      hashed_columns: z.string(),
    })
    .optional(),
  /** Which part of the rows this is about; absent when it is all of them. */
  partition: partitionSchema.optional(),
});

export type StreamState = z.output<typeof streamStateSchema>;
export type Partition = z.output<typeof partitionSchema>;

/** @throws ConnectorError (config_error) when the state was not written by this source. */
export function parseStreamState(stream: string, state: Record<string, unknown>): StreamState {
  const result = streamStateSchema.safeParse(state);
  if (result.success) return result.data;
  throw new ConnectorError(
    'config_error',
    `The state of the stream "${stream}" was not written by this source: it has the keys ${Object.keys(state).join(', ') || '(none)'}. ` +
      'Give back the state of the last run as it was, or reset the stream to read it from its first row.',
  );
}
