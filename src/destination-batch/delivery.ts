import { setMaxListeners } from 'node:events';
import pRetry from 'p-retry';
import { ConnectorError } from '../protocol/failure.ts';
import { type Answer, MAX_CALLS_IN_FLIGHT, type PartialError, RetryableCallError } from './batch-api.ts';
import type { Rejection } from './reason.ts';
import type { Report } from './report.ts';
import type { TokenBucket } from './token-bucket.ts';
import { type Update, type WaitingEvent, WaitingEvents } from './waiting-events.ts';

/** Bytes of one request's body. Batch states no limit; this is what common HTTP servers take without being asked. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

/** What may wait to be sent, in events and in bytes of their JSON. Beyond it stdin is left unread, and the source waits. */
const MAX_WAITING_EVENTS = 50_000;
const MAX_WAITING_BYTES = 32 * 1024 * 1024;

/** Waits between attempts: from the first to the longest, doubling, each drawn between once and twice its length. */
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 60_000;

/** How long all calls pause after a 429 that does not say it: Batch's pages ask for a few seconds, at least five. */
const RATE_LIMIT_PAUSE_MS = 5_000;

export type Outcome = { kind: 'accepted' } | { kind: 'rejected'; rejection: Rejection };

export type DeliveryOptions<RowRef> = {
  /** Posts the JSON text of an array of updates. */
  post: (body: string, signal: AbortSignal) => Promise<Answer>;
  bucket: TokenBucket;
  report: Report;
  eventsPerUpdate: number;
  updatesPerRequest: number;
  /** How long an event waits for others, in milliseconds. */
  flushIntervalMs: number;
  /** How long a request is tried, in milliseconds. */
  retryTimeMs: number;
  /** Called once for each event, when it is known what became of it. */
  onSettled: (row: RowRef, outcome: Outcome) => void;
  /** Called once if the delivery can't go on. */
  onFailure: (error: unknown) => void;
};

/**
 * Brings events to Batch: groups them into updates and requests, paces these, sends several at a time, tries again what
 * may succeed, takes apart what was refused whole, and says of each event what became of it.
 */
export class Delivery<RowRef> {
  readonly #options: DeliveryOptions<RowRef>;
  readonly #waiting: WaitingEvents<RowRef>;
  readonly #halt = new AbortController();
  readonly #running: Promise<void>;
  #inFlight = 0;
  #ended = false;
  /** How many events are to be sent without waiting for others: those that were there when the flush interval ended. */
  #toFlush = 0;
  #flushTimer: NodeJS.Timeout | undefined;
  #wakeSender: (() => void) | undefined;
  #wakeFeeder: (() => void) | undefined;

