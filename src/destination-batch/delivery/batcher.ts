import type { EventArena, EventNumber } from '../event-arena.ts';
import type { ProfileNumber } from '../profile-table.ts';
import { countUpdateBytes } from './request-body.ts';

/**
 * The maximum number of profiles without events that are kept in memory. Many of them get more events later, and creating them
 * again would take time.
 */
const MAX_IDLE_PROFILES = 50_000;

/** No event: the end of a list of events. */
const NONE = -1;

/** Events of one profile that are sent together. Batch calls this an update. */
export type Update = { readonly profile: ProfileNumber; readonly events: readonly EventNumber[] };

/**
 * Groups events into updates by profile. Batch's rate limit counts updates and not events, so the same events are sent
 * faster in fewer, larger updates. A profile has at most one update in flight, so its events reach Batch in the order
 * of the stream even if several requests are in flight.
 */
export class UpdateBatcher {
  readonly #arena: EventArena;
  readonly #eventsPerUpdate: number;
  /** For each profile: its first and last waiting event, the number of its waiting events, and whether an update is in flight. */
  readonly #first: EventNumber[] = [];
  readonly #last: EventNumber[] = [];
  readonly #waiting: number[] = [];
  readonly #isInFlight: boolean[] = [];
  /** The profiles that have events but no update in flight, in the order in which they became ready. */
  readonly #ready = new Queue<ProfileNumber>();
  /** For each event, the next event of its profile. */
  readonly #next: EventNumber[] = [];
  /** For each event, whether Batch is likely to accept its time. */
  readonly #isTimely: boolean[] = [];
  #events = 0;
  #updates = 0;

  /** @param arena contains the events. */
  constructor(arena: EventArena, eventsPerUpdate: number) {
    this.#arena = arena;
    this.#eventsPerUpdate = eventsPerUpdate;
  }

  /** The number of waiting events. */
  get events(): number {
    return this.#events;
  }

  /** The minimum number of updates for all waiting events. */
  get updates(): number {
    return this.#updates;
  }

  /** The number of updates that can be taken now. */
  get readyUpdates(): number {
    return this.#ready.length;
  }

  /** @param isTimely false if Batch is likely to refuse the event because of its time. */
  add(profile: ProfileNumber, event: EventNumber, isTimely: boolean): void {
    const waiting = this.#waiting[profile] ?? 0;
    this.#next[event] = NONE;
    this.#isTimely[event] = isTimely;
    if (waiting > 0) this.#next[this.#last[profile] ?? NONE] = event;
    else {
      this.#first[profile] = event;
      if (this.#isInFlight[profile] !== true) this.#ready.push(profile);
    }
    this.#last[profile] = event;
    if (waiting % this.#eventsPerUpdate === 0) this.#updates += 1;
    this.#waiting[profile] = waiting + 1;
    this.#events += 1;
  }

  /**
   * Takes up to `maxUpdates` updates that together fit into one request of at most `maxBytes`. Takes at least one if any is ready, even if that
   * update is larger than `maxBytes`. The profiles of these updates are then in flight.
   */
  take(maxUpdates: number, maxBytes: number): Update[] {
    const updates: Update[] = [];
    // The size of the opening bracket. The closing bracket replaces the comma after the last update.
    let bytes = 1;
    while (updates.length < maxUpdates) {
      const profile = this.#ready.first;
      if (profile === undefined) break;
      const update = { profile, events: this.#listForUpdate(profile) };
      bytes += countUpdateBytes(this.#arena, update);
      if (updates.length > 0 && bytes > maxBytes) break;
      this.#ready.shift();
      this.#removeFirst(profile, update.events);
      this.#isInFlight[profile] = true;
      updates.push(update);
    }
    return updates;
  }

  /**
   * Returns the events for the next update. An update never mixes events that Batch is likely to refuse because of
   * their time with events that it is likely to accept. If Batch refused some of them, its response would name only the update,
   * and not the events.
   */
  #listForUpdate(profile: ProfileNumber): EventNumber[] {
    const first = this.#first[profile] ?? NONE;
    const events = [first];
    const most = Math.min(this.#eventsPerUpdate, this.#waiting[profile] ?? 0);
    let event = this.#next[first] ?? NONE;
    while (events.length < most && this.#isTimely[event] === this.#isTimely[first]) {
      events.push(event);
      event = this.#next[event] ?? NONE;
    }
    return events;
  }

  #removeFirst(profile: ProfileNumber, events: readonly EventNumber[]): void {
    this.#first[profile] = this.#next[events.at(-1) ?? NONE] ?? NONE;
    this.#count(profile, (this.#waiting[profile] ?? 0) - events.length);
  }

  #count(profile: ProfileNumber, waiting: number): void {
    const before = this.#waiting[profile] ?? 0;
    this.#updates += this.#countUpdates(waiting) - this.#countUpdates(before);
    this.#events += waiting - before;
    this.#waiting[profile] = waiting;
  }

  #countUpdates(events: number): number {
    return Math.ceil(events / this.#eventsPerUpdate);
  }

  /** Removes and returns the events for which `isDropped` returns true. */
  drop(isDropped: (event: EventNumber) => boolean): EventNumber[] {
    const dropped: EventNumber[] = [];
    for (const [profile, waiting] of this.#waiting.entries()) {
      const kept: EventNumber[] = [];
      let event = this.#first[profile] ?? NONE;
      for (let index = 0; index < waiting; index += 1) {
        (isDropped(event) ? dropped : kept).push(event);
        event = this.#next[event] ?? NONE;
      }
      for (const [index, each] of kept.entries()) this.#next[each] = kept[index + 1] ?? NONE;
      this.#first[profile] = kept[0] ?? NONE;
      this.#last[profile] = kept.at(-1) ?? NONE;
      this.#count(profile, kept.length);
    }
    this.#ready.keep((profile) => (this.#waiting[profile] ?? 0) > 0);
    return dropped;
  }

  /** Marks an update as settled, so that the next events of its profile can be sent. */
  release({ profile }: Update): void {
    const { profiles } = this.#arena;
    this.#isInFlight[profile] = false;
    if ((this.#waiting[profile] ?? 0) > 0) this.#ready.push(profile);
    else if (profiles.size > MAX_IDLE_PROFILES) profiles.remove(profile);
  }
}

export function countEvents(updates: readonly Update[]): number {
  return updates.reduce((sum, { events }) => sum + events.length, 0);
}

/** The minimum number of items that must be removed from a queue before it copies the others into a new array. */
const MIN_SHIFTED_TO_COPY = 1024;

/** A FIFO queue. An array's `shift` would move all other items on each call. Using a Set instead would make the `write` command 5 % slower. */
class Queue<T> {
  #items: T[] = [];
  #start = 0;

  get length(): number {
    return this.#items.length - this.#start;
  }

  get first(): T | undefined {
    return this.#items[this.#start];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  keep(isKept: (item: T) => boolean): void {
    this.#items = this.#items.slice(this.#start).filter(isKept);
    this.#start = 0;
  }

  shift(): void {
    this.#start += 1;
    if (this.#start < MIN_SHIFTED_TO_COPY || this.#start * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#start);
    this.#start = 0;
  }
}
