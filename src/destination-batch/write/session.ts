import { isUtf8 } from 'node:buffer';
import { addAbortSignal, type Readable } from 'node:stream';
import { type ConfiguredCatalog, streamKey } from '../../protocol/catalog.ts';
import type { CommandContext } from '../../protocol/command-context.ts';
import { type LineBatch, splitLines } from '../../protocol/lines.ts';
import type { MessageOutput } from '../../protocol/output.ts';
import { redactForeign } from '../../protocol/secrets.ts';
import { onAbort } from '../../shared/abort.ts';
import { formatCount } from '../../shared/format.ts';
import type { RequestMetrics } from '../batch/request-metrics.ts';
import type { ItemNumber } from '../byte-arena.ts';
import type { Rejection } from '../codes.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import { Delivery } from '../delivery/delivery.ts';
import type { Outcome, Receiver } from '../delivery/post-updates.ts';
import { createRoutes } from '../delivery/rate-limit.ts';
import { destinationError } from '../errors.ts';
import { ItemArena } from '../item-arena.ts';
import type { Row } from '../mapping/mapper.ts';
import type { MappedAttributes } from '../mapping/profile/profile-mapper.ts';
import type { MappedEvent } from '../mapping/rules.ts';
import { createDestinationStreams, type DestinationStreams, type EventStream } from '../mapping/streams.ts';
import type { ProfileNumber } from '../profile-table.ts';
import { describeRow, explainRejection, rebuildRow } from '../rejected/dead-letter-line.ts';
import type { Policy } from '../rejected/policy.ts';
import type { RejectedRowSink } from '../rejected/rejected-rows.ts';
import type { Report } from '../report.ts';
import { explainRefused } from '../untimely.ts';
import { listCatalogWarnings } from './catalog-warnings.ts';
import { CheckpointTracker, type RowGroup } from './checkpoints.ts';
import { type InputMessage, parseInputLine, type StreamName } from './input.ts';
import { MetricsOutput } from './metrics-output.ts';
import { RowOrigins } from './row-origins.ts';
import { SplitRows } from './split-rows.ts';
import { StateOutput } from './state-output.ts';

export type SessionOptions = {
  configuration: DestinationConfiguration;
  catalog: ConfiguredCatalog;
  receiver: Receiver;
  /** The metrics of the receiver. */
  requests: RequestMetrics;
  report: Report;
  policy: Policy;
  /** Receives the outcomes of the rows. Undefined if rejected rows are not stored. */
  rejectedRows: RejectedRowSink | undefined;
  echoesStates: boolean;
};

/** One run of `write`. See `run` for the pipeline. */
export class WriteSession {
  readonly #stop: AbortSignal;
  readonly #output: MessageOutput;
  readonly #isDryRun: boolean;
  readonly #now: () => number;
  readonly #maxAgeHours: number;
  /**
   * The time at which the current lines were read, in milliseconds since the epoch. Reading the clock for each row would take 1 %
   * of the time.
   */
  #time: number;
  readonly #streams: DestinationStreams;
  /**
   * The stream of the last row, kept because most rows belong to the same stream as the row before. Undefined if the
   * name of the stream is not unique, or if its rows are not events.
   */
  #lastStream: EventStream | undefined;
  readonly #arena = new ItemArena();
  readonly #origins = new RowOrigins();
  readonly #splitRows = new SplitRows();
  readonly #delivery: Delivery;
  readonly #checkpoints = new CheckpointTracker();
  readonly #report: Report;
  readonly #policy: Policy;
  readonly #rejectedRows: RejectedRowSink | undefined;
  readonly #stateOutput: StateOutput;
  /** Undefined if no metrics are reported. */
  readonly #metrics: MetricsOutput | undefined;
  readonly #stopReading = new AbortController();
  /** The first error, which `run` throws at the end. */
  #failed: { error: unknown } | undefined;
  #sourceFailed = false;
  #unreadableLines = 0;

