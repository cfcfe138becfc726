import { addAbortSignal, type Readable } from 'node:stream';
import { type ConfiguredCatalog, streamKey } from '../../protocol/catalog.ts';
import type { CommandContext } from '../../protocol/command-context.ts';
import { splitLines } from '../../protocol/lines.ts';
import type { MessageOutput } from '../../protocol/output.ts';
import { redactForeign } from '../../protocol/secrets.ts';
import { isJsonObject, parseExact } from '../../shared/exact-json.ts';
import { BatchApi } from '../batch/api.ts';
import { DryRun } from '../batch/dry-run.ts';
import { maskValues } from '../batch/mask-values.ts';
import { describeRefusal, type Rejection } from '../codes.ts';
import type { DestinationConfiguration } from '../config/schema.ts';
import type { WaitingEvent } from '../delivery/batcher.ts';
import { Delivery } from '../delivery/delivery.ts';
import { createRoutes } from '../delivery/pacing.ts';
import type { Outcome } from '../delivery/post-updates.ts';
import { destinationError } from '../errors.ts';
import type { Row } from '../mapping/mapper.ts';
import type { MappedEvent } from '../mapping/rules.ts';
import { createEventStreams, type EventStream, type EventStreams } from '../mapping/streams.ts';
import { openRejectedRowStore } from '../rejected/open-store.ts';
import { RejectionPolicy, StateHold } from '../rejected/policy.ts';
import { describeRow } from '../rejected/rejected-record.ts';
import { RejectedRows } from '../rejected/rejected-rows.ts';
import { Report } from '../report.ts';
import { listCatalogWarnings } from './catalog-warnings.ts';
import { CheckpointTracker, type ResolvedState, type TrackedRows } from './checkpoints.ts';
import { addDestinationStats } from './destination-stats.ts';
import { type InputMessage, parseInputLine, type StreamName } from './input.ts';

/**
 * Sends the rows on `input` to Batch and echoes each state once it is true.
 *
 * @returns true at the end of the input; false when a signal ended it before.
 * @throws ConnectorError when the sync can't go on. The states that were true by then have been written.
 */
export async function write(
  context: CommandContext,
  configuration: DestinationConfiguration,
  catalog: ConfiguredCatalog,
  input: Readable,
): Promise<boolean> {
  const receiver = configuration.dry_run ? await DryRun.open(configuration.dry_run_file) : new BatchApi(configuration);
  let rejectedRows: RejectedRows | undefined;
  try {
    // The rows of a dry run come again, those that it would reject among them: kept twice, they would be replayed twice.
    const store = configuration.dry_run
      ? undefined
      : await openRejectedRowStore(configuration.rejected_rows, context.now(), configuration.retry_minutes * 60_000);
    rejectedRows = store && new RejectedRows(store, context.now);
    // Before any row is sent: each run that fails for it later would send its rows again.
    await rejectedRows?.checkWritable();
    return await new WriteSession(context, configuration, catalog, receiver, rejectedRows).run(input);
  } finally {
    await receiver.close();
    await rejectedRows?.close();
    input.destroy();
  }
}

/** A row on its way: where it is settled, and its text if rejected rows are kept. */
type RowOrigin = { entry: TrackedRows; stream: string; line: string | undefined };

/** An event in the delivery, with what its row is accounted for by. */
type RowEvent = WaitingEvent & RowOrigin & { customId: string };

/** One run of `write`: the way of a line from stdin to the delivery, and of a state back to stdout. */
class WriteSession {
  readonly #output: MessageOutput;
  readonly #stop: AbortSignal;
  readonly #isDryRun: boolean;
  readonly #streams: EventStreams;
  /** The stream of the last row, as most rows are of the same one as the row before; undefined if its name is not enough to tell. */
  #last: EventStream | undefined;
  readonly #delivery: Delivery<RowEvent>;
  readonly #checkpoints = new CheckpointTracker<string>();
  readonly #report = new Report();
  readonly #policy: RejectionPolicy;
  readonly #stateHold: StateHold<string>;
  readonly #rejectedRows: RejectedRows | undefined;
  readonly #stopReading = new AbortController();
  #failure: { error: unknown } | undefined;
  #unreadableLines = 0;
  #telling: Promise<void> = Promise.resolve();
  #pending: Promise<void> | undefined;

