import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { type Finished, finished, type LauncherName, launcherPath } from '../../sandbox/launcher.ts';
import { errors } from '../support/support.ts';
import { validateMessage } from './message-schema.ts';

/** Some of the variables that the platform sets for a connector. */
const PLATFORM_ENVIRONMENT = {
  LOG_LEVEL: 'INFO',
  DEPLOYMENT_MODE: 'OSS',
  WORKER_JOB_ID: '1',
  WORKER_JOB_ATTEMPT: '0',
  USE_STREAM_CAPABLE_STATE: 'true',
};

/** How many run at a time: they share two cores with the other tests. */
const SIDE_BY_SIDE = 3;

/** A run that rules check: the arguments of the launcher, and how it must end. */
/** The exit codes of the launchers, by how a command ends. */
const CODES = { well: 0, 'with a failure': 1, 'with wrong arguments': 2 } as const;

type ConformanceRun = Finished & { name: string; ends: keyof typeof CODES };

type Wanted = { ends?: ConformanceRun['ends']; input?: string | readonly Uint8Array[] };

/**
 * The runs of one launcher. Each runs once, as on the platform: a shell in a folder that is not ours evaluates
 * the launcher's path and its arguments.
 */
export class ConformanceRuns {
  readonly #launcher: LauncherName;
  readonly #all: ConformanceRun[] = [];
  readonly #waiting: (() => void)[] = [];
  #free = SIDE_BY_SIDE;

  constructor(launcher: LauncherName) {
    this.#launcher = launcher;
  }

  get all(): readonly ConformanceRun[] {
    return this.#all;
  }

  /** Runs a command to its end. `input` comes on stdin, several pieces of it one after the other. */
  async run(name: string, args: readonly string[], { ends = 'well', input = '' }: Wanted = {}): Promise<Finished> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free -= 1;
    try {
      const child = spawn('/bin/sh', ['-c', `eval "$AIRBYTE_ENTRYPOINT ${args.join(' ')}"`], {
        stdio: ['pipe', 'pipe', 'pipe'],
        cwd: '/',
        env: { ...process.env, ...PLATFORM_ENVIRONMENT, AIRBYTE_ENTRYPOINT: launcherPath(this.#launcher) },
      });
      // A command that does not read its input closes it early.
      child.stdin.on('error', () => {});
      if (typeof input === 'string') child.stdin.end(input);
      else {
        for (const piece of input) await new Promise<void>((resolve) => child.stdin.write(piece, () => resolve()));
        child.stdin.end();
      }
      const result = Object.assign(await finished(child), { name, ends });
      this.#all.push(result);
      return result;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}

/**
 * The rules that apply to every command, one test for each.
 *
 * @param types the types of all messages that the runs print.
 * @param secrets the secrets in their configurations, which must not be printed.
 */
export function testEveryCommand(runs: ConformanceRuns, types: readonly string[], secrets: readonly string[]): void {
  /** Expects that no run breaks a rule. A failure shows the runs that do, and what they did. */
  function expectOfEach(broken: (run: ConformanceRun) => unknown[]): void {
    expect(runs.all.length).toBeGreaterThan(0);
    expect(runs.all.flatMap((run) => broken(run).map((what) => [run.name, what]))).toEqual([]);
  }

  test('prints only messages of the protocol, one on each line', () => {
    expectOfEach(({ stdout, messages }) => [
      ...(stdout.endsWith('\n') ? [] : ['its last line has no end']),
      ...messages.filter((message) => !validateMessage(message)),
    ]);
  });

  test(`prints ${types.join(', ')}`, () => {
    const seen = runs.all.flatMap(({ messages }) => messages.map(({ type }) => type));
    expect([...new Set(seen)].toSorted()).toEqual(types.toSorted());
  });

  test('leaves stderr empty', () => {
    expectOfEach(({ stderr }) => (stderr === '' ? [] : [stderr]));
  });

  test('ends by itself, with 0 after success, 1 after a failure and 2 for wrong arguments', () => {
    expectOfEach(({ code, ends }) => (code === CODES[ends] ? [] : [code]));
  });

  test('reports a failure in one TRACE ERROR with its failure_type, and prints none after a success', () => {
    expectOfEach((run) => {
      const found = errors(run);
      return found.length === (run.ends === 'well' ? 0 : 1) ? [] : [found];
    });
  });

  test('prints no secret of the configuration, in any spelling', () => {
    const spellings = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURI(secret)]);
    expectOfEach(({ stdout }) => spellings.filter((spelling) => stdout.includes(spelling)));
  });
}
