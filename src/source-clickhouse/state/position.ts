import { z } from 'zod';

/** The position as it is in a state. */
export const storedPositionSchema = z.object({
  /** The cursor of the last row, as its exact text in the record; null when there has been no row yet. */
  cursor: z.string().nullable(),
  tie_break: z
    .object({
      /** The row hash of the last row, 64 bits in decimal. */
      row_hash: z.string().regex(/^\d{1,20}$/),
      /** How many rows with exactly this cursor and hash have been read: rows that are alike in every column. */
      rows: z.int().positive(),
      /** Whether the answer ended behind this row, and so the group has been read whole as far as we know. */
      ended: z.literal(true).optional(),
    })
    .optional(),
});

type StoredPosition = z.output<typeof storedPositionSchema>;

/** A position at a row in a group, which is all rows that share a cursor. `rows` rows with this hash have been read. */
type InGroup = { cursor: string; rowHash: string; rows: number };

/** The position after a row that was read, in a group of which more rows may follow. */
export type PositionAtRow = InGroup & { kind: 'inside-group' };

/**
 * How far a stream has been read, in the order (cursor, row hash).
 *
 * After the last row of a response that ended, the row's hash is kept although the whole group has been read as far as we
 * know: should a proxy have cut the response short between two rows, the next run goes on there.
 */
export type Position =
  | { kind: 'start' }
  | { kind: 'after-group'; cursor: string }
  | PositionAtRow
  | (InGroup & { kind: 'inside-ended-group' });

export const START: Position = { kind: 'start' };

/** The cursor of the last row; null when there has been no row yet. */
export function cursorOf(position: Position): string | null {
  return position.kind === 'start' ? null : position.cursor;
}

/** Whether row hashes tell where the position is. */
export function isInsideGroup(position: Position): position is Extract<Position, InGroup> {
  return position.kind === 'inside-group' || position.kind === 'inside-ended-group';
}

/** The same position, if the rest of its group has been read. */
export function leaveGroup(position: Position): Position {
  return isInsideGroup(position) ? { kind: 'after-group', cursor: position.cursor } : position;
}

/** The same position, after the last row of a response that ended. */
export function markGroupEnded(position: Position): Position {
  return position.kind === 'inside-group' ? { ...position, kind: 'inside-ended-group' } : position;
}

export function parsePosition({ cursor, tie_break }: StoredPosition): Position {
  if (cursor === null) return START;
  if (tie_break === undefined) return { kind: 'after-group', cursor };
  const kind = tie_break.ended ? 'inside-ended-group' : 'inside-group';
  return { kind, cursor, rowHash: tie_break.row_hash, rows: tie_break.rows };
}

export function serializePosition(position: Position): StoredPosition {
  switch (position.kind) {
    case 'start':
      return { cursor: null };
    case 'after-group':
      return { cursor: position.cursor };
    case 'inside-group':
      return { cursor: position.cursor, tie_break: { row_hash: position.rowHash, rows: position.rows } };
    case 'inside-ended-group':
      return { cursor: position.cursor, tie_break: { row_hash: position.rowHash, rows: position.rows, ended: true } };
  }
}
