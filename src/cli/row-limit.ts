/** 1 to 15 digits, which a number keeps exactly. */
const ROW_COUNT = /^[1-9]\d{0,14}$/;

/** The option --limit of yargs, of `read` and of what runs it. */
export const rowLimit = {
  type: 'string',
  requiresArg: true,
  describe: 'read so many rows at the most, of all streams together; the next run goes on behind them',
  coerce: (text: unknown) => parseRowCount('--limit', text),
} as const;

/**
 * A number of rows as it was typed; undefined when it was not.
 *
 * @throws Error that is the mistake in words, when the text is no whole number of rows.
 */
export function parseRowCount(option: string, text: unknown): number | undefined {
  if (text === undefined) return undefined;
  if (typeof text === 'string' && ROW_COUNT.test(text)) return Number(text);
  throw new Error(`${option} takes one whole number of rows, from 1 on.`);
}
