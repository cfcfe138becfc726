import { isWarningOrWorse } from '../protocol/messages.ts';
import { readTextLines } from './relay.ts';
import type { Component, Reporter } from './report/reporter.ts';

/** Maximum messages of the source that are remembered. The destination repeats a message soon, or never. */
const MAX_REMEMBERED = 200;

/** Reports what the connectors log, each message once. */
export class ConnectorLogs {
  readonly #reporter: Pick<Reporter, 'log'>;
  #sourceMessages: string[] = [];
  #reportedBefore = new Set<string>();

  constructor(reporter: Pick<Reporter, 'log'>) {
    this.#reporter = reporter;
  }

  /** Reports warnings and errors of the source. */
  fromSource(level: string, message: string): void {
    if (!isWarningOrWorse(level)) return;
    this.rememberSourceMessage(message);
    if (!this.#reportedBefore.delete(message)) this.#reporter.log(level, 'source', message);
  }

  /** Called between `discover` and `read`, which warn of the same things. */
  streamsAreKnown(): void {
    this.#reportedBefore = new Set(this.#sourceMessages);
  }

  /** Remembers a message of the source that is reported elsewhere: the destination may repeat it. */
  rememberSourceMessage(message: string): void {
    this.#sourceMessages = [...this.#sourceMessages.slice(1 - MAX_REMEMBERED), message];
  }

  /** Reports all messages of the destination that are new: there are few of them, and a summary at the end. */
  fromDestination(level: string, message: string): void {
    // It repeats what the source logs, after a prefix of its own.
    if (this.#sourceMessages.some((logged) => message.endsWith(logged))) return;
    if (level !== 'DEBUG' && level !== 'TRACE') this.#reporter.log(level, 'destination', message);
  }

  /** Reports what a process writes to stderr: nothing, unless it crashes. */
  async fromStderr(speaker: Component, stderr: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const line of readTextLines(stderr)) this.#reporter.log('ERROR', speaker, line);
  }
}
