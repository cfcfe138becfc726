import type { WriteStream } from 'node:tty';
import { styleText } from 'node:util';

export type Colour = 'bold' | 'dim' | 'red' | 'yellow' | 'green';

/** What is known about an output stream that a person may read. */
export type Terminal = {
  /** Whether the stream is a terminal, and not a file or a pipe. */
  isTerminal: boolean;
  width: number;
  /** Colours text if the terminal supports colours. */
  paint: (colour: Colour, text: string) => string;
  /** Whether the stream is a terminal without UTF-8. */
  isAscii: boolean;
  /** Replaces the symbols of this program with ASCII characters of the same width if the terminal has no UTF-8. */
  toCharset: (text: string) => string;
};

/** The assumed width if there is no terminal, or if the terminal doesn't report its width. */
const USUAL_WIDTH = 80;

/**
 * The symbols that this program prints, and the ASCII characters that replace them. The last two groups are for the prompts of
 * `init`.
 */
const ASCII: Readonly<Record<string, string>> = {
  ...{ '█': '#', '░': '-', '✓': '+', '✗': 'x', '×': 'x', '…': '~', '→': '>' },
  ...{ '│': '|', '─': '-', '┌': '+', '└': '+', '┐': '+', '┘': '+', '├': '+', '╭': '+', '╮': '+', '╰': '+', '╯': '+' },
  ...{
    '◆': '*',
    '◇': 'o',
    '■': 'x',
    '▲': '!',
    '●': '>',
    '○': ' ',
    '◻': '-',
    '◼': '#',
    '▪': '*',
    '•': '*',
    '—': '-',
    '↑': '^',
    '↓': 'v',
  },
};

const SYMBOLS = new RegExp(`[${Object.keys(ASCII).join('')}]`, 'g');

/** The environment variables that set the locale's characters. The first one that is set takes precedence. */
const LOCALE_VARIABLES = ['LC_ALL', 'LC_CTYPE', 'LANG'] as const;

/** Describes an output stream. Text is coloured only if the stream is a terminal that supports colours and NO_COLOR is not set. */
export function describeTerminal(
  stream: Partial<Pick<WriteStream, 'isTTY' | 'columns' | 'hasColors'>>,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Terminal {
  const isTerminal = stream.isTTY === true;
  const hasColours = isTerminal && stream.hasColors?.() === true;
  const isAscii = isTerminal && !hasUtf8(environment);
  return {
    isTerminal,
    isAscii,
    // The width is read each time, because the user may resize the terminal.
    get width() {
      return stream.columns || USUAL_WIDTH;
    },
    paint: (colour, text) => (hasColours && text !== '' ? styleText(colour, text, { validateStream: false }) : text),
    toCharset: (text) => (isAscii ? text.replaceAll(SYMBOLS, (symbol) => ASCII[symbol] ?? symbol) : text),
  };
}

/** Whether the locale's characters are UTF-8. Without a locale, they are ASCII, as POSIX defines. */
function hasUtf8(environment: Readonly<Record<string, string | undefined>>): boolean {
  const locale = LOCALE_VARIABLES.map((name) => environment[name]).find((value) => value !== undefined && value !== '');
  return /utf-?8/i.test(locale ?? '');
}
