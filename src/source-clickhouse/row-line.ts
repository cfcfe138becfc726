import { LosslessNumber, parse } from 'lossless-json';
import { z } from 'zod';

const rowLine = z.looseObject({ record: z.looseObject({ data: z.record(z.string(), z.unknown()) }) });

/**
 * The value of the cursor column in a RECORD line, as its exact text: a number keeps every digit.
 *
 * @param line a whole RECORD line in JSON.
 */
export function cursorInLine(line: Buffer, cursorColumn: string): string {
  const { record } = rowLine.parse(parse(line.toString('utf8')));
  const cursor = record.data[cursorColumn];
  if (typeof cursor === 'string') return cursor;
  if (cursor instanceof LosslessNumber) return cursor.value;
  throw new Error(`The row holds no usable ${cursorColumn}.`);
}