  constructor(
    { output, stop, now }: CommandContext,
    configuration: DestinationConfiguration,
    catalog: ConfiguredCatalog,
    receiver: BatchApi | DryRun,
    rejectedRows: RejectedRows | undefined,
  ) {
    this.#rejectedRows = rejectedRows;
    this.#policy = new RejectionPolicy(configuration.on_rejection);
    this.#stateHold = new StateHold(this.#policy);
    this.#output = output;
    this.#stop = stop;
    this.#isDryRun = configuration.dry_run;
    this.#streams = createEventStreams(configuration, catalog, now, (stream, change) =>
      this.#report.reportChange(stream, change),
    );
    this.#delivery = new Delivery<RowEvent>({
      receiver,
      ...createRoutes(configuration),
      report: this.#report,
      eventsPerUpdate: configuration.limits.events_per_update,
      requestBytes: configuration.limits.request_bytes,
      maxLingerMs: configuration.flush_interval_seconds * 1000,
      retryTimeMs: configuration.retry_minutes * 60_000,
      onRetry: () => this.#tellSoon(),
      onSettled: (event, outcome) => this.#settled(event, outcome),
      onFailure: (error) => this.#fail(error),
    });
    if (configuration.dry_run) {
      this.#report.warn(
        'This is a dry run: nothing is sent to Batch, and no state is echoed. Turn dry_run off to sync.',
      );
    }
    for (const warning of listCatalogWarnings(catalog)) this.#report.warn(warning);
  }

  async run(input: Readable): Promise<boolean> {
    const onStop = (): void => this.#stopAtCheckpoint();
    this.#stop.addEventListener('abort', onStop);
    // A signal may have come before there was anything to stop.
    onStop();
    try {
      await this.#takeAll(input);
      await this.#delivery.finish();
      this.#checkUnreadableLines();
    } catch (error) {
      this.#fail(error);
    }
    try {
      this.#delivery.halt();
      await this.#tell();
      await this.#end();
      if (this.#failure !== undefined && !this.#isDryRun)
        this.#report.setUnknownOutcome(this.#delivery.eventsOfUnknownOutcome);
      for (const message of this.#report.summarize()) await this.#output.write(message);
    } finally {
      this.#stop.removeEventListener('abort', onStop);
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    return !this.#stop.aborted;
  }

  /** Judges the whole sync: the states that were held back come out, and the last rejected rows are put where they belong. */
  async #end(): Promise<void> {
    const { states, error } = this.#stateHold.end();
    if (error !== undefined) this.#fail(error);
    await this.#echo(states);
    try {
      if (this.#failure === undefined) await this.#rejectedRows?.confirm(Number.POSITIVE_INFINITY);
      else await this.#rejectedRows?.abandon();
    } catch (error) {
      this.#fail(error);
    }
    if (this.#rejectedRows !== undefined) this.#report.setLocations(this.#rejectedRows.locations());
  }

  async #takeAll(input: Readable): Promise<void> {
    const { signal } = this.#stopReading;
    try {
      for await (const { bytes, start, ends } of splitLines(addAbortSignal(signal, input))) {
        let from = start;
        for (const end of ends) {
          this.#stopAtCheckpoint();
          if (signal.aborted) return;
          if (!this.#takeCutRecord(bytes, from, end)) this.#take(parseInputLine(bytes.subarray(from, end)));
          from = end + 1;
        }
        this.#stopAtCheckpoint();
        await this.#delivery.waitForCapacity();
        await this.#rejectedRows?.waitForCapacity(signal);
        await this.#tell();
      }
    } catch (error) {
      // An abort is how reading is ended from outside, while it waits for input.
      if (!signal.aborted) throw error;
    }
  }

  #take(message: InputMessage): void {
    switch (message.kind) {
      case 'record':
        this.#takeRecord(message.stream, message.data, message.line);
        break;
      case 'state':
        this.#takeState(message.line, message.stream);
        break;
      case 'broken':
        this.#unreadableLines += 1;
        this.#report.countSkippedLine('broken JSON');
        break;
      case 'unknown':
        this.#report.countSkippedLine(message.what);
        break;
      case 'source_error':
        this.#report.reportSourceError(redactForeign(message.message));
        break;
      case 'source_warning':
        this.#report.reportSourceWarning(redactForeign(message.message));
        break;
      case 'ignored':
        break;
    }
  }

  /** Whether the line is a row like the last one, whose event could be cut out of it. */
  #takeCutRecord(bytes: Buffer, start: number, end: number): boolean {
    if (this.#last === undefined) return false;
    const { name, key, mapper } = this.#last;
    const event = mapper.tryCut(bytes, start, end);
    if (event === undefined) return false;
    this.#report.countRow();
    const line = this.#rejectedRows && bytes.toString('utf8', start, end);
    this.#deliver(event, { entry: this.#checkpoints.track(key), stream: name, line });
    return true;
  }

  #takeRecord({ name, namespace }: StreamName, row: Row, line: string): void {
    const stream = this.#streams.find(name, namespace);
    if (stream === undefined) {
      const place = namespace === undefined ? '' : ` in the namespace "${namespace}"`;
      throw destinationError(
        'stream_not_in_catalog',
        `A row of the stream "${name}"${place} came in, which the catalog does not name. Give write the same catalog as read.`,
      );
    }
    this.#report.countRow();
    this.#last = stream.hasUniqueName ? stream : undefined;
    // Held only where rejected rows are kept: it is as large as its event.
    const origin = { entry: this.#checkpoints.track(stream.key), stream: name, line: this.#rejectedRows && line };
    const mapped = stream.mapper.map(row, line);
    if (mapped.kind === 'rejected') this.#reject(origin, mapped.rejection, () => row);
    else this.#deliver(mapped, origin);
  }

  #deliver({ customId, json, bytes, isTimely, leftOut }: MappedEvent, { entry, stream, line }: RowOrigin): void {
    for (const attribute of leftOut) this.#report.reportLeftOut(stream, attribute);
    if (line !== undefined) this.#rejectedRows?.hold(line);
    this.#delivery.add(customId, { customId, json, bytes, isTimely, entry, stream, line });
  }

  #takeState(line: string, stream: StreamName | undefined): void {
    this.#checkUnreadableLines();
    const key = stream && (this.#streams.find(stream.name, stream.namespace)?.key ?? streamKey(stream));
    this.#checkpoints.checkpoint(line, key);
  }

  /** A line that can't be read may have been a row: no state behind it is true, and a sync without one is not whole. */
  #checkUnreadableLines(): void {
    if (this.#unreadableLines === 0) return;
    throw destinationError(
      'input_broken',
      `${this.#unreadableLines} of the lines on stdin begin like messages and can't be read. They may have been rows: no state behind them is echoed, and the next run reads them again. The source was cut off, or something between it and the destination changed its output.`,
    );
  }

  #settled(row: RowEvent, outcome: Outcome): void {
    if (outcome.kind === 'accepted') {
      this.#checkpoints.accept(row.entry);
      this.#policy.countAccepted();
      this.#report.countAccepted();
    } else this.#reject(row, outcome.rejection, () => rebuildRow(row));
    if (row.line !== undefined) this.#rejectedRows?.release(row.line);
    this.#tellSoon();
  }

  /** Once for all that are settled together. */
  #tellSoon(): void {
    if (this.#pending === undefined) this.#tell().catch((error: unknown) => this.#fail(error));
  }

  /** @param row gives the row, or what was sent of it, for the log to describe without its values. */
  #reject({ entry, stream, line }: RowOrigin, rejection: Rejection, row: () => Row): void {
    let reason: string | undefined;
    const masked = (): string => {
      const { refusal } = rejection;
      reason ??=
        refusal === undefined
          ? rejection.reason
          : describeRefusal({ ...refusal, words: maskValues(refusal.words, row()) });
      return reason;
    };
    this.#report.reportRejected(stream, rejection.code, () => ({ row: describeRow(row()), reason: masked() }));
    if (line !== undefined) this.#rejectedRows?.add(stream, entry.segment, line, rejection);
    const error = this.#policy.countRejected(rejection.code, masked);
    // Left unsettled, a row that ends the sync keeps the states behind it from being true.
    if (error === undefined) this.#checkpoints.reject(entry, rejection.code);
    else this.#failBehind(entry.segment, error);
  }

  /**
   * Ends the sync for a row that no state may pass. The states before it can still become true, so what they wait for is
   * sent: else each further run, failing at the same row, would send it again. What would come again anyway is not sent.
   */
  #failBehind(segment: number, error: unknown): void {
    this.#failure ??= { error };
    this.#stopReading.abort();
    this.#delivery.drop(({ entry }) => entry.segment >= segment);
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#delivery.halt();
    this.#stopReading.abort();
  }

  /**
   * After a signal, reading goes on to the next state: the rows before it are settled and the state is echoed, so that
   * the next run starts behind them. To stop anywhere else would send the rows since the last state twice.
   */
  #stopAtCheckpoint(): void {
    if (this.#stop.aborted && this.#checkpoints.isAtCheckpoint) this.#stopReading.abort();
  }

  /** Writes the logs and the states that have become true; one after the other, and once for all calls that wait. */
  #tell(): Promise<void> {
    this.#pending ??= this.#telling.then(async () => {
      this.#pending = undefined;
      for (const message of this.#report.drainMessages()) await this.#output.write(message);
      const { states, error } = this.#stateHold.pass(this.#checkpoints.takeResolved());
      await this.#echo(states);
      if (error !== undefined) this.#fail(error);
    });
    this.#telling = this.#pending;
    return this.#pending;
  }

  /** Writes states whose rows are settled, once the rejected ones among these are kept. */
  async #echo(states: readonly ResolvedState<string>[]): Promise<void> {
    const last = states.at(-1);
    if (last === undefined) return;
    try {
      await this.#rejectedRows?.confirm(last.segment);
    } catch (error) {
      // None is echoed from now on: whatever is to be kept after a failure is refused, too.
      this.#fail(error);
      return;
    }
    // The cursor must not move over rows that were not sent.
    if (this.#isDryRun) return;
    for (const { state, counts } of states) {
      await this.#output.writeBytes(`${addDestinationStats(state, counts)}\n`);
      this.#report.countCovered(counts.accepted);
    }
  }
}

/** What was sent of a row, in the form of one. */
function rebuildRow({ customId, json }: Pick<RowEvent, 'customId' | 'json'>): Row {
  const event = parseExact(json);
  if (!isJsonObject(event)) return {};
  const { name, time, attributes } = event;
  const row = { custom_id: customId, event_name: name, ...(time === undefined ? {} : { event_time: time }) };
  return isJsonObject(attributes) ? { ...row, ...attributes } : row;
}
