import type { DestinationMetrics } from '../protocol/analytics.ts';
import type { ConnectorError } from '../protocol/errors.ts';
import { MessageOutput, OutputClosedError } from '../protocol/output.ts';
import { parseMessage, type StateMessage } from '../runner/messages.ts';
import { type ConnectorCall, ConnectorProcess, explainProcessEnd, type ProcessEnd } from '../runner/process.ts';
import { onAbort } from '../shared/abort.ts';
import type { ConnectorLogs } from './connector-logs.ts';
import type { SyncContext } from './context.ts';
import type { RunProgress } from './progress.ts';
import { readTextLines, relayLines } from './relay.ts';
import { formatStopping } from './report/format.ts';

export type TransferContext = Pick<SyncContext, 'program' | 'reporter' | 'stop' | 'stopAtOnce'> & {
  progress: RunProgress;
  logs: ConnectorLogs;
  /** Aborted when the states can't be saved: the source must then stop, although `sync` has received no signal. */
  stopSource: AbortSignal;
  /** Called when the destination reports metrics, about once a second. */
  onMetrics: (metrics: DestinationMetrics) => void;
  /** Called for each state that the destination echoes. */
  onState: (state: StateMessage) => void;
};

/** The calls of the two commands. */
export type TransferCalls = { read: ConnectorCall; write: ConnectorCall };

export type TransferResult = {
  /** The errors that made the transfer fail, if it failed. The cause comes first. */
  errors: readonly ConnectorError[];
  /**
   * Whether the destination failed on its own and reported the reason. In that case, the destination's error also says whether
   * Batch may already have some of the rows that the next run sends again. The value is false if the source also failed, because
   * that may have caused the destination's error, for example by leaving an incomplete line.
   */
  destinationReported: boolean;
};

/**
 * Runs `read` and `write` as two processes, passes the rows from one to the other as fast as the destination accepts them,
 * and collects the messages of both.
 *
 * The source ends first, unless the destination fails. After a signal, or if the states can't be saved, the source is asked to
 * stop, and writes its last state. The destination then accepts or rejects all rows that it has received, and ends on its own. The
 * destination does the same if the source fails. If the destination fails, the source is stopped.
 */
export class Transfer {
  readonly #context: TransferContext;
  readonly #source: ConnectorProcess;
  readonly #destination: ConnectorProcess;
  readonly #errors: { source: ConnectorError[]; destination: ConnectorError[] } = { source: [], destination: [] };
  #sourceIsStopped = false;
  #sourceHasEnded = false;
  #destinationEndedFirst = false;

  private constructor(context: TransferContext, source: ConnectorProcess, destination: ConnectorProcess) {
    this.#context = context;
    this.#source = source;
    this.#destination = destination;
  }

  /** Starts both processes. @throws ConnectorError if one of them can't be started. The other one does not keep running. */
  static async start(context: TransferContext, { read, write }: TransferCalls): Promise<Transfer> {
    const source = await ConnectorProcess.start(context.program, read);
    try {
      return new Transfer(context, source, await ConnectorProcess.start(context.program, write));
    } catch (error) {
      source.kill();
      await source.ended;
      throw error;
    }
  }

