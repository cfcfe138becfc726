import { setMaxListeners } from 'node:events';
import { Signal } from '../../shared/async.ts';
import { MAX_CALLS_IN_FLIGHT } from '../batch/api.ts';
import { countEvents, countJsonBytes, UpdateBatcher, type WaitingEvent } from './batcher.ts';
import { type PosterOptions, UpdatePoster } from './post-updates.ts';
import type { Route } from './rate-limit.ts';

/**
 * The capacity: how many events may wait to be sent, and how many bytes of their JSON may wait or be in flight. Beyond it,
 * stdin is not read (backpressure). A byte in flight takes about four bytes of memory: in its event, in the body of the
 * request, and in the buffers of the socket.
 */
const MAX_WAITING_EVENTS = 20_000;
const MAX_UNSETTLED_BYTES = 16 * 1024 * 1024;

/** How long events wait for others of their profiles when there are enough for a full request, in milliseconds. */
const LINGER_MS = 250;

/** A backlog is more than the normal route sends in this time, in seconds, or more than the capacity. */
const BACKLOG_SECONDS = 20;

export type DeliveryOptions<Event> = PosterOptions<Event> & {
  /** The route for updates. */
  normal: Route;
  /** The route for a backlog; undefined if the normal one is used for everything. */
  bulk: Route | undefined;
  eventsPerUpdate: number;
  requestBytes: number;
  /** The longest time that an event waits for others, in milliseconds. */
  maxLingerMs: number;
  /** Called once if the delivery can't continue. */
  onError: (error: unknown) => void;
};

/**
 * Sends events to Batch in the background: batches them into requests, keeps the rate limit, and posts several requests at
 * a time.
 */
export class Delivery<Event extends WaitingEvent> {
  readonly #options: DeliveryOptions<Event>;
  readonly #batcher: UpdateBatcher<Event>;
  readonly #halt = new AbortController();
  readonly #running: Promise<void>;
  #route: Route;
  readonly #poster: UpdatePoster<Event>;
  #inFlight = 0;
  #bytesInFlight = 0;
  #ended = false;
  /** How many events are sent without waiting for others: those that were waiting when the linger time ended. */
  #toFlush = 0;
  #lingerTimer: NodeJS.Timeout | undefined;
  /** Whether the timer is the short one, for a full request. */
  #isShortLinger = false;
  /** There may be something to send. */
  readonly #toSend = new Signal();
  /** There may be capacity for more events. */
  readonly #hasCapacity = new Signal();

  constructor(options: DeliveryOptions<Event>) {
    this.#options = options;
    this.#route = options.normal;
    // Each call in flight and each wait listens to it. Their number is bounded.
    setMaxListeners(0, this.#halt.signal);
    this.#batcher = new UpdateBatcher(options.eventsPerUpdate);
    this.#poster = new UpdatePoster(options, this.#halt.signal);
    this.#running = this.#run().catch((error: unknown) => this.#fail(error));
  }

  add(customId: string, event: Event): void {
    this.#batcher.add(customId, event);
    this.#startLinger();
  }

  /** Wakes the sender for the events that were added. Resolves when there is capacity for more. */
  async waitForCapacity(): Promise<void> {
    this.#toSend.notify();
    while (this.#isFull && !this.#halt.signal.aborted) await this.#hasCapacity.wait();
  }

  /** Sends all waiting events. Resolves when everything is settled, or when the delivery failed or was halted. */
  async finish(): Promise<void> {
    this.#ended = true;
    this.#toSend.notify();
    await this.#running;
  }

  /** Removes events that still wait. They are neither sent nor settled. */
  drop(isDropped: (event: Event) => boolean): void {
    this.#batcher.drop(isDropped);
    this.#toSend.notify();
    this.#hasCapacity.notify();
  }

  /** Stops sending at once. Requests in flight are abandoned, and may have arrived. */
  halt(): void {
    clearTimeout(this.#lingerTimer);
    this.#halt.abort();
    this.#toSend.notify();
    this.#hasCapacity.notify();
  }

  /** After the delivery has ended early: how many events Batch may have stored without a response. */
  get eventsOfUnknownOutcome(): number {
    return this.#poster.eventsOfUnknownOutcome;
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
    // Taken after the wait for tokens, so that events that arrived meanwhile share the update.
    const updates = this.#batcher.take(planned, this.#options.requestBytes);
    if (updates.length < planned) route.bucket.refund(planned - updates.length);
    // They may have been dropped.
    if (updates.length === 0) return;
    this.#toFlush = Math.max(0, this.#toFlush - countEvents(updates));
    this.#startLinger();
    this.#hasCapacity.notify();
    const bytes = countJsonBytes(updates);
    this.#inFlight += 1;
    this.#bytesInFlight += bytes;
    this.#poster.post(updates, route).then(
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

  /** At most once, and for good: updates on the normal route would overtake those on the bulk route. */
  #switchToBulkRoute(): void {
    const { normal, bulk, report } = this.#options;
    if (bulk === undefined || this.#route === bulk) return;
    const seconds = this.#batcher.updates / normal.bucket.perSecond;
    if (seconds <= BACKLOG_SECONDS && !this.#isFull) return;
    this.#route = bulk;
    report.reportEndpointChange(bulk.endpoint.name, this.#batcher.events, seconds);
  }

  /**
   * Starts the timer after which all waiting events are sent. Events for a full request wait only briefly: more events of
   * their profiles may arrive, which saves updates.
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

  #fail(error: unknown): void {
    if (this.#halt.signal.aborted) return;
    this.halt();
    this.#options.onError(error);
  }
}
