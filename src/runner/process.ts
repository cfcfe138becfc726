import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { type ConnectorError, describeSystemError } from '../protocol/errors.ts';
import { syncError } from './errors.ts';

/** The command that starts a connector, followed by the arguments that precede the connector's own arguments. */
export type Program = readonly [command: string, ...args: string[]];

/** The arguments of a connector command, and what its process gets besides them. */
export type ConnectorCall = {
  args: readonly string[];
  /** Environment variables in addition to those of this process. */
  variables?: Readonly<Record<string, string>>;
  /** The working folder, if it is not that of this process. */
  folder?: string | undefined;
};

export type ProcessEnd = { code: number | null; signal: NodeJS.Signals | null };

/**
 * A connector command in a child process. When this process exits, it kills the child. It can't do that if this process is itself
 * killed by a signal.
 */
export class ConnectorProcess {
  /** Resolves when the process has ended. Rejects with a ConnectorError if it can't be started. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcessWithoutNullStreams;

  constructor([command, ...before]: Program, { args, variables, folder }: ConnectorCall) {
    const child = spawn(command, [...before, ...args], {
      // The child gets its own process group, so Ctrl-C reaches only this process, which then stops the connectors in order.
      detached: true,
      stdio: 'pipe',
      cwd: folder,
      env: { ...process.env, ...variables },
    });
    this.#child = child;
    const kill = (): void => this.kill();
    process.once('exit', kill);
    this.ended = new Promise<ProcessEnd>((resolve, reject) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.once('error', (cause) => {
        const message = `Can't start the process for "${args[0]}": ${describeSystemError(cause)}. The machine may have too little memory or too many processes. Stop other programs, and try again.`;
        reject(syncError('connector_crashed', message, { cause }));
      });
    }).finally(() => process.removeListener('exit', kill));
    // The code that awaits `ended` handles the error. Until then, it must not count as an unhandled rejection.
    this.ended.catch(() => {});
    // The child may close its stdin. MessageOutput reports that to the code that writes, so there is nothing to do here.
    child.stdin.on('error', () => {});
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

/**
 * Explains why a connector failed. Returns the errors that it reported, or an error that describes how its process ended. Returns
 * an empty list if it did not fail.
 *
 * @param reported the errors that the connector reported.
 * @param wasStopped whether this process stopped it with SIGTERM.
 */
export function explainProcessEnd(
  component: 'source' | 'destination',
  { code, signal }: ProcessEnd,
  reported: readonly ConnectorError[],
  wasStopped: boolean,
): readonly ConnectorError[] {
  if (reported.length > 0) return reported;
  if (code === 0 || (wasStopped && signal === 'SIGTERM')) return [];
  const how =
    signal === null ? `ended with exit code ${code} and reported no error` : `was killed from outside by ${signal}`;
  const likely =
    signal === 'SIGKILL'
      ? 'The machine has likely run out of memory. Add memory, or check what else runs on it'
      : 'Read the messages above, and run again';
  return [syncError('connector_crashed', `The ${component} ${how}. ${likely}.`)];
}
