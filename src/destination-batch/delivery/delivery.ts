import { setMaxListeners } from 'node:events';
import { Signal } from '../../shared/async.ts';
import { MAX_CALLS_IN_FLIGHT } from '../batch/api.ts';
import type { ItemNumber } from '../byte-arena.ts';
import type { ProfileNumber } from '../profile-table.ts';
import { countItems, listItems, type Update, UpdateBatcher, type UpdateLimits } from './batcher.ts';
import { type PosterOptions, UpdatePoster } from './post-updates.ts';
import type { Route } from './rate-limit.ts';

/** The maximum number of items that wait to be sent. When it or MAX_HELD_BYTES is reached, stdin is not read (backpressure). */
const MAX_WAITING_ITEMS = 20_000;

/**
 * The maximum size of the arena, in bytes. The arena holds the items that are waiting or in flight. Each byte in flight takes about
 * three bytes of memory, because it is also copied into the body of the request and into buffers of the socket.
 */
const MAX_HELD_BYTES = 16 * 1024 * 1024;

/**
 * The maximum time that updates wait for more events of the same profiles once there are enough updates to fill a request,
 * in milliseconds.
 */
const LINGER_MS = 250;

/**
 * How long the normal route may need for the waiting events, in seconds. If it needs longer, or if stdin is not read because of
 * backpressure, the waiting events are a backlog.
 */
const BACKLOG_SECONDS = 20;

export type DeliveryOptions = PosterOptions & {
  /** The route that is used until there is a backlog. */
  normal: Route;
  /** The route that is used from the first backlog on. Undefined if there is only the normal route. */
  bulk: Route | undefined;
  limits: UpdateLimits;
  requestBytes: number;
  /** The maximum time that an event waits for other events, in milliseconds. */
  maxLingerMs: number;
  /** Returns whether something other than the delivery prevents the reading of stdin until events are settled. */
  isReadingPaused: () => boolean;
  /** Called once if the delivery can't continue. */
  onError: (error: unknown) => void;
};

