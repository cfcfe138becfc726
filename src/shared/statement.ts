/** The indentation of a line that must be copied as it is. */
const INDENTATION = '  ';

/**
 * Formats a statement or command for the end of a message, on indented lines of its own. A terminal doesn't wrap these lines, so the
 * statement can be copied.
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

/** Adds a sentence to a message. After a statement, it is on a line of its own, so that it isn't copied with the statement. */
export function addSentence(message: string, sentence: string): string {
  const lastLine = message.slice(message.lastIndexOf('\n') + 1);
  if (isOfStatement(lastLine)) return `${message}\n\n${sentence}`;
  return `${message}${message.endsWith('.') ? '' : '.'} ${sentence}`;
}

/** Quotes a word for a shell, if necessary. */
export function quoteForShell(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
