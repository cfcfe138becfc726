import { LosslessNumber } from 'lossless-json';
import { z } from 'zod';
import { parseExact } from '../protocol/exact-json.ts';

const rowLine = z.looseObject({ record: z.looseObject({ data: z.record(z.string(), z.unknown()) }) });

/**
 * The value of the cursor column in a RECORD line, as its exact text: a number keeps every digit.
 *
 * @param line a whole RECORD line in JSON.
 */
export function cursorInLine(line: Buffer, cursorColumn: string): string {
  const { record } = rowLine.parse(parseExact(line.toString('utf8')));
  const cursor = record.data[cursorColumn];
  if (typeof cursor === 'string') return cursor;
  if (typeof cursor === 'number') return String(cursor);
  if (cursor instanceof LosslessNumber) return cursor.value;
  throw new Error(`The row holds no usable ${cursorColumn}.`);
}