/**
 * Sends the events of an arena to Batch in the background, and releases them once they are settled. Batches them into requests,
 * respects the rate limit, and posts several requests at the same time.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #batcher: UpdateBatcher;
  readonly #halt = new AbortController();
  readonly #running: Promise<void>;
  #route: Route;
  readonly #poster: UpdatePoster;
  #inFlight = 0;
  #ended = false;
  /**
   * The number of items to send without waiting for more. When the timer ends, this becomes the number of all waiting
   * items: events, and rows with attributes.
   */
  #toFlush = 0;
  #lingerTimer: NodeJS.Timeout | undefined;
  /** Whether `#lingerTimer` is the short timer for a full request. */
  #isShortLinger = false;
  /** Notified when there may be something to send. */
  readonly #toSend = new Signal();
  /** Notified when there may be capacity for more events. */
  readonly #hasCapacity = new Signal();

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#route = options.normal;
    // Turns off Node's warning about many listeners. Each call in flight and each wait adds one listener, but the
    // number of calls and waits is limited.
    setMaxListeners(0, this.#halt.signal);
    this.#batcher = new UpdateBatcher(options.arena, options.limits);
    this.#poster = new UpdatePoster(options, this.#halt.signal);
    this.#running = this.#run().catch((error: unknown) => this.#fail(error));
  }

  /** @param isTimely false if Batch is likely to refuse the event because of its time. */
  add(profile: ProfileNumber, event: ItemNumber, isTimely: boolean): void {
    this.#batcher.add(profile, event, isTimely);
    this.#noteAdded();
  }

  /** Adds a row with attributes (see `writeAttributeRow`). */
  addAttributes(profile: ProfileNumber, row: ItemNumber): void {
    this.#batcher.addAttributes(profile, row);
    this.#noteAdded();
  }

  #noteAdded(): void {
    // If the timer is running, waitForCapacity decides once for many events whether to shorten it.
    if (this.#lingerTimer === undefined) this.#startLinger();
  }

  /** Wakes up the sender for the added events, and waits until there is capacity for more. Call this after each chunk of events. */
  async waitForCapacity(): Promise<void> {
    this.#startLinger();
    this.#toSend.notify();
    while (this.#hasNoCapacity && !this.#halt.signal.aborted) await this.#hasCapacity.wait();
  }

  /** Sends all waiting events. Resolves when everything is settled, or when the delivery failed or was halted. */
  async finish(): Promise<void> {
    this.#ended = true;
    this.#toSend.notify();
    await this.#running;
  }

  /** Removes the waiting items for which `isDropped` returns true. They are neither sent nor settled. */
  drop(isDropped: (item: ItemNumber) => boolean): void {
    for (const item of this.#batcher.drop(isDropped)) this.#options.arena.release(item);
    this.#toSend.notify();
    this.#hasCapacity.notify();
  }

  /** Stops sending immediately. Requests in flight are aborted, but may already have reached Batch. */
  halt(): void {
    clearTimeout(this.#lingerTimer);
    this.#halt.abort();
    this.#toSend.notify();
    this.#hasCapacity.notify();
  }

  /** After a halt, the events and rows with attributes that Batch may have stored although no response arrived. */
  get itemsOfUnknownOutcome(): ItemNumber[] {
    return this.#poster.itemsOfUnknownOutcome;
  }

  /** The number of updates that the rate limit allows now. */
  get tokensLeft(): number {
    return this.#route.bucket.tokens;
  }

  /** Whether stdin is not read until events are settled. Waiting for more events is then useless, because none arrive. */
  get #isFull(): boolean {
    return this.#hasNoCapacity || this.#options.isReadingPaused();
  }

  get #hasNoCapacity(): boolean {
    return this.#batcher.waitingItems >= MAX_WAITING_ITEMS || this.#options.arena.heldBytes >= MAX_HELD_BYTES;
  }

  get #shouldSend(): boolean {
    if (this.#batcher.readyUpdates === 0 || this.#inFlight >= MAX_CALLS_IN_FLIGHT) return false;
    return this.#ended || this.#toFlush > 0 || this.#isFull;
  }

  get #isDone(): boolean {
    return this.#ended && this.#batcher.waitingItems === 0 && this.#inFlight === 0;
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
    // The updates are taken only after the wait for tokens, so that events that arrived in the meantime join them.
    const updates = this.#batcher.take(planned, this.#options.requestBytes);
    if (updates.length < planned) route.bucket.refund(planned - updates.length);
    // All waiting events may have been dropped in the meantime.
    if (updates.length === 0) return;
    this.#toFlush = Math.max(0, this.#toFlush - countItems(updates));
    this.#startLinger();
    this.#hasCapacity.notify();
    this.#inFlight += 1;
    this.#poster.post(updates, route).then(
      () => {
        this.#inFlight -= 1;
        this.#release(updates);
        this.#toSend.notify();
        this.#hasCapacity.notify();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #release(updates: readonly Update[]): void {
    for (const update of updates) {
      this.#batcher.release(update);
      for (const item of listItems(update)) this.#options.arena.release(item);
    }
  }

  /**
   * Switches to the bulk route if there is a backlog. It never switches back, because updates on the normal route would
   * overtake updates on the bulk route.
   */
  #switchToBulkRoute(): void {
    const { normal, bulk, report } = this.#options;
    if (bulk === undefined || this.#route === bulk) return;
    const seconds = this.#batcher.waitingUpdates / normal.bucket.perSecond;
    if (seconds <= BACKLOG_SECONDS && !this.#isFull) return;
    this.#route = bulk;
    report.reportEndpointChange(bulk.endpoint.name, this.#batcher.waitingItems, seconds);
  }

  /**
   * Starts the timer after which all waiting events are sent. If there are enough updates for a full request, the timer
   * is short: its only purpose is to let more events of these profiles join the updates.
   */
  #startLinger(): void {
    if (this.#toFlush > 0 || this.#batcher.waitingItems === 0) return;
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
        this.#toFlush = this.#batcher.waitingItems;
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
