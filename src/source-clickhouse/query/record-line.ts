import { isUtf8 } from 'node:buffer';
import { LosslessNumber } from 'lossless-json';
import { z } from 'zod';
import { parseExact } from '../../shared/exact-json.ts';
import { sourceError } from '../errors/codes.ts';

const rowLine = z.looseObject({ record: z.looseObject({ data: z.looseObject({}) }) });

/** What stands in a text for bytes that are no UTF-8. */
const REPLACEMENT_CHARACTER = '\ufffd';

/**
 * The value of the cursor column in a RECORD line, as its exact text: a number keeps every digit.
 *
 * @param line a whole RECORD line in JSON, as the server sent it.
 * @throws ConnectorError (config_error) when the cursor is a text that no state can hold.
 */
export function readCursor(line: Buffer, cursorColumn: string): string {
  const cursor = parseRow(line)[cursorColumn];
  if (typeof cursor === 'string') {
    if (cursor.includes(REPLACEMENT_CHARACTER) && !isUtf8(line)) {
      throw sourceError(
        'cursor_unusable',
        `A row has a ${cursorColumn} that is no valid UTF-8. A state is text and can't keep it exactly, so rows would be lost or doubled behind it. Give the table another cursor, with a view if need be: a time, a number, or hex(${cursorColumn}).`,
      );
    }
    return cursor;
  }
  if (typeof cursor === 'number') return String(cursor);
  if (cursor instanceof LosslessNumber) return cursor.value;
  throw new Error(`The row holds no usable ${cursorColumn}.`);
}

/** The row in a line. What is wrong with a line is not said in the words of a parser, which quotes it. */
function parseRow(line: Buffer): Record<string, unknown> {
  try {
    return rowLine.parse(parseExact(line.toString('utf8'))).record.data;
  } catch {
    throw sourceError(
      'unexpected_fault',
      `Unexpected fault in the connector: a row of ${line.length} bytes came that is not a RECORD message.`,
    );
  }
}
