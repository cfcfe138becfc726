import { type CANCEL_SYMBOL, confirm, isCancel, log, multiselect, password, select, text } from '@clack/prompts';
import { wrapMessage } from '../runner/terminal/message-layout.ts';
import { onAbort } from '../shared/abort.ts';
import { isOfStatement } from '../shared/statement.ts';
import { questionOutput } from './output.ts';

/** The width of the frame beside the text: a bar and two spaces. */
const BAR_WIDTH = 3;

const USUAL_COLUMNS = 80;

/** Matches a string that is exactly one reference to an environment variable or a file. */
const REFERENCE = /^\$\{(?:file:[^}]+|[A-Za-z_][A-Za-z0-9_]*)\}$/;

/** Thrown when the user leaves the questions, or when a signal ends them. */
export class AnswersEndedError extends Error {
  constructor() {
    super('Not all questions were answered.');
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

type SecretQuestion = {
  message: string;
  /** An earlier answer, as it is in the configuration. It is used if the user types nothing. */
  before: string | undefined;
  /** Whether the answer may be empty. */
  isOptional?: boolean;
  /** Returns what is wrong with an answer; undefined if it is valid. It isn't called for references. */
  validate?: (answer: string) => string | undefined;
};

/** Asks questions in the terminal. A question rejects with an AnswersEndedError if the user leaves it, or if a signal ends it. */
export class Questions {
  readonly #stop: AbortSignal;
  readonly #output = questionOutput();

  constructor(stop: AbortSignal) {
    this.#stop = stop;
  }

  /**
   * Waits for work that runs between two questions, and returns its result. Rejects with an AnswersEndedError if a signal comes
   * first.
   */
  async runUnlessEnded<Result>(work: Promise<Result>): Promise<Result> {
    let removeListeners = (): void => {};
    const end = new Promise<never>((_, reject) => {
      removeListeners = onAbort(this.#stop, () => reject(new AnswersEndedError()));
    });
    return Promise.race([work, end]).finally(removeListeners);
  }

  /** Asks for a string. If the answer is empty and there is no default answer, it asks again. */
  async text({ message, initial, defaultAnswer, validate }: TextQuestion): Promise<string> {
    const answer = await this.#ask((signal) =>
      text({
        signal,
        output: this.#output,
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

  /**
   * Asks for a string that is not shown, and returns it as it is written in a configuration: a reference such as ${NAME} is kept,
   * and in any other string `${` is escaped, so that the connector uses the string as typed.
   */
  async secret({ message, before, isOptional = false, validate }: SecretQuestion): Promise<string> {
    const mayBeEmpty = isOptional || before !== undefined;
    const answer = await this.#ask((signal) =>
      password({
        signal,
        output: this.#output,
        message,
        // An invalid answer is cleared. It isn't shown, so the user could not correct it.
        clearOnError: true,
        validate: (typed = '') => {
          if (typed === '') return mayBeEmpty ? undefined : 'An answer is required.';
          return REFERENCE.test(typed) ? undefined : validate?.(typed);
        },
      }),
    );
    // The library returns undefined for an empty answer.
    if (answer === undefined || answer === '') return before ?? '';
    return REFERENCE.test(answer) ? answer : answer.replaceAll('${', () => '$${');
  }

  confirm(message: string, initial: boolean): Promise<boolean> {
    return this.#ask((signal) => confirm({ signal, output: this.#output, message, initialValue: initial }));
  }

  /** Asks for one of several choices. @param initial the value of the choice that is selected first. */
  async select<Choice extends string>(
    message: string,
    choices: readonly { value: Choice; label: string; hint?: string }[],
    initial?: string,
  ): Promise<Choice> {
    const value = await this.#ask((signal) =>
      select<string>({
        signal,
        output: this.#output,
        message,
        options: [...choices],
        ...(initial === undefined ? {} : { initialValue: initial }),
      }),
    );
    const choice = choices.find((candidate) => candidate.value === value);
    if (choice === undefined) throw new AnswersEndedError();
    return choice.value;
  }

  /** Asks for one or more of several choices. */
  multiselect(
    message: string,
    choices: readonly { value: string; label: string; hint: string }[],
    initial: readonly string[],
  ): Promise<string[]> {
    return this.#ask((signal) =>
      multiselect<string>({
        signal,
        output: this.#output,
        message,
        options: [...choices],
        initialValues: [...initial],
        required: true,
      }),
    );
  }

  /** Asks a question. The library never removes its listeners from the signal, so each question gets a signal of its own. */
  async #ask<Answer>(question: (signal: AbortSignal) => Promise<Answer | typeof CANCEL_SYMBOL>): Promise<Answer> {
    const controller = new AbortController();
    const removeListener = onAbort(this.#stop, () => controller.abort());
    const answer = await question(controller.signal).finally(removeListener);
    if (isCancel(answer)) throw new AnswersEndedError();
    return answer;
  }
}

/**
 * Shows a message beside the bar that the library draws. The library doesn't wrap lines, so the message is wrapped here. A
 * statement is printed without the bar, so that it can be copied.
 */
export function showMessage(kind: 'info' | 'success' | 'warn' | 'error', message: string): void {
  const output = questionOutput();
  const paragraphs = wrapMessage(message, (process.stdout.columns || USUAL_COLUMNS) - BAR_WIDTH).split('\n\n');
  for (const [index, paragraph] of paragraphs.entries()) {
    if (isOfStatement(paragraph)) output.write(`\n${paragraph.replaceAll(/^ {2}/gm, '')}\n\n`);
    else if (index === 0) log[kind](paragraph, { output });
    else log.message(paragraph, { output });
  }
}