  /** Resolves when both processes have ended. */
  async run(): Promise<TransferResult> {
    const { stop, stopAtOnce, stopSource, reporter, progress, logs } = this.#context;
    const onStop = (): void => {
      if (!stopAtOnce.aborted) reporter.log('INFO', 'sync', formatStopping(progress.current));
      this.#stopSource();
    };
    const listeners = [
      onAbort(stop, onStop),
      onAbort(stopSource, () => this.#stopSource()),
      onAbort(stopAtOnce, () => this.#kill()),
    ];
    this.#source.stdin.end();
    try {
      const [sourceEnd, destinationEnd] = await Promise.all([
        this.#source.ended.finally(() => {
          this.#sourceHasEnded = true;
        }),
        this.#destination.ended.finally(() => this.#onDestinationGone()),
        this.#relaySource(),
        this.#readDestination(),
        logs.fromStderr('source', this.#source.stderr),
        logs.fromStderr('destination', this.#destination.stderr),
      ]);
      return this.#buildResult(sourceEnd, destinationEnd);
    } catch (error) {
      this.#kill();
      await Promise.all([this.#source.ended, this.#destination.ended]);
      throw error;
    } finally {
      for (const removeListener of listeners) removeListener();
    }
  }

  async #relaySource(): Promise<void> {
    const { progress } = this.#context;
    try {
      const input = new MessageOutput(this.#destination.stdin);
      for await (const { rows, others } of relayLines(this.#source.stdout, input)) {
        progress.countRead(rows);
        for (const line of others) this.#readSourceMessage(line);
      }
    } catch (error) {
      if (!(error instanceof OutputClosedError)) throw error;
      // The closed pipe is noticed before the destination's process ends. Leaving the loop also closes the pipe from the source.
      this.#onDestinationGone();
    } finally {
      progress.markAllRead();
      this.#destination.stdin.end();
    }
  }

  #onDestinationGone(): void {
    if (this.#sourceHasEnded) return;
    this.#destinationEndedFirst = true;
    this.#stopSource();
  }

  #readSourceMessage(line: string): void {
    const message = parseMessage(line);
    if (message.kind === 'log') this.#context.logs.fromSource(message.level, message.message);
    else if (message.kind === 'server_clock') this.#context.progress.serverClockOffsetMs = message.offsetMs;
    else if (message.kind === 'estimate') this.#context.progress.setEstimate(message.stream, message.rows);
    else if (message.kind === 'error') {
      this.#errors.source.push(message.error);
      this.#context.logs.rememberSourceMessage(message.error.message);
      const { rowsRead, rowsAccepted, rowsRejected } = this.#context.progress.current;
      if (rowsRead > rowsAccepted + rowsRejected) {
        this.#context.reporter.log('WARN', 'sync', 'The source failed (details below). Sending what was already read.');
      }
    }
  }

  async #readDestination(): Promise<void> {
    for await (const line of readTextLines(this.#destination.stdout)) {
      const message = parseMessage(line);
      if (message.kind === 'log') this.#context.logs.fromDestination(message.level, message.message);
      else if (message.kind === 'error') this.#errors.destination.push(message.error);
      else if (message.kind === 'metrics') {
        this.#context.progress.metrics = message.metrics;
        this.#context.onMetrics(message.metrics);
      } else if (message.kind === 'state') {
        this.#context.progress.countSettled(message);
        this.#context.onState(message);
      }
    }
  }

  #buildResult(sourceEnd: ProcessEnd, destinationEnd: ProcessEnd): TransferResult {
    const reported = this.#errors;
    if (this.#context.stopAtOnce.aborted) return { errors: [], destinationReported: reported.destination.length > 0 };
    const destinationErrors = explainProcessEnd('destination', destinationEnd, reported.destination, false);
    // If the destination ended first, the end of the source is only a consequence. There are two exceptions: the source had
    // already reported an error, or it was killed by SIGKILL. This process has not sent SIGKILL, so something else has.
    const isConsequence =
      this.#destinationEndedFirst &&
      destinationErrors.length > 0 &&
      reported.source.length === 0 &&
      sourceEnd.signal !== 'SIGKILL';
    const sourceErrors = isConsequence
      ? []
      : explainProcessEnd('source', sourceEnd, reported.source, this.#sourceIsStopped);
    return {
      errors: [...sourceErrors, ...destinationErrors],
      destinationReported: reported.destination.length > 0 && sourceErrors.length === 0,
    };
  }

  /** Asks the source to stop after the rows that it is writing. */
  #stopSource(): void {
    this.#sourceIsStopped = true;
    this.#context.progress.markAllRead();
    this.#source.stop();
  }

  #kill(): void {
    this.#source.kill();
    this.#destination.kill();
  }
}
