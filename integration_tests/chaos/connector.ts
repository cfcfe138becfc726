import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type LauncherName, start } from '../../sandbox/launcher.ts';
import type { Signal } from './faults.ts';
import type { ProcessEnd } from './run-end.ts';

/** The process of a connector. */
export class Connector {
  /** Resolves when the process has ended. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #signalsSent: Signal[] = [];
  #signalSentAt: number | undefined;

  /** @param stdout the file descriptor for its output. Without it, the output is a pipe. */
  constructor(name: LauncherName, args: readonly string[], stdout?: number) {
    this.#child = start(name, args, { stdio: ['pipe', stdout ?? 'pipe', 'pipe'] });
    // The process may end before it has read all of its input.
    this.stdin.on('error', () => undefined);
    this.ended = this.#end();
  }

  get stdin(): Writable {
    return existing(this.#child.stdin);
  }

  get stdout(): Readable {
    return existing(this.#child.stdout);
  }

  /** Sends a signal. Returns whether the process was still running. */
  send(signal: Signal): boolean {
    if (!this.#isRunning || !this.#child.kill(signal)) return false;
    this.#signalsSent.push(signal);
    this.#signalSentAt = performance.now();
    return true;
  }

  get #isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async #end(): Promise<ProcessEnd> {
    const stderr = text(existing(this.#child.stderr));
    await once(this.#child, 'exit');
    const afterSignalMs = this.#signalSentAt === undefined ? undefined : performance.now() - this.#signalSentAt;
    return {
      code: this.#child.exitCode,
      signal: this.#child.signalCode,
      stderr: await stderr,
      signalsSent: this.#signalsSent,
      afterSignalMs,
    };
  }
}

function existing<Stream>(stream: Stream | null): Stream {
  if (stream === null) throw new Error('The process was started without this pipe.');
  return stream;
}
