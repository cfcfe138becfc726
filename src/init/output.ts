import { Writable } from 'node:stream';
import { describeTerminal } from '../runner/terminal/terminal.ts';

/** The terminal of the questions. */
type Screen = Writable & { isTTY?: boolean; columns?: number; rows?: number };

/** The assumed size of a terminal that doesn't report its size. */
const USUAL_COLUMNS = 80;
const USUAL_ROWS = 24;

/** A terminal that gets ASCII characters in place of the frames and symbols of the questions. */
class AsciiScreen extends Writable {
  readonly isTTY = true;
  readonly #screen: Screen;
  readonly #toCharset: (text: string) => string;

  constructor(screen: Screen, toCharset: (text: string) => string) {
    super({ decodeStrings: false });
    this.#screen = screen;
    this.#toCharset = toCharset;
    screen.on('resize', () => this.emit('resize'));
  }

  get columns(): number {
    return this.#screen.columns ?? USUAL_COLUMNS;
  }

  get rows(): number {
    return this.#screen.rows ?? USUAL_ROWS;
  }

  override _write(chunk: string | Buffer, _: string, done: () => void): void {
    this.#screen.write(this.#toCharset(chunk.toString()));
    done();
  }
}

/** The output for each terminal. It is created only once, because it adds a listener for changes of the terminal's size. */
const outputs = new WeakMap<Screen, Screen>();

/**
 * Returns the stream that the questions are written to: stdout or, if the locale has no UTF-8, a stream that writes ASCII
 * characters to it.
 */
export function questionOutput(
  screen: Screen = process.stdout,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Screen {
  const known = outputs.get(screen);
  if (known !== undefined) return known;
  const { isAscii, toCharset } = describeTerminal(screen, environment);
  const output = isAscii ? new AsciiScreen(screen, toCharset) : screen;
  outputs.set(screen, output);
  return output;
}
