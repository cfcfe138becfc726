import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type LauncherName, start } from '../../sandbox/launcher.ts';
import type { Signal } from './faults.ts';
import type { ProcessEnd } from './run-end.ts';

/** The process of a connector. */
export class Connector {
  /** How it ended, once it has. */
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #signalsSent: Signal[] = [];
  #signalSentAt: number | undefined;

  /** @param stdout a file that takes its output, instead of us. */
  constructor(name: LauncherName, args: readonly string[], stdout?: number) {
    this.#child = start(name, args, { stdio: ['pipe', stdout ?? 'pipe', 'pipe'] });
    // It may end before it has read all that it is given.
    this.stdin.on('error', () => undefined);
    this.ended = this.#end();
  }

  get stdin(): Writable {
    return there(this.#child.stdin);
  }

  get stdout(): Readable {
    return there(this.#child.stdout);
  }

  /** Whether it was still there to get the signal. */
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
    const said = text(there(this.#child.stderr));
    await once(this.#child, 'exit');
    const afterSignalMs = this.#signalSentAt === undefined ? undefined : performance.now() - this.#signalSentAt;
    return {
      code: this.#child.exitCode,
      signal: this.#child.signalCode,
      stderr: await said,
      signalsSent: this.#signalsSent,
      afterSignalMs,
    };
  }
}

function there<Stream>(stream: Stream | null): Stream {
  if (stream === null) throw new Error('The process was started without this pipe.');
  return stream;
}
