import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { type ConnectorError, describeSystemError } from '../protocol/errors.ts';
import { syncError } from './errors.ts';

/** A program that starts a connector, and the arguments before those of the connector. */
export type Program = readonly [command: string, ...args: string[]];

export type ProcessEnd = { code: number | null; signal: NodeJS.Signals | null };

/** A command of a connector in its own process. It ends with this process, unless this process is killed. */
export class ConnectorProcess {
  /** Rejects with a ConnectorError when the process can't be started. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcessWithoutNullStreams;

  constructor([command, ...before]: Program, args: readonly string[]) {
    // In its own process group: Ctrl-C in the terminal reaches only us, and we stop the connectors in their order.
    const child = spawn(command, [...before, ...args], { detached: true, stdio: 'pipe' });
    this.#child = child;
    const kill = (): void => this.kill();
    process.once('exit', kill);
    this.ended = new Promise<ProcessEnd>((resolve, reject) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.once('error', (cause) => {
        const message = `Can't start the process of "${args[0]}": ${describeSystemError(cause)}. The machine may be out of memory or processes. Free some and try again.`;
        reject(syncError('connector_crashed', message, { cause }));
      });
    }).finally(() => process.removeListener('exit', kill));
    // Whoever awaits it gets the error; until then it must not be an unhandled rejection.
    this.ended.catch(() => {});
    // The process may close its stdin. MessageOutput reports that to the writer.
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

  /** Asks it to finish what it has begun, by SIGTERM. */
  stop(): void {
    this.#child.kill('SIGTERM');
  }

  /** Ends it at once, by SIGKILL. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/**
 * Explains why a connector failed, if it did: its own errors, or how its process ended.
 *
 * @param reported the errors that it wrote itself.
 * @param wasStopped whether it was asked to end.
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
    signal === null ? `ended with exit code ${code} and reported no error` : `was ended from outside by ${signal}`;
  const likely =
    signal === 'SIGKILL'
      ? 'The machine has likely run out of memory. Add memory, or check what else runs on it'
      : 'Read the messages above, and run again';
  return [syncError('connector_crashed', `The ${component} ${how}. ${likely}.`)];
}
