import { splitLink } from '../protocol/help-pages.ts';
import { isWarningOrWorse } from '../protocol/messages.ts';
import { readTextLines } from './relay.ts';
import type { Component, Reporter } from './report/reporter.ts';

/** The maximum number of source messages that are remembered. If the destination repeats a message, it does so soon afterwards. */
const MAX_REMEMBERED = 200;

/** Reports the log messages of both connectors, each message once. */
export class ConnectorLogs {
  readonly #reporter: Pick<Reporter, 'log'>;
  readonly #hasRows: () => boolean;
  #sourceMessages: string[] = [];
  #reportedBefore = new Set<string>();

  /** @param hasRows whether the run has read rows. */
  constructor(reporter: Pick<Reporter, 'log'>, hasRows: () => boolean) {
    this.#reporter = reporter;
    this.#hasRows = hasRows;
  }

  /** Reports a message of the source if it is a warning or an error. */
  fromSource(level: string, message: string): void {
    if (!isWarningOrWorse(level)) return;
    this.rememberSourceMessage(message);
    if (!this.#reportedBefore.delete(message)) this.#reporter.log(level, 'source', message);
  }

  /** Called between `discover` and `read`, so that warnings of `discover` are not reported again when `read` repeats them. */
  streamsAreKnown(): void {
    this.#reportedBefore = new Set(this.#sourceMessages);
  }

  /** Remembers a message of the source, so that it is not reported when the destination repeats it. */
  rememberSourceMessage(message: string): void {
    this.#sourceMessages = [...this.#sourceMessages.slice(1 - MAX_REMEMBERED), message];
  }

  /**
   * Reports a message of the destination, unless it repeats a message of the source or is a debug message. INFO messages are
   * reported too, if there are rows: the destination logs only a few of them, and all are about rows.
   */
  fromDestination(level: string, message: string): void {
    // The destination logs the source's messages again, with a prefix.
    const { message: text } = splitLink(message);
    if (this.#sourceMessages.some((logged) => message.endsWith(logged) || text.endsWith(logged))) return;
    if (level === 'DEBUG' || level === 'TRACE' || (level === 'INFO' && !this.#hasRows())) return;
    this.#reporter.log(level, 'destination', message);
  }

  /** Reports the lines that a connector writes to stderr. A connector writes nothing to stderr unless it crashes. */
  async fromStderr(speaker: Component, stderr: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const line of readTextLines(stderr)) this.#reporter.log('ERROR', speaker, line);
  }
}
