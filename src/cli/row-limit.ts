/** 1 to 15 digits, which a number keeps exactly. */
const ROW_LIMIT = /^[1-9]\d{0,14}$/;

/** The option --limit of yargs, of `read` and of what runs it. */
export const rowLimit = {
  type: 'string',
  requiresArg: true,
  describe: 'read so many rows at the most, of all streams together; the next run goes on behind them',
  coerce: parseRowLimit,
} as const;

/** @throws Error that is the mistake in words, when the text is no whole number of rows. */
function parseRowLimit(text: unknown): number | undefined {
  if (text === undefined) return undefined;
  if (typeof text === 'string' && ROW_LIMIT.test(text)) return Number(text);
  throw new Error('--limit takes one whole number of rows, from 1 on. To read all rows, leave it out.');
}
