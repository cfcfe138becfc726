import { addSentence } from '../shared/statement.ts';

/** A failure that a connector logs before it retries. */
export type Retry = { problem: string; attempt: number };

/** Matches the end of a message from `describeRetry`. */
const END = /\s+Attempt (\d+) failed\. Retrying(?:: [^.]+)?\.$/;

/**
 * Describes a failure before a retry.
 *
 * @param problem a complete sentence.
 * @param attempt the number of attempts that failed.
 * @param effect what the retry means for the run.
 */
export function describeRetry(problem: string, attempt: number, effect?: string): string {
  return addSentence(problem, `Attempt ${attempt} failed. Retrying${effect === undefined ? '' : `: ${effect}`}.`);
}

/** Parses a message from `describeRetry`. Returns undefined for any other message. */
export function parseRetry(message: string): Retry | undefined {
  const { 0: end = '', 1: attempt } = END.exec(message) ?? [];
  if (attempt === undefined) return undefined;
  return { problem: message.slice(0, -end.length), attempt: Number(attempt) };
}
