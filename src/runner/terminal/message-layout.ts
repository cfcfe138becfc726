import wrapAnsi from 'wrap-ansi';
import type { ConnectorError } from '../../protocol/errors.ts';
import { formatErrorWithStack } from '../../protocol/messages.ts';
import { printableLines } from '../../shared/printable.ts';
import { endsWithStatement, isOfStatement } from '../../shared/statement.ts';
import type { Terminal } from './terminal.ts';

const COLOURS: Readonly<Record<string, 'red' | 'yellow'>> = { ERROR: 'red', FATAL: 'red', WARN: 'yellow' };

/** The width of the column for the level before a message: it holds the longest level and a space. */
const LEVEL_WIDTH = 'ERROR '.length;

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

/**
 * Wraps a string if it is for a terminal. Escapes its control characters: names and messages from outside must not control the
 * terminal.
 */
export function layOutText(text: string, { isTerminal, width }: Pick<Terminal, 'isTerminal' | 'width'>): string {
  return isTerminal ? wrapMessage(text, width) : printableLines(text);
}

/**
 * Lays out a message with its level. In a terminal, the level is coloured, and the message is wrapped beside it. The lines of a
 * statement are not wrapped and not indented further, and a blank line follows them, so that they can be copied.
 */
export function layOutMessage(level: string, message: string, terminal: Terminal): string {
  const label = level.padEnd(LEVEL_WIDTH);
  const colour = COLOURS[level];
  const shown = colour === undefined ? label : terminal.paint(colour, label);
  const { isTerminal, width } = terminal;
  const [first = '', ...others] = layOutText(message, { isTerminal, width: width - LEVEL_WIDTH }).split('\n');
  if (!isTerminal) return [shown + first, ...others].join('\n');
  const indented = others.map((line) => (line === '' || isOfStatement(line) ? line : ' '.repeat(LEVEL_WIDTH) + line));
  return [shown + first, ...indented, ...(endsWithStatement(message) ? [''] : [])].join('\n');
}

/** Lays out an error of a command that prints no other messages. The level is shown only in a terminal. */
export function layOutError(error: ConnectorError, terminal: Terminal, launcher: string): string {
  const text = formatErrorForPerson(error, terminal, launcher);
  return terminal.isTerminal ? layOutMessage('ERROR', text, terminal) : layOutText(text, terminal);
}

/**
 * Formats an error for a person. In a terminal, it ends with the command that explains it, otherwise with the link to its page. An
 * unexpected error also has its stack trace, for a bug report.
 *
 * @param launcher the launcher, in the form in which the user can type it.
 */
export function formatErrorForPerson(error: ConnectorError, { isTerminal }: Terminal, launcher: string): string {
  if (!isTerminal) return formatErrorWithStack(error);
  const { message, page, stackTrace } = error;
  const more = `More: ${launcher} explain ${page}`;
  return [
    message,
    ...(endsWithStatement(message) ? [''] : []),
    more,
    ...(stackTrace === undefined ? [] : [stackTrace]),
  ].join('\n');
}