  constructor(
    { output, stop, now, reportMetrics = false }: CommandContext,
    { configuration, catalog, receiver, requests, report, policy, rejectedRows, echoesStates }: SessionOptions,
  ) {
    this.#report = report;
    this.#output = output;
    this.#stop = stop;
    this.#isDryRun = configuration.dry_run;
    this.#rejectedRows = rejectedRows;
    this.#policy = policy;
    this.#now = now;
    this.#maxAgeHours = configuration.limits.event_age_hours;
    this.#time = now();
    this.#streams = createDestinationStreams(
      configuration,
      catalog,
      () => this.#time,
      (stream, change) => report.reportChange(stream, change),
      this.#arena,
    );
    this.#stateOutput = new StateOutput({
      output,
      report,
      checkpoints: this.#checkpoints,
      policy,
      rejectedRows,
      echoesStates,
      onError: (error) => this.#fail(error),
    });
    this.#delivery = new Delivery({
      arena: this.#arena,
      receiver,
      report,
      ...createRoutes(configuration),
      limits: configuration.limits,
      requestBytes: configuration.limits.request_bytes,
      maxLingerMs: configuration.flush_interval_seconds * 1000,
      isReadingPaused: () => this.#rejectedRows?.isAtCapacity ?? false,
      retryTimeMs: configuration.retry_minutes * 60_000,
      onRetry: () => this.#stateOutput.requestFlush(),
      onSettled: (item, profile, outcome) => this.#settle(item, profile, outcome),
      onError: (error) => this.#fail(error),
    });
    // A dry run has no metrics, because it sends nothing.
    if (reportMetrics && !configuration.dry_run) {
      this.#metrics = new MetricsOutput(output, now, () => ({
        ...requests.current,
        ...report.metrics,
        tokens_left: this.#delivery.tokensLeft,
      }));
    }
    for (const warning of listCatalogWarnings(catalog, configuration)) report.warn(warning);
  }

  /**
   * Reads lines, maps each row to an event or to attributes, and adds these to a batch. In the background, the delivery posts the
   * batches and calls #settle for each item in them. #settle requests a flush, which writes the states whose rows are all settled.
   *
   * @returns false if a signal stopped the session before the end of the input.
   */
  async run(input: Readable): Promise<boolean> {
    const stopListening = onAbort(this.#stop, () => this.#stopAtCheckpoint());
    try {
      for await (const lines of this.#read(input)) {
        this.#mapLines(lines);
        await this.#applyBackpressure();
        await this.#stateOutput.flush();
      }
      await this.#delivery.finish();
      this.#checkUnreadableLines();
    } catch (error) {
      this.#fail(error);
    }
    try {
      await this.#finish();
    } catch (error) {
      this.#fail(error);
    } finally {
      stopListening();
      this.#metrics?.stop();
    }
    if (this.#failed !== undefined) throw this.#failed.error;
    return !this.#stop.aborted;
  }

  /** Yields the lines of stdin until its end, or until reading is stopped. */
  async *#read(input: Readable): AsyncGenerator<LineBatch> {
    const { signal } = this.#stopReading;
    try {
      yield* splitLines(addAbortSignal(signal, input));
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  /** Waits while too much data is waiting to be sent or stored. Meanwhile stdin is not read, so the source waits (backpressure). */
  async #applyBackpressure(): Promise<void> {
    await this.#delivery.waitForCapacity();
    await this.#rejectedRows?.waitForCapacity(this.#stopReading.signal);
  }

  #mapLines({ bytes, view, start, ends }: LineBatch): void {
    let from = start;
    this.#time = this.#now();
    // If there are invalid bytes, all these lines are parsed, because decoding replaces invalid bytes.
    const isValid = isUtf8(bytes.subarray(start, ends.at(-1)));
    for (const end of ends) {
      this.#stopAtCheckpoint();
      if (this.#stopReading.signal.aborted) return;
      if (!isValid || !this.#cutRecord(bytes, view, from, end)) this.#handle(parseInputLine(bytes, from, end, view));
      from = end + 1;
    }
    this.#stopAtCheckpoint();
  }

  #handle(message: InputMessage): void {
    switch (message.kind) {
      case 'record':
        this.#mapRecord(message.stream, message.data, message.line);
        break;
      case 'state':
        this.#addCheckpoint(message.line, message.stream);
        break;
      case 'broken':
        this.#unreadableLines += 1;
        this.#report.countSkippedLine('broken JSON');
        break;
      case 'unknown':
        this.#report.countSkippedLine(message.what);
        break;
      case 'source_error':
        this.#sourceFailed = true;
        this.#report.reportSourceError(redactForeign(message.message));
        break;
      case 'source_warning':
        this.#report.reportSourceWarning(redactForeign(message.message));
        break;
      case 'ignored':
        break;
    }
  }

  /**
   * Maps a row the fast way: copies its event from the bytes of the line. Returns false if the line has to be parsed.
   */
  #cutRecord(bytes: Buffer, view: DataView, start: number, end: number): boolean {
    if (this.#lastStream === undefined) return false;
    const { name, key, mapper } = this.#lastStream;
    const mapped = mapper.tryCut(bytes, view, start, end);
    if (mapped === undefined) return false;
    this.#report.countRow();
    const line = this.#rejectedRows && bytes.toString('utf8', start, end);
    this.#batch(mapped, this.#checkpoints.addRow(key, name), line);
    return true;
  }

  #mapRecord({ name, namespace }: StreamName, row: Row, line: string): void {
    const last = this.#lastStream;
    const stream = last?.name === name ? last : this.#streams.find(name, namespace);
    if (stream === undefined) {
      const place = namespace === undefined ? '' : ` in the namespace "${namespace}"`;
      throw destinationError(
        'stream_not_in_catalog',
        `A row belongs to the stream "${name}"${place}, which is not in the catalog. Use the same catalog for the write command as for the read command.`,
      );
    }
    this.#report.countRow();
    this.#lastStream = stream.hasUniqueName && stream.object === 'profile_event' ? stream : undefined;
    // The line is kept only if rejected rows are stored, because it takes as much memory as its event.
    const keptLine = this.#rejectedRows && line;
    const group = this.#checkpoints.addRow(stream.key, name);
    const mapped = stream.object === 'profile_event' ? stream.mapper.map(row, line) : stream.mapper.map(row);
    if (mapped.kind === 'rejected') this.#reject(group, keptLine, mapped.rejection, () => row);
    else if (mapped.kind === 'event') this.#batch(mapped, group, keptLine);
    else this.#batchAttributes(mapped, group, keptLine);
  }

  #batch({ event, profile, isTimely, leftOut }: MappedEvent, group: RowGroup, line: string | undefined): void {
    for (const attribute of leftOut) this.#report.reportLeftOut(group.stream, attribute);
    if (line !== undefined) this.#rejectedRows?.hold(line);
    this.#origins.set(event, group, line);
    this.#delivery.add(profile, event, isTimely);
  }

  #batchAttributes({ parts, profile, leftOut }: MappedAttributes, group: RowGroup, line: string | undefined): void {
    for (const attribute of leftOut) this.#report.reportLeftOut(group.stream, attribute);
    if (line !== undefined) this.#rejectedRows?.hold(line);
    this.#splitRows.add(parts);
    for (const part of parts) {
      this.#origins.set(part, group, line);
      this.#delivery.addAttributes(profile, part);
    }
  }

  #addCheckpoint(line: string, stream: StreamName | undefined): void {
    this.#checkUnreadableLines();
    const key = stream && (this.#streams.find(stream.name, stream.namespace)?.key ?? streamKey(stream));
    this.#checkpoints.addState(line, key);
  }

  /**
   * Throws if lines of the input could not be read. They may have been rows, so no later state may be written, and the
   * sync is incomplete even if no state follows.
   */
  #checkUnreadableLines(): void {
    if (this.#unreadableLines === 0) return;
    throw destinationError(
      'input_broken',
      `${formatCount(this.#unreadableLines, 'message')} on stdin can't be read: the JSON is invalid or incomplete. Rows may be missing, so no later state is written, and the next run reads these rows again. Either the source was cut off, or something between the source and the destination changed its output.`,
    );
  }

  #settle(item: ItemNumber, profile: ProfileNumber, settled: Outcome): void {
    const group = this.#origins.groupOf(item);
    const line = this.#origins.takeLine(item);
    const outcome = this.#splitRows.isEmpty ? settled : this.#splitRows.settle(item, settled);
    if (outcome === undefined) return;
    if (outcome.kind === 'accepted') {
      this.#checkpoints.accept(group);
      this.#rejectedRows?.accept(group.segment);
      this.#policy.countAccepted();
      this.#report.countAccepted();
    } else {
      const arena = this.#arena;
      const rebuild = (): Row => rebuildRow(arena.profiles.readCustomId(profile), arena.read(item));
      this.#reject(group, line, this.#explainTime(item, outcome.rejection), rebuild);
    }
    if (line !== undefined) this.#rejectedRows?.release(line);
    this.#stateOutput.requestFlush();
  }

  /** If Batch refused an event with a time that Batch does not accept, makes the time the reason for the rejection. */
  #explainTime(item: ItemNumber, rejection: Rejection): Rejection {
    if (rejection.code !== 'refused_by_batch') return rejection;
    return { ...rejection, ...explainRefused(this.#arena.read(item), this.#now(), this.#maxAgeHours) };
  }

  /** @param getRow returns the row, or the part of it that was sent, for the log. */
  #reject(group: RowGroup, line: string | undefined, rejection: Rejection, getRow: () => Row): void {
    const explain = (): string => explainRejection(rejection, getRow());
    this.#report.reportRejected(group.stream, rejection.code, () => ({
      row: describeRow(getRow()),
      reason: explain(),
    }));
    if (line !== undefined) this.#rejectedRows?.add(group, line, rejection);
    const error = this.#policy.countRejected(rejection.code, explain);
    if (error === undefined) this.#checkpoints.reject(group, rejection.code);
    // If there is an error, the row stays unsettled, so that no later state is written.
    else this.#failAfter(group.segment, error);
  }

  /**
   * After a signal, stops reading at the next state. The rows before that state are then settled and the state is
   * echoed, so the next run continues from there. If reading stopped anywhere else, the rows since the last state would
   * be sent twice.
   */
  #stopAtCheckpoint(): void {
    if (this.#stop.aborted && this.#checkpoints.isAtCheckpoint) this.#stopReading.abort();
  }

  /** Ends the session immediately. `run` throws only the first error. */
  #fail(error: unknown): void {
    this.#failed ??= { error };
    this.#delivery.halt();
    this.#stopReading.abort();
  }

  /**
   * Ends the session because of a row in this segment (the rows between two states). No state after the row may be
   * written. Rows of earlier segments are still sent, so that the states before the row are written. If these states
   * were not written, each further run would send the rows of the earlier segments again, and then fail at the same
   * row. Rows of this and later segments are not sent, because the next run reads them again.
   */
  #failAfter(segment: number, error: unknown): void {
    this.#failed ??= { error };
    this.#stopReading.abort();
    this.#delivery.drop((item) => this.#origins.groupOf(item).segment >= segment);
  }

  /** Writes the remaining states and rejected rows, and the summary. */
  async #finish(): Promise<void> {
    this.#delivery.halt();
    try {
      await this.#stateOutput.flush();
      await this.#stateOutput.finish();
    } catch (error) {
      this.#fail(error);
    }
    await this.#storeRejectedRows();
    if (this.#failed !== undefined && !this.#isDryRun) {
      this.#report.setUnknownOutcome(this.#delivery.itemsOfUnknownOutcome.length);
    }
    for (const message of this.#report.summarize()) await this.#output.write(message);
    await this.#metrics?.write();
  }

  /**
   * Stores the rejected rows that no state covers. Usually, the next run reads them again, so they stay unconfirmed. Rows of a
   * stream without states, for example from a file, are read only once, so they are confirmed. After an error they are not: if a
   * source failed before its first state, the next run reads all rows again.
   */
  async #storeRejectedRows(): Promise<void> {
    if (this.#rejectedRows === undefined) return;
    try {
      if (this.#failed === undefined && !this.#sourceFailed) {
        await this.#rejectedRows.confirm(this.#checkpoints.withoutStates);
      }
      const unknown = this.#delivery.itemsOfUnknownOutcome.map((item) => this.#origins.groupOf(item).segment);
      await this.#rejectedRows.abandon(new Set(unknown));
    } catch (error) {
      this.#fail(error);
    }
    this.#report.setLocations(this.#rejectedRows.locations());
  }
}
