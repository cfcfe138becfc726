import { Writable } from 'node:stream';
import xterm from '@xterm/headless';

/** The number of lines that are kept above the last ones. */
const SCROLLBACK = 1_000;

/** A terminal of a test: an output stream of Node, and what a person sees in it. */
export class Screen extends Writable {
  readonly isTTY = true;
  columns: number;
  readonly #terminal: xterm.Terminal;

  constructor(columns: number) {
    super({ decodeStrings: false });
    this.columns = columns;
    this.#terminal = new xterm.Terminal({
      cols: columns,
      rows: 24,
      scrollback: SCROLLBACK,
      convertEol: true,
      allowProposedApi: true,
    });
  }

  /** Without colours, the output is shown as it is written. */
  hasColors(): boolean {
    return false;
  }

  override _write(chunk: string | Buffer, _: string, done: () => void): void {
    this.#terminal.write(chunk, done);
  }

  /** Changes the width, as a person who resizes the window. */
  async resize(columns: number): Promise<void> {
    await this.#written();
    this.#terminal.resize(columns, this.#terminal.rows);
    this.columns = columns;
    this.emit('resize');
  }

  /** Returns the lines without trailing spaces, and without empty lines at the end. */
  async lines(): Promise<string[]> {
    await this.#written();
    const { active } = this.#terminal.buffer;
    const lines = Array.from({ length: active.length }, (_, row) => active.getLine(row)?.translateToString(true) ?? '');
    return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
  }

  #written(): Promise<void> {
    return new Promise((resolve) => this.write('', () => resolve()));
  }
}
