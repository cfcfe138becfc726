import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { Cast, CastEvent } from './cast.ts';

/** The size of the recorded terminal. */
const COLUMNS = 96;
const ROWS = 26;

/** The time between two typed characters, in seconds. */
const TYPING = 0.035;

/** How long the command line is shown before its command starts, in seconds. */
const BEFORE_COMMAND = 0.4;

/** A longer wait for output is shortened to this, in seconds. */
const LONGEST_WAIT = 0.8;

/** How long a question is shown before it is answered, in seconds. */
const BEFORE_ANSWER = 0.5;

/** How long the output of a command is shown before the next one, in seconds. */
const AFTER_COMMAND = 3;

const PROMPT = '\u001b[32m$\u001b[0m ';

/** A block in place of the cursor, which the next character overwrites. */
const CURSOR = '\u001b[7m \u001b[0m\b';

/** An answer that is typed when a question is shown. */
export type Answer = { question: string; keys: string };

/** Records commands in a terminal, one after the other. Typing is imitated; the commands run, and their output is recorded. */
export class Recorder {
  readonly #events: CastEvent[] = [];
  readonly #folder: string;
  #now = 0;

  /** @param folder the working folder of the commands. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  get cast(): Cast {
    return { columns: COLUMNS, rows: ROWS, events: this.#events };
  }

  /**
   * Clears the screen, types a command and records what it prints. It may end with any exit code.
   *
   * @param answers in the order of the questions of the command.
   */
  async run(command: string, answers: readonly Answer[] = []): Promise<void> {
    this.#print(`\u001b[2J\u001b[H${PROMPT}${CURSOR}`);
    for (const character of command) {
      this.#now += TYPING;
      this.#print(`${character}${CURSOR}`);
    }
    this.#now += BEFORE_COMMAND;
    this.#print(' \r\n');
    await this.#record(command, answers);
    this.#print(`${PROMPT}${CURSOR}`);
    this.#now += AFTER_COMMAND;
  }

  async #record(command: string, answers: readonly Answer[]): Promise<void> {
    // From util-linux: runs the command in its own terminal.
    const child = spawn('script', ['-qec', `stty cols ${COLUMNS} rows ${ROWS}; ${command}`, '/dev/null'], {
      cwd: this.#folder,
      env: { ...process.env, TERM: 'xterm-256color', FORCE_COLOR: '1', CI: undefined },
    });
    let last = performance.now();
    child.stdout.setEncoding('utf8').on('data', (data: string) => {
      const time = performance.now();
      this.#now += Math.min(LONGEST_WAIT, (time - last) / 1000);
      last = time;
      this.#print(data);
    });
    const ended = once(child, 'close');
    await giveAnswers(child, ended, answers);
    await ended;
  }

  #print(data: string): void {
    this.#events.push({ at: this.#now, data });
  }
}

/** Types each answer after its question. @throws Error if the command ends before it has asked all of them. */
async function giveAnswers(
  child: ChildProcessWithoutNullStreams,
  ended: Promise<unknown>,
  answers: readonly Answer[],
): Promise<void> {
  let shown = '';
  child.stdout.on('data', (data: string) => {
    shown += data;
  });
  for (const { question, keys } of answers) {
    while (!shown.includes(question)) {
      if (child.exitCode !== null) throw new Error(`The command did not ask "${question}":\n${shown}`);
      await Promise.race([once(child.stdout, 'data'), ended]);
    }
    shown = shown.slice(shown.indexOf(question) + question.length);
    await setTimeout(BEFORE_ANSWER * 1000);
    for (const key of keys) {
      child.stdin.write(key);
      await setTimeout(TYPING * 1000);
    }
  }
}
