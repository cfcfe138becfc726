import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

export type Colour = 'bold' | 'dim' | 'red' | 'yellow' | 'green';

/** Where a person reads: so many characters a line, with colours or without. */
export type Terminal = { width: number; paint: (colour: Colour, text: string) => string };

/** What is no terminal, or one that does not say how wide it is. */
const USUAL_WIDTH = 80;

/** A stream that people read: in colour only if it is a terminal that has some, and NO_COLOR does not forbid them. */
export function describeTerminal(stream: Partial<Pick<WriteStream, 'isTTY' | 'columns' | 'hasColors'>>): Terminal {
  const hasColours = stream.isTTY === true && stream.hasColors?.() === true;
  return {
    width: stream.columns ?? USUAL_WIDTH,
    paint: (colour, text) => (hasColours && text !== '' ? styleText(colour, text, { validateStream: false }) : text),
  };
}
