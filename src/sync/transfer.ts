import type { ConnectorError } from '../protocol/errors.ts';
import { MessageOutput, OutputClosedError } from '../protocol/output.ts';
import { parseMessage, type StateMessage } from '../runner/messages.ts';
import { ConnectorProcess, type ProcessEnd } from '../runner/process.ts';
import { explainProcessEnd } from '../runner/process-failure.ts';
import { onAbort } from '../shared/abort.ts';
import type { ConnectorLogs } from './connector-logs.ts';
import type { SyncContext } from './context.ts';
import type { RunProgress } from './progress.ts';
import { readTextLines, relayLines } from './relay.ts';
import { formatStopping } from './report/format.ts';

export type TransferContext = Pick<SyncContext, 'program' | 'reporter' | 'stop' | 'stopAtOnce'> & {
  progress: RunProgress;
  logs: ConnectorLogs;
  /** Told of each state that the destination makes true. */
  onState: (state: StateMessage) => void;
};

/**
 * `read` and `write` as two processes, and the way between them: rows go from the one to the other as fast as that takes
 * them, and what both say is heard.
 *
 * The source ends first, always: after a signal, or when the state can't be kept, it is asked to, and writes its last
 * state. The destination then settles all that it was given, and ends by itself. So it does when the source fails. When
 * the destination fails, the source has nobody to read for, and is ended.
 */
export class Transfer {
  readonly #context: TransferContext;
  readonly #source: ConnectorProcess;
  readonly #destination: ConnectorProcess;
  readonly #logs: ConnectorLogs;
  readonly #errors: { source: ConnectorError[]; destination: ConnectorError[] } = { source: [], destination: [] };
  #sourceIsStopped = false;
  #sourceHasEnded = false;
  #sourceHasFailed = false;
  #destinationWentFirst = false;

  /** Starts both. */
  constructor(context: TransferContext, readArguments: readonly string[], writeArguments: readonly string[]) {
    this.#context = context;
    this.#logs = context.logs;
    this.#source = new ConnectorProcess(context.program, ['read', ...readArguments]);
    this.#destination = new ConnectorProcess(context.program, ['write', ...writeArguments]);
  }

  /** Asks the source to end behind the rows that it has begun to write. */
  stop(): void {
    this.#sourceIsStopped = true;
    this.#source.stop();
  }

  /**
   * Whether the destination failed by itself and said why. It then says as well whether Batch may have rows that come
   * again. When the source failed, what the destination says may be a consequence, such as a line that was cut off.
   */
  get destinationReported(): boolean {
    return this.#errors.destination.length > 0 && !this.#sourceHasFailed;
  }

  /**
   * Resolves when both have ended.
   *
   * @returns why it failed, if it did; the cause first.
   */
  async run(): Promise<readonly ConnectorError[]> {
    const { stop, stopAtOnce, reporter, progress } = this.#context;
    const onStop = (): void => {
      reporter.log('INFO', 'sync', formatStopping(progress.current));
      this.stop();
    };
    const removeListeners = [onAbort(stop, onStop), onAbort(stopAtOnce, () => this.#kill())];
    this.#source.stdin.end();
    try {
      const [sourceEnd, destinationEnd] = await Promise.all([
        this.#source.ended.finally(() => {
          this.#sourceHasEnded = true;
        }),
        this.#destination.ended.finally(() => this.#destinationHasGone()),
        this.#relaySource(),
        this.#readDestination(),
        this.#logs.fromStderr('source', this.#source.stderr),
        this.#logs.fromStderr('destination', this.#destination.stderr),
      ]);
      return this.#explainErrors(sourceEnd, destinationEnd);
    } catch (error) {
      this.#kill();
      await Promise.allSettled([this.#source.ended, this.#destination.ended]);
      throw error;
    } finally {
      for (const each of removeListeners) each();
    }
  }

  async #relaySource(): Promise<void> {
    const { progress } = this.#context;
    try {
      const input = new MessageOutput(this.#destination.stdin);
      for await (const { rows, others } of relayLines(this.#source.stdout, input)) {
        progress.read(rows);
        for (const line of others) this.#readSourceMessage(line);
      }
    } catch (error) {
      if (!(error instanceof OutputClosedError)) throw error;
      // It is seen here before the process is known to have ended. To leave the loop closes the pipe of the source, too.
      this.#destinationHasGone();
    } finally {
      progress.allRead();
      this.#destination.stdin.end();
    }
  }

  #destinationHasGone(): void {
    if (this.#sourceHasEnded) return;
    this.#destinationWentFirst = true;
    this.stop();
  }

  #readSourceMessage(line: string): void {
    const message = parseMessage(line);
    if (message.kind === 'log') this.#logs.fromSource(message.level, message.message);
    else if (message.kind === 'estimate') this.#context.progress.estimated(message.stream, message.rows);
    else if (message.kind === 'error') {
      this.#errors.source.push(message.error);
      this.#logs.rememberSourceMessage(message.error.message);
      this.#context.reporter.log(
        'WARN',
        'sync',
        'The source failed; why is told at the end. What it gives is still delivered.',
      );
    }
  }

  async #readDestination(): Promise<void> {
    for await (const line of readTextLines(this.#destination.stdout)) {
      const message = parseMessage(line);
      if (message.kind === 'log') this.#logs.fromDestination(message.level, message.message);
      else if (message.kind === 'error') this.#errors.destination.push(message.error);
      else if (message.kind === 'state') {
        this.#context.progress.settled(message);
        this.#context.onState(message);
      }
    }
  }

  #explainErrors(sourceEnd: ProcessEnd, destinationEnd: ProcessEnd): ConnectorError[] {
    if (this.#context.stopAtOnce.aborted) return [];
    const destinationErrors = explainProcessEnd('destination', destinationEnd, this.#errors.destination, false);
    // Without a destination the source ends in a way that says nothing, unless it had failed before.
    const isConsequence =
      this.#destinationWentFirst && destinationErrors.length > 0 && this.#errors.source.length === 0;
    const sourceErrors = isConsequence
      ? []
      : explainProcessEnd('source', sourceEnd, this.#errors.source, this.#sourceIsStopped);
    this.#sourceHasFailed = sourceErrors.length > 0;
    return [...sourceErrors, ...destinationErrors];
  }

  #kill(): void {
    this.#source.kill();
    this.#destination.kill();
  }
}
