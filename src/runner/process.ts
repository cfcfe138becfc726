import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { type ConnectorError, codeOf, describeSystemError } from '../protocol/errors.ts';
import { syncError } from './errors.ts';

/** The command that starts a connector, and any arguments that come before the connector's own arguments. */
export type Program = readonly [command: string, ...args: string[]];

/** The arguments, the environment variables and the working folder of a connector command. */
export type ConnectorCall = {
  args: readonly string[];
  /** Environment variables in addition to those of this process. */
  variables?: Readonly<Record<string, string>>;
  /** The working folder, if it is not that of this process. */
  folder?: string | undefined;
};

export type ProcessEnd = { code: number | null; signal: NodeJS.Signals | null };

/**
 * A connector command in a child process. When this process exits, it kills the child, unless this process is itself killed by a
 * signal.
 */
export class ConnectorProcess {
  /** Resolves when the process has ended. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcessWithoutNullStreams;

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    const kill = (): void => this.kill();
    process.once('exit', kill);
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        process.removeListener('exit', kill);
        resolve({ code, signal });
      });
    });
    // The child may close its stdin. MessageOutput reports that to the code that writes, so there is nothing to do here.
    child.stdin.on('error', () => {});
  }

  /** Starts the process. @throws ConnectorError if it can't be started. */
  static async start([command, ...before]: Program, call: ConnectorCall): Promise<ConnectorProcess> {
    const { args, variables, folder } = call;
    try {
      const child = spawn(command, [...before, ...args], {
        // The child gets its own process group, so Ctrl-C reaches only this process, which then stops the connectors in order.
        detached: true,
        stdio: 'pipe',
        cwd: folder,
        env: { ...process.env, ...variables },
      });
      // A child that could not be started may have no streams, and its process id is 0. A signal to it would reach the process
      // group of this process.
      await once(child, 'spawn');
      return new ConnectorProcess(child);
    } catch (cause) {
      throw explainStartError(call, cause);
    }
  }

  get stdin(): Writable {
    return this.#child.stdin;
  }

  get stdout(): Readable {
    return this.#child.stdout;
  }

  get stderr(): Readable {
    return this.#child.stderr;
  }

  /** Sends SIGTERM: the connector finishes the work in progress and exits. */
  stop(): void {
    this.#child.kill('SIGTERM');
  }

  /** Sends SIGKILL: the process ends immediately. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/** What an error at the start of a process means, and what to do about it. The keys are Node's error codes. */
const MEANINGS: Readonly<Record<string, string>> = {
  EMFILE: 'The limit on open files is likely too low. Raise it (ulimit -n), and try again',
  ENFILE: 'All programs together have too many open files. Stop other programs, and try again',
  ENOENT: 'An update may have removed the program. Start the sync again',
};

const OUT_OF_RESOURCES =
  'The machine may have too little memory or too many processes. Stop other programs, and try again';

function explainStartError({ args: [name] }: ConnectorCall, cause: unknown): ConnectorError {
  const seen = `Can't start the process for "${name}": ${describeSystemError(cause)}`;
  if (codeOf(cause) === 'E2BIG') {
    const message = `${seen}. The connector's configuration is likely too large to be written inside the sync file. Move it to its own file, and give that file's path instead.`;
    return syncError('configuration_invalid', message, { cause });
  }
  const advice = MEANINGS[codeOf(cause)] ?? OUT_OF_RESOURCES;
  return syncError('connector_not_started', `${seen}. ${advice}.`, { cause });
}

/**
 * Explains why a connector failed. Returns the errors that the connector reported; if it reported none, an error that describes
 * how its process ended. Returns an empty list if the connector did not fail.
 *
 * @param reported the errors that the connector reported.
 * @param wasStopped whether this process stopped the connector with SIGTERM.
 */
export function explainProcessEnd(
  component: 'source' | 'destination',
  { code, signal }: ProcessEnd,
  reported: readonly ConnectorError[],
  wasStopped: boolean,
): readonly ConnectorError[] {
  if (reported.length > 0) return reported;
  if (code === 0 || (wasStopped && signal === 'SIGTERM')) return [];
  const how = signal === null ? `ended with exit code ${code} and reported no error` : `was killed by ${signal}`;
  const likely =
    signal === 'SIGKILL'
      ? 'The machine has likely run out of memory. Add memory, or check what else runs on it'
      : 'Read the messages above, and run the command again';
  return [syncError('connector_crashed', `The ${component} ${how}. ${likely}.`)];
}
