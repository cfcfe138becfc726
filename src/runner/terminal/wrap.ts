import wrapAnsi from 'wrap-ansi';
import { printableLines } from '../../shared/printable.ts';
import { isOfStatement } from '../../shared/statement.ts';

/**
 * Wraps a message between words. The lines of a statement are not wrapped, so that they can be copied from a terminal. Control
 * characters are escaped.
 */
export function wrapMessage(message: string, width: number): string {
  return printableLines(message)
    .split('\n')
    .map((line) => (isOfStatement(line) ? line : wrapAnsi(line, width, { hard: true })))
    .join('\n');
}
