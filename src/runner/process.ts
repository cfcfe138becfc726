import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { type ConnectorError, messageOf } from '../protocol/errors.ts';
import { syncError } from './errors.ts';

/** What starts a connector: a program, and the arguments before those of the connector. */
export type Program = readonly [command: string, ...args: string[]];

export type ProcessEnd = { code: number | null; signal: NodeJS.Signals | null };

/** A command of a connector in a process of its own, which is ended when this one ends, unless this one is killed. */
export class ConnectorProcess {
  /** Rejects with a ConnectorError when the process could not be started. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcessWithoutNullStreams;

  constructor([command, ...before]: Program, args: readonly string[]) {
    // In a group of its own: a Ctrl-C of the terminal reaches us alone, who know in which order the two are to end.
    const child = spawn(command, [...before, ...args], { detached: true, stdio: 'pipe' });
    this.#child = child;
    const kill = (): void => this.kill();
    process.once('exit', kill);
    this.ended = new Promise<ProcessEnd>((resolve, reject) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
      child.once('error', (cause) => {
        const message = `The process of "${args[0]}" could not be started: ${messageOf(cause)}. The machine may be out of memory or processes. Free some and try again.`;
        reject(syncError('connector_crashed', message, { cause }));
      });
    }).finally(() => process.removeListener('exit', kill));
    // Whoever asks for it is told; until then it is nobody's failure.
    this.ended.catch(() => {});
    // Its reader may go; what writes to it is told of that by itself.
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

  /** Asks it to finish what it has begun. */
  stop(): void {
    this.#child.kill('SIGTERM');
  }

  /** Ends it at once. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

/**
 * Why a connector failed, if it did: what it said itself, or how its process ended.
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
  const how = signal === null ? `ended with code ${code} and said no reason` : `was ended from outside by ${signal}`;
  const likely =
    signal === 'SIGKILL'
      ? 'The machine has likely run out of memory. Give it more, or look at what else runs there'
      : 'Look at the messages above, and run again';
  return [syncError('connector_crashed', `The ${component} ${how}. ${likely}.`)];
}
