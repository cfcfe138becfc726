import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';

/** A position, as a state stores it. */
export const storedPositionSchema = z.object({
  /** The cursor of the last row, exactly as in its record; null before the first row. */
  cursor: z.string().nullable(),
  tie_break: z
    .object({
      /** The row hash of the last row, 64 bits in decimal. */
      row_hash: z.string().regex(/^\d{1,20}$/),
      /** The number of rows with this cursor and hash that have been read. They are equal in every column. */
      rows: z.int().positive(),
      /** Whether the response ended after this row, so that the whole group has probably been read. */
      ended: z.literal(true).optional(),
    })
    .optional(),
});

type StoredPosition = z.output<typeof storedPositionSchema>;

/** The last row read in a group, which is all rows with the same cursor. `rows` is how many rows with this hash were read. */
type InGroup = { cursor: string; rowHash: string; rows: number };

/** The position after a row whose group may have more rows. */
export type PositionAtRow = InGroup & { kind: 'inside-group' };

/**
 * The point up to which a stream has been read, in the order (cursor, row hash).
 *
 * When a response ends, the whole group of its last row has probably been read. But a proxy may have cut the response between
 * two rows. So the position keeps the hash of the last row, and the next run continues after that row.
 */
export type Position =
  | { kind: 'start' }
  /** All rows with this cursor have to be read, and no rows with an earlier cursor. */
  | { kind: 'before-group'; cursor: string }
  | { kind: 'after-group'; cursor: string }
  | PositionAtRow
  | (InGroup & { kind: 'inside-ended-group' });

export const START: Position = { kind: 'start' };

/**
 * How a state stores a position before a group: as the position after a row with the smallest hash, which only one row in 2^64
 * has. A query with this position returns the whole group, so an older version of this source can continue from it as well.
 */
const BEFORE_GROUP: StoredPosition['tie_break'] = { row_hash: '0', rows: 1 };

/** Returns the cursor of the position, or null at the start. */
export function cursorOf(position: Position): string | null {
  return position.kind === 'start' ? null : position.cursor;
}

/** Whether the position depends on a row hash. */
export function isInsideGroup(position: Position): position is Extract<Position, InGroup> {
  return position.kind === 'inside-group' || position.kind === 'inside-ended-group';
}

/** Moves a position inside a group to the start of the group. */
export function enterGroup(position: Position): Position {
  return isInsideGroup(position) ? { kind: 'before-group', cursor: position.cursor } : position;
}

/** Moves a position inside a group to the end of the group. */
export function leaveGroup(position: Position): Position {
  return isInsideGroup(position) ? { kind: 'after-group', cursor: position.cursor } : position;
}

/** Marks a position inside a group as the end of a response. */
export function markGroupEnded(position: Position): Position {
  return position.kind === 'inside-group' ? { ...position, kind: 'inside-ended-group' } : position;
}

export function parsePosition({ cursor, tie_break }: StoredPosition): Position {
  if (cursor === null) return START;
  if (tie_break === undefined) return { kind: 'after-group', cursor };
  if (isDeepStrictEqual(tie_break, BEFORE_GROUP)) return { kind: 'before-group', cursor };
  const kind = tie_break.ended ? 'inside-ended-group' : 'inside-group';
  return { kind, cursor, rowHash: tie_break.row_hash, rows: tie_break.rows };
}

export function serializePosition(position: Position): StoredPosition {
  switch (position.kind) {
    case 'start':
      return { cursor: null };
    case 'before-group':
      return { cursor: position.cursor, tie_break: BEFORE_GROUP };
    case 'after-group':
      return { cursor: position.cursor };
    case 'inside-group':
      return { cursor: position.cursor, tie_break: { row_hash: position.rowHash, rows: position.rows } };
    case 'inside-ended-group':
      return { cursor: position.cursor, tie_break: { row_hash: position.rowHash, rows: position.rows, ended: true } };
  }
}
