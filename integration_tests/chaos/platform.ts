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

/** Matches what a connector logs when it receives a signal. */
const STOPPING = /^SIG(TERM|INT): stopping after the work in progress/;

type Message = z.output<typeof message>;

export type PlatformParts = {
  journal: Journal;
  moments: Moments;
  stateFile: StateFile;
  /** The number of the run, from 0. */
  run: number;
  /** Whether the platform wrongly saves states that were not echoed. The ledger must detect that. */
  isHasty: boolean;
};

/** The platform between the two connectors of a run: it passes rows on, and stores the states that are echoed. */
export class Platform {
  /** What the connectors logged. */
  readonly logs: string[] = [];
  /** Whether each connector logged that it received a signal. */
  readonly loggedSignal: Record<ConnectorName, boolean> = { source: false, destination: false };
  /** The message of each connector's first TRACE ERROR. */
  readonly failures: Record<ConnectorName, string | undefined> = { source: undefined, destination: undefined };
  readonly #parts: PlatformParts;
  readonly #pauses = new Map<ConnectorName, Promise<void>>();
  readonly #readFrom = new Map<ConnectorName, Readable>();
  #passed = 0;
  #echoed = 0;

  constructor(parts: PlatformParts) {
    this.#parts = parts;
  }

  /** Stops reading a connector's output for a while. */
  pause(of: ConnectorName, milliseconds: number): void {
    this.#pauses.set(of, sleep(milliseconds));
  }

  /** Closes the pipe of a connector's output. */
  leave(of: ConnectorName): void {
    this.#readFrom.get(of)?.destroy();
  }

  /** Passes complete lines of the source to the destination until one of the two has ended. */
  async forward(from: Readable, to: Writable): Promise<void> {
    to.once('close', () => from.destroy());
    for await (const line of this.#lines('source', from)) {
      const kind = this.#recordFromSource(line);
      if (!(await writeLine(to, `${line}\n`))) break;
      if (kind === 'RECORD') this.#parts.moments.seen('rows');
    }
    from.destroy();
    to.end();
  }

  /** Saves the states that the destination echoes. */
  async saveStates(from: Readable): Promise<void> {
    for await (const line of this.#lines('destination', from)) this.#recordFromDestination(line);
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
      // Reading fails like this after `leave`.
      if (!from.destroyed) throw error;
    }
  }

  #recordFromSource(line: string): string | undefined {
    const { journal, isHasty } = this.#parts;
    const read = readLine(line);
    switch (read?.type) {
      case 'RECORD':
        journal.rowPassed(read.record.data.id);
        break;
      case 'STATE':
        journal.statePassed(JSON.stringify(read.state.stream.stream_state));
        if (isHasty) this.#save(this.#passed, line);
        this.#passed += 1;
        break;
      default:
        this.#recordLog('source', line, read);
    }
    return read?.type;
  }

  #recordFromDestination(line: string): void {
    const { journal, moments, isHasty } = this.#parts;
    const read = readLine(line);
    if (read?.type !== 'STATE') {
      this.#recordLog('destination', line, read);
      return;
    }
    const { recordCount = 0, rejectedRecordCount = 0 } = read.state.destinationStats ?? {};
    journal.stateEchoed(JSON.stringify(read.state.stream.stream_state), recordCount + rejectedRecordCount);
    if (!isHasty) this.#save(this.#echoed, line);
    this.#echoed += 1;
    moments.seen('states');
  }

  #recordLog(of: ConnectorName, line: string, read: Message | undefined): void {
    this.logs.push(`${of}: ${line}`);
    if (read?.type === 'LOG' && STOPPING.test(read.log.message)) this.loggedSignal[of] = true;
    if (read?.type === 'TRACE' && read.trace.error !== undefined) this.failures[of] ??= read.trace.error.message;
  }

  #save(index: number, line: string): void {
    this.#parts.stateFile.save({ run: this.#parts.run, index }, line);
  }
}

/** Parses the message of a line. Returns undefined if the line is incomplete. */
function readLine(line: string): Message | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return message.parse(value);
}

/** Writes a line. Resolves to whether it could be written. */
function writeLine(to: Writable, line: string): Promise<boolean> {
  return new Promise((resolve) => {
    to.write(line, (error) => resolve(error == null));
  });
}
