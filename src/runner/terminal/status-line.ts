import type { WriteStream } from 'node:tty';
import stringWidth from 'string-width';

/** The assumed width of a terminal that doesn't report its width. */
const USUAL_COLUMNS = 80;

const ESCAPE = '\u001b[';

/** Draws the line for a terminal with this number of columns. The line must be narrower. */
type Draw = (columns: number) => string;

/**
 * A line at the bottom of a terminal that is replaced in place. All other output appears above it. cli-progress is not used: it
 * leaves parts of the line on the screen when the terminal becomes narrower, which wraps the line.
 */
export class StatusLine {
  readonly #terminal: WriteStream;
  #draw: Draw | undefined;
  #shown = '';

  constructor(terminal: WriteStream) {
    this.#terminal = terminal;
  }

  show(draw: Draw): void {
    if (this.#draw === undefined) this.#terminal.on('resize', this.#redraw);
    this.#draw = draw;
    const text = draw(this.#columns);
    if (text !== this.#shown) this.#replace('', text);
  }

  /** Writes text, which may have several lines, above the line. */
  print(text: string): void {
    this.#replace(`${text}\n`, this.#shown);
  }

  /** Removes the line. */
  clear(): void {
    this.#terminal.off('resize', this.#redraw);
    this.#draw = undefined;
    this.#replace('', '');
  }

  get #columns(): number {
    return this.#terminal.columns || USUAL_COLUMNS;
  }

  readonly #redraw = (): void => {
    if (this.#draw !== undefined) this.#replace('', this.#draw(this.#columns));
  };

  #replace(above: string, text: string): void {
    const written = `${this.#eraser()}${above}${text}`;
    this.#shown = text;
    if (written !== '') this.#terminal.write(written);
  }

  /** Returns the codes that erase the line. A terminal that became narrower has wrapped it into several rows. */
  #eraser(): string {
    if (this.#shown === '') return '';
    const rows = Math.ceil(stringWidth(this.#shown) / this.#columns);
    return `${rows > 1 ? `${ESCAPE}${rows - 1}A` : ''}\r${ESCAPE}J`;
  }
}
