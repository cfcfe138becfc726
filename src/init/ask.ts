import { type CANCEL_SYMBOL, confirm, isCancel, multiselect, password, select, text } from '@clack/prompts';

/** The person left the questions with Ctrl-C or Esc. */
export class AnswersEndedError extends Error {
  constructor() {
    super('The questions were left.');
    this.name = 'AnswersEndedError';
  }
}

type TextQuestion = {
  message: string;
  /** What stands there to be changed. */
  initial?: string | undefined;
  /** What is wrong with an answer; undefined when it will do. */
  fault?: (answer: string) => string | undefined;
};

/** An empty answer is asked again. @throws AnswersEndedError, here and below, when the person leaves. */
export async function askText({ message, initial, fault }: TextQuestion): Promise<string> {
  const answer = await answered(
    text({
      message,
      ...(initial === undefined ? {} : { initialValue: initial }),
      validate: (written) => {
        const trimmed = (written ?? '').trim();
        return trimmed === '' ? 'An answer is needed.' : fault?.(trimmed);
      },
    }),
  );
  return answer.trim();
}

/** A text that is not shown. An empty one is an answer. */
export async function askSecret(message: string): Promise<string> {
  // Nothing typed comes as undefined.
  return (await answered(password({ message }))) ?? '';
}

export function askWhether(message: string, initial: boolean): Promise<boolean> {
  return answered(confirm({ message, initialValue: initial }));
}

/** One of several choices. */
export function askWhich<Choice extends string>(
  message: string,
  choices: readonly { value: Choice; label: string }[],
): Promise<Choice> {
  return answered(select<string>({ message, options: [...choices] })).then((value) => {
    const choice = choices.find((candidate) => candidate.value === value);
    if (choice === undefined) throw new AnswersEndedError();
    return choice.value;
  });
}

/** At least one of several. */
export function askForSome(
  message: string,
  choices: readonly { value: string; label: string; hint: string }[],
): Promise<string[]> {
  return answered(multiselect<string>({ message, options: [...choices], required: true }));
}

async function answered<Answer>(question: Promise<Answer | typeof CANCEL_SYMBOL>): Promise<Answer> {
  const answer = await question;
  if (isCancel(answer)) throw new AnswersEndedError();
  return answer;
}
