import { log } from '@clack/prompts';
import type { Attempt } from '../runner/try-connector.ts';
import { questionOutput } from './output.ts';
import { AnswersEndedError, type Questions, showMessage } from './prompts.ts';

/** A group of questions, and a test of their answers. */
export type Step = {
  /** What the answers are called, as in "Change host and port". */
  label: string;
  /** Whether the questions are only asked if the user wants to change the answers. */
  isOptional?: boolean;
  ask: () => Promise<void>;
  /** Whether the answers no longer fit the answers of an earlier step, so that they are asked again. */
  isOutdated?: () => boolean;
  /** The test, with the name of what is tested, as in "Testing host and port …". Without a test, every answer works. */
  test?: { name: string; run: () => Promise<Attempt<string>> };
};

/**
 * Runs steps in their order: asks, and tests the answers. If a test fails, the user can run it again, or change the answers of
 * this step or of an earlier one. All other answers are kept.
 *
 * @param launcher the launcher, for the command that explains an error.
 * @throws AnswersEndedError if the user leaves.
 */
export async function runSteps(questions: Questions, launcher: string, steps: readonly Step[]): Promise<void> {
  const toAsk = new Set(steps.filter(({ isOptional }) => isOptional !== true));
  for (let at = 0; at < steps.length; ) {
    const step = steps[at];
    if (step === undefined) return;
    if (toAsk.has(step) || step.isOutdated?.() === true) await step.ask();
    toAsk.delete(step);
    const failure = await runTest(questions, step);
    if (failure === undefined) {
      at += 1;
      continue;
    }
    showMessage('error', `${failure.error.message}\n\nMore: ${launcher} explain ${failure.error.page}`);
    const changed = await askWhatNow(questions, steps.slice(0, at + 1), mayWorkLater(failure));
    if (changed === undefined) continue;
    toAsk.add(changed);
    at = steps.indexOf(changed);
  }
}

type Failure = Extract<Attempt<string>, { kind: 'fails' }>;

/** Runs the test of a step, and shows its result. Returns the failure, if there is one. */
async function runTest(questions: Questions, { test }: Step): Promise<Failure | undefined> {
  if (test === undefined) return undefined;
  // The library's spinner is not used: it handles Ctrl-C itself, and ends the process with exit code 0.
  log.step(`Testing ${test.name} …`, { output: questionOutput() });
  const result = await questions.runUnlessEnded(test.run());
  for (const warning of result.warnings) showMessage('warn', warning);
  if (result.kind === 'fails') return result;
  showMessage('success', result.found);
  return undefined;
}

/** Whether the same answers may work later, because the server comes back or the user runs the statement in the message. */
function mayWorkLater({ error }: Failure): boolean {
  return error.failureType === 'transient_error' || error.message.includes('\n');
}

/** Returns the step whose answers the user wants to change; undefined if the user wants to try again. */
async function askWhatNow(
  questions: Questions,
  steps: readonly Step[],
  isRetryFirst: boolean,
): Promise<Step | undefined> {
  const again = { value: 'again', label: 'Try again' };
  const changes = steps.map(({ label }, index) => ({ value: `${index}`, label: `Change ${label}` })).reverse();
  const [latest, ...earlier] = changes;
  const first = latest === undefined ? [again] : isRetryFirst ? [again, latest] : [latest, again];
  const choice = await questions.select('What now?', [...first, ...earlier, { value: 'leave', label: 'Leave' }]);
  if (choice === 'leave') throw new AnswersEndedError();
  return choice === 'again' ? undefined : steps[Number(choice)];
}
