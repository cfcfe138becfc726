import { type CANCEL_SYMBOL, confirm, isCancel, multiselect, password, select, text } from '@clack/prompts';
import wrapAnsi from 'wrap-ansi';
import { onAbort } from '../shared/abort.ts';
import { printableLines } from '../shared/printable.ts';

/** The width of the bar before a line and of two spaces. */
const BAR_WIDTH = 3;

const USUAL_COLUMNS = 80;

/** The user left the questions with Ctrl-C or Esc, or a signal ended them. */
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
  /** The meaning of an empty answer, shown as a placeholder. */
  defaultAnswer?: string | undefined;
  /** Returns what is wrong with an answer; undefined if it is valid. */
  validate?: (answer: string) => string | undefined;
};

/** Asks in the terminal. Each question rejects with an AnswersEndedError when the user leaves, or a signal stops it. */
export class Questions {
  readonly #stop: AbortSignal;

  constructor(stop: AbortSignal) {
    this.#stop = stop;
  }

  /** Resolves to the result of work between two questions, unless a signal ends the questions first. */
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
          return answer === undefined ? 'An answer is required.' : validate?.(answer);
        },
      }),
    );
    return answer.trim() || (defaultAnswer ?? '');
  }

  /** A hidden answer. It may be empty. */
  async password(message: string): Promise<string> {
    // The library returns undefined for an empty answer.
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

  /** At least one of several choices. */
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

/** Wraps text from elsewhere into lines that fit beside the bar. The library draws the bar, but doesn't wrap lines. */
export function wrapForFrame(text: string, columns: number | undefined): string {
  return wrapAnsi(printableLines(text), (columns || USUAL_COLUMNS) - BAR_WIDTH, { hard: true });
}