  constructor(options: DeliveryOptions<RowRef>) {
    this.#options = options;
    // Each call in flight and each wait listens to it; their number is bounded by the calls.
    setMaxListeners(0, this.#halt.signal);
    this.#waiting = new WaitingEvents(options.eventsPerUpdate);
    this.#running = this.#run().catch((error: unknown) => this.#fail(error));
  }

  add(customId: string, event: WaitingEvent<RowRef>): void {
    this.#waiting.add(customId, event);
    this.#startFlushInterval();
  }

  /** Lets the sender look at what was added. Resolves when there is room for more. */
  async room(): Promise<void> {
    this.#wakeSender?.();
    while (this.#isFull && !this.#halt.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wakeFeeder = resolve;
      });
    }
  }

  /** Sends all that waits. Resolves when everything is settled, or when the delivery failed or was halted. */
  async finish(): Promise<void> {
    this.#ended = true;
    this.#wakeSender?.();
    await this.#running;
  }

  /** Stops sending at once; what is in flight is abandoned. */
  halt(): void {
    clearTimeout(this.#flushTimer);
    this.#halt.abort();
    this.#wakeSender?.();
    this.#wakeFeeder?.();
  }

  get #isFull(): boolean {
    return this.#waiting.events >= MAX_WAITING_EVENTS || this.#waiting.bytes >= MAX_WAITING_BYTES;
  }

  get #shouldSend(): boolean {
    const ready = this.#waiting.readyUpdates;
    if (ready === 0 || this.#inFlight >= MAX_CALLS_IN_FLIGHT) return false;
    return ready >= this.#options.updatesPerRequest || this.#ended || this.#toFlush > 0 || this.#isFull;
  }

  get #isDone(): boolean {
    return this.#ended && this.#waiting.events === 0 && this.#inFlight === 0;
  }

  async #run(): Promise<void> {
    const { signal } = this.#halt;
    while (!this.#isDone && !signal.aborted) {
      if (this.#shouldSend) await this.#sendNext();
      else {
        await new Promise<void>((resolve) => {
          this.#wakeSender = resolve;
        });
      }
    }
    clearTimeout(this.#flushTimer);
  }

  async #sendNext(): Promise<void> {
    const { bucket, updatesPerRequest } = this.#options;
    const planned = Math.min(this.#waiting.readyUpdates, updatesPerRequest);
    await bucket.take(planned, this.#halt.signal);
    // Taken only now, when it may be sent: events that came in meanwhile share the update.
    const updates = this.#waiting.take(planned, MAX_REQUEST_BYTES);
    if (updates.length < planned) bucket.giveBack(planned - updates.length);
    this.#toFlush = Math.max(0, this.#toFlush - updates.reduce((sum, { events }) => sum + events.length, 0));
    this.#startFlushInterval();
    this.#wakeFeeder?.();
    this.#inFlight += 1;
    this.#deliver(updates).then(
      () => {
        this.#inFlight -= 1;
        for (const { customId } of updates) this.#waiting.settled(customId);
        this.#wakeSender?.();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  /** From the first event that waits, for all that wait when it ends. */
  #startFlushInterval(): void {
    if (this.#flushTimer !== undefined || this.#toFlush > 0 || this.#waiting.events === 0) return;
    this.#flushTimer = setTimeout(() => {
      this.#flushTimer = undefined;
      this.#toFlush = this.#waiting.events;
      this.#wakeSender?.();
    }, this.#options.flushIntervalMs);
  }

  /** Posts updates for which tokens were taken, until each of their events is settled. */
  async #deliver(updates: Update<RowRef>[]): Promise<void> {
    const answer = await this.#postUntilAnswered(updates);
    switch (answer.kind) {
      case 'accepted':
        return this.#settleAccepted(updates, answer.errors);
      case 'accepted_unreadable':
        this.#options.report.unreadableAnswer(answer.detail);
        return this.#settleAccepted(updates, []);
      case 'refused':
        return this.#settleRefused(updates, answer.reason);
    }
  }

  async #postUntilAnswered(updates: Update<RowRef>[]): Promise<Answer> {
    const { post, bucket, report, retryTimeMs } = this.#options;
    const { signal } = this.#halt;
    const body = requestBody(updates);
    const attempt = async (attemptNumber: number): Promise<Answer> => {
      if (attemptNumber > 1) await bucket.take(updates.length, signal);
      report.request(updates.length);
      return post(body, signal);
    };
    try {
      return await pRetry(attempt, {
        retries: Number.POSITIVE_INFINITY,
        maxRetryTime: retryTimeMs,
        minTimeout: FIRST_RETRY_MS,
        maxTimeout: LONGEST_RETRY_MS,
        randomize: true,
        signal,
        shouldRetry: ({ error }) => error instanceof RetryableCallError,
        onFailedAttempt: ({ error, attemptNumber }) => {
          if (!(error instanceof RetryableCallError) || signal.aborted) return;
          report.retry(error.message, attemptNumber);
          const pause = error.retryAfterMs ?? (error.isRateLimit ? RATE_LIMIT_PAUSE_MS : 0);
          if (pause > 0) bucket.pause(pause);
          if (error.outcomeUnknown)
            report.possibleDuplicates(updates.reduce((sum, update) => sum + update.events.length, 0));
        },
      });
    } catch (error) {
      if (!(error instanceof RetryableCallError)) throw error;
      throw new ConnectorError(
        'transient_error',
        `Batch could not be made to take a request within ${retryTimeMs / 60_000} minutes: ${error.message}. Batch or the network has a long fault. Run the sync again later; it goes on from the last state.`,
        { cause: error },
      );
    }
  }

  #settleAccepted(updates: Update<RowRef>[], errors: PartialError[]): void {
    const refused = new Map<number, string[]>();
    for (const error of errors) {
      if (updates[error.bulkIndex] === undefined) this.#options.report.strayError(error.reason);
      else if (error.attribute !== undefined) this.#options.report.attributeRefused(error.attribute, error.reason);
      else refused.set(error.bulkIndex, [...(refused.get(error.bulkIndex) ?? []), error.reason]);
    }
    for (const [index, update] of updates.entries()) {
      const reasons = refused.get(index);
      if (reasons === undefined) this.#settle(update, { kind: 'accepted' });
      else this.#settle(update, { kind: 'rejected', rejection: refusal(update, reasons.join('; '), false) });
    }
  }

  /** One update of a request that is refused whole is at fault: halves are tried until it is alone. */
  async #settleRefused(updates: Update<RowRef>[], reason: string): Promise<void> {
    const [only] = updates;
    if (only !== undefined && updates.length === 1) {
      this.#settle(only, { kind: 'rejected', rejection: refusal(only, reason, true) });
      return;
    }
    const middle = Math.ceil(updates.length / 2);
    for (const half of [updates.slice(0, middle), updates.slice(middle)]) {
      await this.#options.bucket.take(half.length, this.#halt.signal);
      await this.#deliver(half);
    }
  }

  #settle(update: Update<RowRef>, outcome: Outcome): void {
    for (const event of update.events) this.#options.onSettled(event.row, outcome);
  }

  #fail(error: unknown): void {
    if (this.#halt.signal.aborted) return;
    this.halt();
    this.#options.onFailure(error);
  }
}

/**
 * Batch names an update, not an event in it: when it holds several, that is all that can be said of each.
 *
 * @param whole whether the request was refused whole, so that nothing of it was stored.
 */
function refusal(update: Update<unknown>, reason: string, whole: boolean): Rejection {
  const events = update.events.length;
  const which =
    events === 1 ? '' : ` (said of an update with ${events} events; Batch does not say which of them it left out)`;
  return {
    code: 'refused_by_batch',
    reason: `Batch said: ${reason}${which}`,
    refusal: { words: reason, eventsInUpdate: events, whole },
  };
}

function requestBody(updates: Update<unknown>[]): string {
  const items = updates.map(
    ({ customId, events }) =>
      `{"identifiers":{"custom_id":${JSON.stringify(customId)}},"events":[${events.map((event) => event.json).join(',')}]}`,
  );
  return `[${items.join(',')}]`;
}
