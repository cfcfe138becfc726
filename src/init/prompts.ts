import { type CANCEL_SYMBOL, confirm, isCancel, multiselect, password, select, text } from '@clack/prompts';
import { onAbort } from '../shared/abort.ts';

/** The person left the questions with Ctrl-C or Esc, or a signal ended them. */
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
  /** What an empty answer means. It is shown, and gives way to what is typed. */
  usual?: string | undefined;
  /** What is wrong with an answer; undefined when it will do. */
  fault?: (answer: string) => string | undefined;
};

/** Asks in the terminal. Each question rejects with an AnswersEndedError when the person leaves, or a signal says so. */
export class Questions {
  readonly #stop: AbortSignal;

  constructor(stop: AbortSignal) {
    this.#stop = stop;
  }

  /** What comes of something that is done between two questions, unless a signal ends them before. */
  async unlessEnded<Result>(work: Promise<Result>): Promise<Result> {
    let forget = (): void => {};
    const end = new Promise<never>((_, reject) => {
      forget = onAbort(this.#stop, () => reject(new AnswersEndedError()));
    });
    return Promise.race([work, end]).finally(forget);
  }

  /** An empty answer is asked again, unless there is a usual one. */
  async text({ message, initial, usual, fault }: TextQuestion): Promise<string> {
    const answer = await answered(
      text({
        signal: this.#stop,
        message,
        ...(initial === undefined ? {} : { initialValue: initial }),
        ...(usual === undefined ? {} : { defaultValue: usual, placeholder: usual }),
        validate: (written) => {
          const answer = (written ?? '').trim() || usual;
          return answer === undefined ? 'An answer is needed.' : fault?.(answer);
        },
      }),
    );
    return answer.trim() || (usual ?? '');
  }

  /** A text that is not shown. An empty one is an answer. */
  async secret(message: string): Promise<string> {
    // Nothing typed comes as undefined.
    return (await answered(password({ signal: this.#stop, message }))) ?? '';
  }

  whether(message: string, initial: boolean): Promise<boolean> {
    return answered(confirm({ signal: this.#stop, message, initialValue: initial }));
  }

  /** One of several choices. */
  async which<Choice extends string>(
    message: string,
    choices: readonly { value: Choice; label: string }[],
  ): Promise<Choice> {
    const value = await answered(select<string>({ signal: this.#stop, message, options: [...choices] }));
    const choice = choices.find((candidate) => candidate.value === value);
    if (choice === undefined) throw new AnswersEndedError();
    return choice.value;
  }

  /** At least one of several. */
  some(message: string, choices: readonly { value: string; label: string; hint: string }[]): Promise<string[]> {
    return answered(multiselect<string>({ signal: this.#stop, message, options: [...choices], required: true }));
  }
}

async function answered<Answer>(question: Promise<Answer | typeof CANCEL_SYMBOL>): Promise<Answer> {
  const answer = await question;
  if (isCancel(answer)) throw new AnswersEndedError();
  return answer;
}
