import { type CANCEL_SYMBOL, confirm, isCancel, multiselect, password, select, text } from '@clack/prompts';
import wrapAnsi from 'wrap-ansi';
import { onAbort } from '../shared/abort.ts';
import { printableLines } from '../shared/printable.ts';

/** The bar before a line, and two blanks. */
const BAR_WIDTH = 3;

const USUAL_COLUMNS = 80;

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
  defaultAnswer?: string | undefined;
  /** What is wrong with an answer; undefined when it will do. */
  validate?: (answer: string) => string | undefined;
};

/** Asks in the terminal. Each question rejects with an AnswersEndedError when the person leaves, or a signal says so. */
export class Questions {
  readonly #stop: AbortSignal;

  constructor(stop: AbortSignal) {
    this.#stop = stop;
  }

  /** What comes of something that is done between two questions, unless a signal ends them before. */
  async runUnlessEnded<Result>(work: Promise<Result>): Promise<Result> {
    let removeListeners = (): void => {};
    const end = new Promise<never>((_, reject) => {
      removeListeners = onAbort(this.#stop, () => reject(new AnswersEndedError()));
    });
    return Promise.race([work, end]).finally(removeListeners);
  }

  /** An empty answer is asked again, unless there is a defaultAnswer one. */
  async text({ message, initial, defaultAnswer, validate }: TextQuestion): Promise<string> {
    const answer = await orThrowIfCancelled(
      text({
        signal: this.#stop,
        message,
        ...(initial === undefined ? {} : { initialValue: initial }),
        ...(defaultAnswer === undefined ? {} : { defaultValue: defaultAnswer, placeholder: defaultAnswer }),
        validate: (written) => {
          const answer = (written ?? '').trim() || defaultAnswer;
          return answer === undefined ? 'An answer is needed.' : validate?.(answer);
        },
      }),
    );
    return answer.trim() || (defaultAnswer ?? '');
  }

  /** A text that is not shown. An empty one is an answer. */
  async password(message: string): Promise<string> {
    // Nothing typed comes as undefined.
    return (await orThrowIfCancelled(password({ signal: this.#stop, message }))) ?? '';
  }

  confirm(message: string, initial: boolean): Promise<boolean> {
    return orThrowIfCancelled(confirm({ signal: this.#stop, message, initialValue: initial }));
  }

  /** One of several choices. */
  async select<Choice extends string>(
    message: string,
    choices: readonly { value: Choice; label: string }[],
  ): Promise<Choice> {
    const value = await orThrowIfCancelled(select<string>({ signal: this.#stop, message, options: [...choices] }));
    const choice = choices.find((candidate) => candidate.value === value);
    if (choice === undefined) throw new AnswersEndedError();
    return choice.value;
  }

  /** At least one of several. */
  multiselect(message: string, choices: readonly { value: string; label: string; hint: string }[]): Promise<string[]> {
    return orThrowIfCancelled(
      multiselect<string>({ signal: this.#stop, message, options: [...choices], required: true }),
    );
  }
}

async function orThrowIfCancelled<Answer>(question: Promise<Answer | typeof CANCEL_SYMBOL>): Promise<Answer> {
  const answer = await question;
  if (isCancel(answer)) throw new AnswersEndedError();
  return answer;
}

/** A text from outside in lines that fit behind the bar: the library puts one before each line that it is given, and breaks none. */
export function wrapForFrame(text: string, columns: number | undefined): string {
  return wrapAnsi(printableLines(text), (columns || USUAL_COLUMNS) - BAR_WIDTH, { hard: true });
}
