import { isWarningOrWorse } from '../protocol/messages.ts';
import { readTextLines } from './relay.ts';
import type { Component, Reporter } from './report/reporter.ts';

/** So many words of the source are remembered, as the destination passes them on soon or not at all. */
const MAX_REMEMBERED = 200;

/** Tells a person what the connectors log, each thing once. */
export class ConnectorLogs {
  readonly #reporter: Pick<Reporter, 'log'>;
  #rememberSourceMessage: string[] = [];
  #reportedBefore = new Set<string>();

  constructor(reporter: Pick<Reporter, 'log'>) {
    this.#reporter = reporter;
  }

  /** Of the source, what needs attention. */
  fromSource(level: string, message: string): void {
    if (!isWarningOrWorse(level)) return;
    this.rememberSourceMessage(message);
    if (!this.#reportedBefore.delete(message)) this.#reporter.log(level, 'source', message);
  }

  /** The source has told its streams, and is read next: what it warned of, it warns of once more. */
  streamsAreKnown(): void {
    this.#reportedBefore = new Set(this.#rememberSourceMessage);
  }

  /** Something that the source said and that is told elsewhere: the destination may pass it on. */
  rememberSourceMessage(message: string): void {
    this.#rememberSourceMessage = [...this.#rememberSourceMessage.slice(1 - MAX_REMEMBERED), message];
  }

  /** Of the destination, all that is new: it speaks little, and sums up at the end. */
  fromDestination(level: string, message: string): void {
    // It passes on what the source says, behind words of its own.
    if (this.#rememberSourceMessage.some((said) => message.endsWith(said))) return;
    if (level !== 'DEBUG' && level !== 'TRACE') this.#reporter.log(level, 'destination', message);
  }

  /** What a process writes to stderr: it should be nothing, and when it crashes it is all there is. */
  async fromStderr(speaker: Component, stderr: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const line of readTextLines(stderr)) this.#reporter.log('ERROR', speaker, line);
  }
}
