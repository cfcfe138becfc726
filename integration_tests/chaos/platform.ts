import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { splitLines } from '../../src/protocol/lines.ts';
import type { ConnectorName } from './faults.ts';
import type { Journal } from './journal.ts';
import type { Moments } from './moments.ts';
import type { StateFile } from './state-file.ts';

const message = z.discriminatedUnion('type', [
  z.object({ type: z.literal('RECORD'), record: z.object({ data: z.object({ id: z.string() }) }) }),
  z.object({
    type: z.literal('STATE'),
    state: z.object({
      stream: z.object({ stream_state: z.unknown() }),
      destinationStats: z.object({ recordCount: z.number(), rejectedRecordCount: z.number() }).optional(),
    }),
  }),
  z.object({ type: z.literal('LOG'), log: z.object({ message: z.string() }) }),
  z.object({ type: z.literal('TRACE'), trace: z.object({ error: z.object({ message: z.string() }).optional() }) }),
]);

/** What a connector logs when it receives a signal. */
const STOPPING = /^SIG(TERM|INT): stopping after the work in progress/;

type Message = z.output<typeof message>;

export type PlatformParts = {
  journal: Journal;
  moments: Moments;
  stateFile: StateFile;
  /** The number of the run, from 0. */
  run: number;
  /** Whether it hands back states that were not echoed: a platform that is wrong, for the ledger to find. */
  isHasty: boolean;
};

/** The platform between the two connectors of a run: it passes rows on, and stores the states that are echoed. */
export class Platform {
  /** What the connectors logged. */
  readonly said: string[] = [];
  /** Whether each of them logged that it received a signal. */
  readonly hasHeard: Record<ConnectorName, boolean> = { source: false, destination: false };
  /** What each of them said of its own failure. */
  readonly failures: Record<ConnectorName, string | undefined> = { source: undefined, destination: undefined };
  readonly #parts: PlatformParts;
  readonly #pauses = new Map<ConnectorName, Promise<void>>();
  readonly #readFrom = new Map<ConnectorName, Readable>();
  #passed = 0;
  #echoed = 0;

  constructor(parts: PlatformParts) {
    this.#parts = parts;
  }

  /** Takes nothing of a connector's output for a while. */
  pause(of: ConnectorName, milliseconds: number): void {
    this.#pauses.set(of, sleep(milliseconds));
  }

  /** Closes a connector's output. */
  leave(of: ConnectorName): void {
    this.#readFrom.get(of)?.destroy();
  }

  /** Hands whole lines of the source to the destination, until one of them has ended. */
  async passOn(from: Readable, to: Writable): Promise<void> {
    to.once('close', () => from.destroy());
    for await (const line of this.#lines('source', from)) {
      const kind = this.#noteOfSource(line);
      if (!(await isTaken(to, `${line}\n`))) break;
      if (kind === 'RECORD') this.#parts.moments.seen('rows');
    }
    from.destroy();
    to.end();
  }

  /** Keeps the states that the destination echoes. */
  async keepStates(from: Readable): Promise<void> {
    for await (const line of this.#lines('destination', from)) this.#noteOfDestination(line);
  }

  async *#lines(of: ConnectorName, from: Readable): AsyncGenerator<string> {
    this.#readFrom.set(of, from);
    try {
      for await (const { bytes, start, ends } of splitLines(from)) {
        let begin = start;
        for (const end of ends) {
          await this.#pauses.get(of);
          if (from.destroyed && !from.readableEnded) return;
          yield bytes.toString('utf8', begin, end);
          begin = end + 1;
        }
      }
    } catch (error) {
      // That is how reading ends when we have left.
      if (!from.destroyed) throw error;
    }
  }

  #noteOfSource(line: string): string | undefined {
    const { journal, isHasty } = this.#parts;
    const read = readLine(line);
    switch (read?.type) {
      case 'RECORD':
        journal.rowPassed(read.record.data.id);
        break;
      case 'STATE':
        journal.statePassed(JSON.stringify(read.state.stream.stream_state));
        if (isHasty) this.#keep(this.#passed, line);
        this.#passed += 1;
        break;
      default:
        this.#noteWords('source', line, read);
    }
    return read?.type;
  }

  #noteOfDestination(line: string): void {
    const { journal, moments, isHasty } = this.#parts;
    const read = readLine(line);
    if (read?.type !== 'STATE') {
      this.#noteWords('destination', line, read);
      return;
    }
    const { recordCount = 0, rejectedRecordCount = 0 } = read.state.destinationStats ?? {};
    journal.stateEchoed(JSON.stringify(read.state.stream.stream_state), recordCount + rejectedRecordCount);
    if (!isHasty) this.#keep(this.#echoed, line);
    this.#echoed += 1;
    moments.seen('states');
  }

  #noteWords(of: ConnectorName, line: string, read: Message | undefined): void {
    this.said.push(`${of}: ${line}`);
    if (read?.type === 'LOG' && STOPPING.test(read.log.message)) this.hasHeard[of] = true;
    if (read?.type === 'TRACE' && read.trace.error !== undefined) this.failures[of] ??= read.trace.error.message;
  }

  #keep(index: number, line: string): void {
    this.#parts.stateFile.keep({ run: this.#parts.run, index }, line);
  }
}

/** The message of a line; undefined if it was cut off. */
function readLine(line: string): Message | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return message.parse(value);
}

/** Writes a line. Resolves to whether it was taken, when it was. */
function isTaken(to: Writable, line: string): Promise<boolean> {
  return new Promise((resolve) => {
    to.write(line, (error) => resolve(error == null));
  });
}
