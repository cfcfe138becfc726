import wrapAnsi from 'wrap-ansi';
import { printableLines } from '../shared/printable.ts';

/** The bar before a line, and two blanks. */
const BAR_WIDTH = 3;

const USUAL_COLUMNS = 80;

/** A text from outside in lines that fit behind the bar: the library puts one before each line that it is given, and breaks none. */
export function wrapForFrame(text: string, columns: number | undefined): string {
  return wrapAnsi(printableLines(text), (columns || USUAL_COLUMNS) - BAR_WIDTH, { hard: true });
}
