import { setMaxListeners } from 'node:events';
import pRetry from 'p-retry';
import { ConnectorError } from '../../protocol/errors.ts';
import { Signal } from '../../shared/async.ts';
import { MAX_CALLS_IN_FLIGHT } from '../batch/api.ts';
import type { Endpoint } from '../batch/endpoints.ts';
import { RetryableCallError } from '../batch/errors.ts';
import { maskName } from '../batch/mask-values.ts';
import type { BatchResponse, PartialError } from '../batch/responses.ts';
import { describeRefusal, type Rejection } from '../codes.ts';
import { destinationError } from '../errors.ts';
import type { Report } from '../report.ts';
import { buildRequestBody, type Update, UpdateBatcher, type WaitingEvent } from './batcher.ts';
import type { Route } from './pacing.ts';

/**
 * The room: how many events may wait to be sent, and how many bytes of their JSON may wait or be in flight. Beyond it stdin
 * is left unread, and the source waits. A byte in flight takes about four: in its event, in the body of its request, in
 * what is being sent of it.
 */
const MAX_WAITING_EVENTS = 20_000;
const MAX_UNSETTLED_BYTES = 16 * 1024 * 1024;

/** How long events wait for others of their profiles when there are enough for a full request, in milliseconds. */
const LINGER_MS = 250;

/** A backlog is more than the first endpoint sends in this time, in seconds, or more than may wait. */
const BACKLOG_SECONDS = 20;

/** Waits between attempts: from the first to the longest, doubling, each drawn between once and twice its length. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 60_000;

/** How long all calls pause after a 429 that does not say it: Batch's pages ask for a few seconds, at least five. */
const RATE_LIMIT_PAUSE_MS = 5_000;

export type Outcome = { kind: 'accepted' } | { kind: 'rejected'; rejection: Rejection };

const ACCEPTED: Outcome = { kind: 'accepted' };

export type DeliveryOptions<Event> = {
  /** Posts the JSON text of an array of updates. */
  post: (endpoint: Endpoint, body: string, signal: AbortSignal) => Promise<BatchResponse>;
  /** Where updates go, and how fast. */
  normal: Route;
  /** Where they go once there is a backlog; undefined if they go the first way all the time. */
  bulk: Route | undefined;
  report: Report;
  eventsPerUpdate: number;
  requestBytes: number;
  /** How long an event waits for others, in milliseconds. */
  maxLingerMs: number;
  /** How long a request is tried, in milliseconds. */
  retryTimeMs: number;
  /** Words of Batch without the values of these events that they quote, for the log. */
  mask: (words: string, events: readonly Event[]) => string;
  /** Called when a call has failed and is tried again: nothing may be settled for long, so what is reported of it is to be told. */
  onRetry: () => void;
  /** Called once for each event, when it is known what became of it. */
  onSettled: (event: Event, outcome: Outcome) => void;
  /** Called once if the delivery can't go on. */
  onFailure: (error: unknown) => void;
};

/**
 * Brings events to Batch: groups them into updates and requests, paces these, sends several at a time, tries again what
 * may succeed, takes apart what was refused whole, and says of each event what became of it.
 */
export class Delivery<Event extends WaitingEvent> {
  readonly #options: DeliveryOptions<Event>;
  readonly #batcher: UpdateBatcher<Event>;
  readonly #halt = new AbortController();
  readonly #running: Promise<void>;
  #route: Route;
  /** Requests that were sent, and of which it is not known whether Batch took them. */
  readonly #unanswered = new Set<readonly Update<Event>[]>();
  #hasAccepted = false;
  #isDenied = false;
  #inFlight = 0;
  #bytesInFlight = 0;
  #ended = false;
  /** How many events are to be sent without waiting for others: those that were there when the flush interval ended. */
  #toFlush = 0;
  #lingerTimer: NodeJS.Timeout | undefined;
  /** Whether the timer is the short one, of a full request. */
  #isShortLinger = false;
  /** There may be something to send. */
  readonly #toSend = new Signal();
  /** There may be room for more events. */
  readonly #hasCapacity = new Signal();

