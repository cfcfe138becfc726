/** The indentation of a line that must be copied as it is. */
const INDENTATION = '  ';

/**
 * Formats a statement or command for the end of a message, on indented lines of its own. A terminal doesn't wrap these lines, so
 * the statement can be copied.
 */
export function onOwnLines(statement: string): string {
  return `\n\n${statement
    .split('\n')
    .map((line) => `${INDENTATION}${line}`)
    .join('\n')}`;
}

/** Whether a line of a message is a part of a statement. */
export function isOfStatement(line: string): boolean {
  return line.startsWith(INDENTATION);
}

/**
 * Whether the last line of a message is a part of a statement. Text after a statement must be separated from it, so that the text
 * isn't copied with the statement.
 */
export function endsWithStatement(message: string): boolean {
  return isOfStatement(message.slice(message.lastIndexOf('\n') + 1));
}

/** Adds a sentence to a message. */
export function addSentence(message: string, sentence: string): string {
  if (endsWithStatement(message)) return `${message}\n\n${sentence}`;
  return `${message}${message.endsWith('.') ? '' : '.'} ${sentence}`;
}

/** Quotes a word for a shell, if necessary. */
export function quoteForShell(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
