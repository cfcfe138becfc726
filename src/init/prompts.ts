import { type CANCEL_SYMBOL, confirm, isCancel, multiselect, password, select, text } from '@clack/prompts';
import wrapAnsi from 'wrap-ansi';
import { onAbort } from '../shared/abort.ts';
import { printableLines } from '../shared/printable.ts';

/** The width of the frame beside the text: a bar and two spaces. */
const BAR_WIDTH = 3;

const USUAL_COLUMNS = 80;

/** Thrown when the user leaves the questions with Ctrl-C or Esc, or when a signal ends them. */
export class AnswersEndedError extends Error {
  constructor() {
    super('The questions were not answered to the end.');
    this.name = 'AnswersEndedError';
  }
}

type TextQuestion = {
  message: string;
  /** An earlier answer, which can be edited. */
  initial?: string | undefined;
  /** The answer that is used if the user types nothing. It is shown as a placeholder. */
  defaultAnswer?: string | undefined;
  /** Returns what is wrong with an answer; undefined if it is valid. */
  validate?: (answer: string) => string | undefined;
};

/** Asks questions in the terminal. A question rejects with an AnswersEndedError if the user leaves it, or if a signal ends it. */
export class Questions {
  readonly #stop: AbortSignal;

  constructor(stop: AbortSignal) {
    this.#stop = stop;
  }

  /** Waits until `work`, which runs between two questions, is done, and returns its result. Rejects with an AnswersEndedError if a signal comes first. */
  async runUnlessEnded<Result>(work: Promise<Result>): Promise<Result> {
    let removeListeners = (): void => {};
    const end = new Promise<never>((_, reject) => {
      removeListeners = onAbort(this.#stop, () => reject(new AnswersEndedError()));
    });
    return Promise.race([work, end]).finally(removeListeners);
  }

  /** Asks for a text. If the answer is empty and there is no default answer, it asks again. */
  async text({ message, initial, defaultAnswer, validate }: TextQuestion): Promise<string> {
    const answer = await orThrowIfCancelled(
      text({
        signal: this.#stop,
        message,
        ...(initial === undefined ? {} : { initialValue: initial }),
        ...(defaultAnswer === undefined ? {} : { defaultValue: defaultAnswer, placeholder: defaultAnswer }),
        validate: (written) => {
          const answer = (written ?? '').trim() || defaultAnswer;
          return answer === undefined ? 'An answer is required.' : validate?.(answer);
        },
      }),
    );
    return answer.trim() || (defaultAnswer ?? '');
  }

  /** Asks for a text that is not shown. The answer may be empty. */
  async password(message: string): Promise<string> {
    // The library returns undefined for an empty answer.
    return (await orThrowIfCancelled(password({ signal: this.#stop, message }))) ?? '';
  }

  confirm(message: string, initial: boolean): Promise<boolean> {
    return orThrowIfCancelled(confirm({ signal: this.#stop, message, initialValue: initial }));
  }

  /** Asks for one of several choices. */
  async select<Choice extends string>(
    message: string,
    choices: readonly { value: Choice; label: string }[],
  ): Promise<Choice> {
    const value = await orThrowIfCancelled(select<string>({ signal: this.#stop, message, options: [...choices] }));
    const choice = choices.find((candidate) => candidate.value === value);
    if (choice === undefined) throw new AnswersEndedError();
    return choice.value;
  }

  /** Asks for one or more of several choices. */
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

/** Wraps text into lines that fit beside the bar. The library draws the bar, but doesn't wrap lines. */
export function wrapForFrame(text: string, columns: number | undefined): string {
  return wrapAnsi(printableLines(text), (columns || USUAL_COLUMNS) - BAR_WIDTH, { hard: true });
}