  constructor(options: DeliveryOptions<Event>) {
    this.#options = options;
    this.#route = options.normal;
    // Each call in flight and each wait listens to it; their number is bounded by the calls.
    setMaxListeners(0, this.#halt.signal);
    this.#batcher = new UpdateBatcher(options.eventsPerUpdate);
    this.#running = this.#run().catch((error: unknown) => this.#fail(error));
  }

  add(customId: string, event: Event): void {
    this.#batcher.add(customId, event);
    this.#startLinger();
  }

  /** Lets the sender look at what was added. Resolves when there is room for more. */
  async waitForCapacity(): Promise<void> {
    this.#toSend.notify();
    while (this.#isFull && !this.#halt.signal.aborted) await this.#hasCapacity.wait();
  }

  /** Sends all that waits. Resolves when everything is settled, or when the delivery failed or was halted. */
  async finish(): Promise<void> {
    this.#ended = true;
    this.#toSend.notify();
    await this.#running;
  }

  /** Events that this is true of are not sent if they still wait, nor are they settled. */
  drop(isDropped: (event: Event) => boolean): void {
    this.#batcher.drop(isDropped);
    this.#toSend.notify();
    this.#hasCapacity.notify();
  }

  /** Stops sending at once; what is in flight is abandoned, and may have arrived. */
  halt(): void {
    clearTimeout(this.#lingerTimer);
    this.#halt.abort();
    this.#toSend.notify();
    this.#hasCapacity.notify();
  }

  /** When it has ended before its time: how many events Batch may have taken without our knowing it. */
  get eventsOfUnknownOutcome(): number {
    // What denies one request before any was taken denies those beside it.
    if (this.#isDenied && !this.#hasAccepted) return 0;
    return [...this.#unanswered].reduce((sum, updates) => sum + countEvents(updates), 0);
  }

  get #isFull(): boolean {
    return (
      this.#batcher.events >= MAX_WAITING_EVENTS || this.#batcher.bytes + this.#bytesInFlight >= MAX_UNSETTLED_BYTES
    );
  }

  get #shouldSend(): boolean {
    if (this.#batcher.readyUpdates === 0 || this.#inFlight >= MAX_CALLS_IN_FLIGHT) return false;
    return this.#ended || this.#toFlush > 0 || this.#isFull;
  }

  get #isDone(): boolean {
    return this.#ended && this.#batcher.events === 0 && this.#inFlight === 0;
  }

  async #run(): Promise<void> {
    const { signal } = this.#halt;
    while (!this.#isDone && !signal.aborted) {
      if (this.#shouldSend) await this.#sendNext();
      else await this.#toSend.wait();
    }
    clearTimeout(this.#lingerTimer);
  }

  async #sendNext(): Promise<void> {
    this.#switchToBulkRoute();
    const route = this.#route;
    const planned = Math.min(this.#batcher.readyUpdates, route.updatesPerRequest);
    await route.bucket.take(planned, this.#halt.signal);
    // Taken only now, when it may be sent: events that came in meanwhile share the update.
    const updates = this.#batcher.take(planned, this.#options.requestBytes);
    if (updates.length < planned) route.bucket.refund(planned - updates.length);
    // They may have been dropped meanwhile.
    if (updates.length === 0) return;
    this.#toFlush = Math.max(0, this.#toFlush - countEvents(updates));
    this.#startLinger();
    this.#hasCapacity.notify();
    const bytes = countBytes(updates);
    this.#inFlight += 1;
    this.#bytesInFlight += bytes;
    this.#deliver(updates, route).then(
      () => {
        this.#inFlight -= 1;
        this.#bytesInFlight -= bytes;
        for (const { customId } of updates) this.#batcher.release(customId);
        this.#toSend.notify();
        this.#hasCapacity.notify();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** Once, and to the end: what comes by the quick way would overtake what was sent by the other. */
  #switchToBulkRoute(): void {
    const { normal, bulk, report } = this.#options;
    if (bulk === undefined || this.#route === bulk) return;
    const seconds = this.#batcher.updates / normal.bucket.perSecond;
    if (seconds <= BACKLOG_SECONDS && !this.#isFull) return;
    this.#route = bulk;
    report.reportEndpointChange(bulk.endpoint.name, this.#batcher.events, seconds);
  }

  /**
   * From the first event that waits, for all that wait when it ends. Enough for a full request wait but a moment: the
   * more events of a profile come together, the fewer updates they cost.
   */
  #startLinger(): void {
    if (this.#toFlush > 0 || this.#batcher.events === 0) return;
    const isEnough = this.#batcher.readyUpdates >= this.#route.updatesPerRequest;
    if (this.#lingerTimer !== undefined) {
      if (!isEnough || this.#isShortLinger) return;
      clearTimeout(this.#lingerTimer);
    }
    this.#isShortLinger = isEnough;
    const { maxLingerMs } = this.#options;
    this.#lingerTimer = setTimeout(
      () => {
        this.#lingerTimer = undefined;
        this.#isShortLinger = false;
        this.#toFlush = this.#batcher.events;
        this.#toSend.notify();
      },
      isEnough ? Math.min(LINGER_MS, maxLingerMs) : maxLingerMs,
    );
  }

  /** Posts updates for which tokens were taken, until each of their events is settled. */
  async #deliver(updates: Update<Event>[], route: Route): Promise<void> {
    const answer = await this.#postUntilAnswered(updates, route);
    switch (answer.kind) {
      case 'accepted':
        return this.#settleAccepted(updates, answer.errors);
      case 'accepted_unreadable':
        this.#options.report.reportUnreadableResponse(this.#mask(answer.detail, updates));
        return this.#settleAccepted(updates, []);
      case 'refused':
        return this.#settleRefused(updates, route, answer.reason);
    }
  }

  async #postUntilAnswered(updates: Update<Event>[], { endpoint, bucket }: Route): Promise<BatchResponse> {
    const { post, report, retryTimeMs, onRetry } = this.#options;
    const { signal } = this.#halt;
    const body = buildRequestBody(updates);
    const giveUpAt = performance.now() + retryTimeMs;
    let isOutcomeUnknown = false;
    const attempt = async (attemptNumber: number): Promise<BatchResponse> => {
      if (attemptNumber > 1) await bucket.take(updates.length, signal);
      report.countRequest(updates.length);
      this.#unanswered.add(updates);
      try {
        const answer = await post(endpoint, body, signal);
        this.#unanswered.delete(updates);
        return answer;
      } catch (error) {
        if (error instanceof ConnectorError) this.#isDenied = true;
        if (isNotStored(error) && !isOutcomeUnknown) this.#unanswered.delete(updates);
        throw error;
      }
    };
    try {
      return await pRetry(attempt, {
        retries: Number.POSITIVE_INFINITY,
        maxRetryTime: retryTimeMs,
        minTimeout: FIRST_RETRY_MS,
        maxTimeout: LONGEST_RETRY_MS,
        randomize: true,
        signal,
        onFailedAttempt: ({ error }) => {
          if (!(error instanceof RetryableCallError) || signal.aborted) return;
          if (error.outcomeUnknown && !isOutcomeUnknown) report.countPossibleDuplicates(countEvents(updates));
          isOutcomeUnknown ||= error.outcomeUnknown;
        },
        // Asked only while there is time for another attempt.
        shouldRetry: ({ error, attemptNumber }) => {
          if (!(error instanceof RetryableCallError)) return false;
          const pause = error.retryAfterMs ?? (error.isRateLimit ? RATE_LIMIT_PAUSE_MS : 0);
          if (performance.now() + pause > giveUpAt) return false;
          if (error.isRateLimit) bucket.slowDown(pause);
          else if (pause > 0) bucket.pause(pause);
          report.reportRetry(error.message, attemptNumber);
          onRetry();
          return true;
        },
      });
    } catch (error) {
      if (!(error instanceof RetryableCallError)) throw error;
      const asked =
        error.retryAfterMs === undefined
          ? ''
          : `, and asks to wait ${Math.ceil(error.retryAfterMs / 1000)} seconds more`;
      throw destinationError(
        'batch_unreachable',
        `Batch accepted no request for ${retryTimeMs / 60_000} minutes (retry_minutes). The last failure: ${error.message}${asked}. Batch or the network has a long fault. Run the sync again later; it continues from the last state.`,
        { cause: error },
      );
    }
  }

  #settleAccepted(updates: Update<Event>[], errors: PartialError[]): void {
    const { report } = this.#options;
    this.#hasAccepted = true;
    const refused = new Map<number, string[]>();
    for (const error of errors) {
      const update = updates[error.bulkIndex];
      if (update === undefined) report.reportStrayError(this.#mask(error.reason, updates));
      else if (error.attribute !== undefined)
        report.reportRefusedAttribute(maskName(error.attribute), () => this.#mask(error.reason, [update]));
      else refused.set(error.bulkIndex, [...(refused.get(error.bulkIndex) ?? []), error.reason]);
    }
    for (const [index, update] of updates.entries()) {
      const reasons = refused.size === 0 ? undefined : refused.get(index);
      if (reasons === undefined) this.#settle(update, ACCEPTED);
      else this.#settle(update, { kind: 'rejected', rejection: createRefusal(update, reasons.join('; '), false) });
    }
  }

  /**
   * Something in a request that is refused whole is at fault, or it is too large: halves are tried, of its updates and at
   * last of the events of one, until the bad event is alone. Nothing of it was stored, so that nothing is doubled.
   */
  async #settleRefused(updates: Update<Event>[], route: Route, reason: string): Promise<void> {
    const halves = splitInHalf(updates);
    if (halves === undefined) {
      for (const update of updates)
        this.#settle(update, { kind: 'rejected', rejection: createRefusal(update, reason, true) });
      return;
    }
    for (const half of halves) {
      await route.bucket.take(half.length, this.#halt.signal);
      await this.#deliver(half, route);
    }
  }

  #mask(words: string, updates: readonly Update<Event>[]): string {
    return this.#options.mask(
      words,
      updates.flatMap(({ events }) => events),
    );
  }

  #settle(update: Update<Event>, outcome: Outcome): void {
    for (const event of update.events) this.#options.onSettled(event, outcome);
  }

  #fail(error: unknown): void {
    if (this.#halt.signal.aborted) return;
    this.halt();
    this.#options.onFailure(error);
  }
}

/** Whether a call that failed with this has left nothing at Batch, for certain. */
function isNotStored(error: unknown): boolean {
  return error instanceof ConnectorError || (error instanceof RetryableCallError && !error.outcomeUnknown);
}

/** Two parts of a request, in order; undefined when it holds one event. */
function splitInHalf<Event extends WaitingEvent>(
  updates: Update<Event>[],
): [Update<Event>[], Update<Event>[]] | undefined {
  const [only] = updates;
  if (only === undefined || updates.length > 1) {
    const middle = Math.ceil(updates.length / 2);
    return [updates.slice(0, middle), updates.slice(middle)];
  }
  if (only.events.length < 2) return undefined;
  const middle = Math.ceil(only.events.length / 2);
  return [[{ ...only, events: only.events.slice(0, middle) }], [{ ...only, events: only.events.slice(middle) }]];
}

function countEvents(updates: readonly Update<WaitingEvent>[]): number {
  return updates.reduce((sum, { events }) => sum + events.length, 0);
}

function countBytes(updates: readonly Update<WaitingEvent>[]): number {
  return updates.reduce((sum, { events }) => events.reduce((bytes, event) => bytes + event.bytes, sum), 0);
}

/** @param whole whether the request was refused whole, so that nothing of it was stored. */
function createRefusal(update: Update<WaitingEvent>, reason: string, whole: boolean): Rejection {
  const refusal = { words: reason, eventsInUpdate: update.events.length, whole };
  return { code: 'refused_by_batch', reason: describeRefusal(refusal), refusal };
}
