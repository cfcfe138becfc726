/** The assumed width of a terminal that doesn't report its width. */
const USUAL_COLUMNS = 80;

const ESCAPE = '\u001b[';

/** The parts of a terminal that the line needs. */
export type LineTerminal = {
  columns?: number;
  write: (text: string) => unknown;
  on: (event: 'resize', listener: () => void) => unknown;
  off: (event: 'resize', listener: () => void) => unknown;
};

/** Draws the line for a terminal with this number of columns. The line must be narrower than the terminal. */
type Draw = (columns: number) => string;

/**
 * A line at the bottom of a terminal that is replaced in place. All other output appears above it. cli-progress is not used: when
 * the terminal becomes narrower and wraps the line, cli-progress leaves parts of the line on the screen.
 */
export class StatusLine {
  readonly #terminal: LineTerminal;
  #draw: Draw | undefined;
  #shown = '';

  constructor(terminal: LineTerminal) {
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

  /**
   * Replaces the line, and writes `above` before it. The cursor stays at the start of the line. Some terminals wrap the line when
   * they become narrower, and others cut it. In both cases, the line is everything from the cursor on, so it can be erased.
   */
  #replace(above: string, text: string): void {
    const erase = this.#shown === '' ? '' : `\r${ESCAPE}J`;
    const written = `${erase}${above}${text === '' ? '' : `${text}\r`}`;
    this.#shown = text;
    if (written !== '') this.#terminal.write(written);
  }
}
