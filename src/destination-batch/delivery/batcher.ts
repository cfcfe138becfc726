import type { Limits } from '../batch/limits.ts';
import type { ItemNumber } from '../byte-arena.ts';
import { Int32Table } from '../int32-table.ts';
import type { ItemArena } from '../item-arena.ts';
import type { ProfileNumber } from '../profile-table.ts';
import { AttributeMerger, type MergedRows } from './merge-attributes.ts';
import { countUpdateBytes } from './request-body.ts';

/**
 * If more profiles than this are in memory, a profile is removed once all its items are settled. Otherwise, the profile is kept,
 * because many profiles get more events later, and creating a profile again takes time.
 */
const MAX_IDLE_PROFILES = 50_000;

/** No event: the end of a list of events. */
const NONE = -1;

/**
 * The kinds of waiting items: an event that Batch is likely to refuse because of its time, another event, a row with attributes.
 */
const UNTIMELY_EVENT = 0;
const TIMELY_EVENT = 1;
const ATTRIBUTES = 2;

/** The limits of one update. */
export type UpdateLimits = Pick<Limits, 'events_per_update' | 'attributes_per_update'>;

type ItemKind = typeof UNTIMELY_EVENT | typeof TIMELY_EVENT | typeof ATTRIBUTES;

/** The columns of the table of items: the next item of the profile, and the kind of the item. */
const NEXT = 0;
const KIND = 1;
const ITEM_COLUMNS = 2;

/**
 * The columns of the table of profiles: the first and the last waiting item, the number of waiting items, and 1 if an update is in
 * flight.
 */
const FIRST = 0;
const LAST = 1;
const WAITING = 2;
const IN_FLIGHT = 3;
const PROFILE_COLUMNS = 4;

/** Events and attributes of one profile that are sent together. Batch calls this an update. */
export type Update = {
  readonly profile: ProfileNumber;
  readonly events: readonly ItemNumber[];
  /** Undefined if the update has no rows with attributes. */
  readonly attributes: MergedRows | undefined;
};

/**
 * Groups events, and rows with attributes, into updates by profile. Batch's rate limit counts updates and not events, so the same
 * events are sent faster in fewer, larger updates. A profile has at most one update in flight, so its events reach Batch in the
 * order of the stream even if several requests are in flight.
 */
export class UpdateBatcher {
  readonly #arena: ItemArena;
  readonly #limits: UpdateLimits;
  readonly #eventsPerUpdate: number;
  readonly #profileTable = new Int32Table(PROFILE_COLUMNS);
  /** The highest profile number that has had items, plus 1. */
  #profileRows = 0;
  /** The profiles that have items but no update in flight, in the order in which they became ready. */
  readonly #ready = new Queue<ProfileNumber>();
  readonly #itemTable = new Int32Table(ITEM_COLUMNS);
  #waitingItems = 0;
  /** The number of waiting items that are rows with attributes. */
  #attributeRows = 0;
  #waitingUpdates = 0;

  /** @param arena contains the items: the events, and the rows with attributes. */
  constructor(arena: ItemArena, limits: UpdateLimits) {
    this.#arena = arena;
    this.#limits = limits;
    this.#eventsPerUpdate = limits.events_per_update;
  }

  get waitingItems(): number {
    return this.#waitingItems;
  }

  /** An estimate of the number of updates for all waiting items. It counts a row with attributes like an event. */
  get waitingUpdates(): number {
    return this.#waitingUpdates;
  }

  /** The number of updates that can be taken now. */
  get readyUpdates(): number {
    return this.#ready.length;
  }

  /** @param isTimely false if Batch is likely to refuse the event because of its time. */
  add(profile: ProfileNumber, event: ItemNumber, isTimely: boolean): void {
    this.#append(profile, event, isTimely ? TIMELY_EVENT : UNTIMELY_EVENT);
  }

  /** Adds a row with attributes (see `writeAttributeRow`). */
  addAttributes(profile: ProfileNumber, row: ItemNumber): void {
    this.#append(profile, row, ATTRIBUTES);
    this.#attributeRows += 1;
  }

  #append(profile: ProfileNumber, item: ItemNumber, kind: ItemKind): void {
    const profiles = this.#profileTable;
    const items = this.#itemTable;
    profiles.reserve(profile);
    items.reserve(item);
    this.#profileRows = Math.max(this.#profileRows, profile + 1);
    const waiting = profiles.get(profile, WAITING);
    items.set(item, NEXT, NONE);
    items.set(item, KIND, kind);
    if (waiting > 0) items.set(profiles.get(profile, LAST), NEXT, item);
    else {
      profiles.set(profile, FIRST, item);
      if (profiles.get(profile, IN_FLIGHT) === 0) this.#ready.push(profile);
    }
    profiles.set(profile, LAST, item);
    if (waiting % this.#eventsPerUpdate === 0) this.#waitingUpdates += 1;
    profiles.set(profile, WAITING, waiting + 1);
    this.#waitingItems += 1;
  }

  /**
   * Takes up to `maxUpdates` updates that together fit into one request of at most `maxBytes`. Takes at least one if any is ready,
   * even if that update is larger than `maxBytes`. The profiles of these updates are then in flight.
   */
  take(maxUpdates: number, maxBytes: number): Update[] {
    const updates: Update[] = [];
    // The size of the opening bracket. The closing bracket needs no extra byte: it takes the place of the comma that is counted
    // after the last update.
    let bytes = 1;
    while (updates.length < maxUpdates) {
      const profile = this.#ready.first;
      if (profile === undefined) break;
      const update = this.#attributeRows === 0 ? this.#formEventUpdate(profile) : this.#formUpdate(profile);
      bytes += countUpdateBytes(this.#arena, update);
      if (updates.length > 0 && bytes > maxBytes) break;
      this.#ready.shift();
      this.#removeFirst(update);
      this.#profileTable.set(profile, IN_FLIGHT, 1);
      updates.push(update);
    }
    return updates;
  }

  /**
   * Returns the next update of a profile that has only events. Events that Batch is likely to refuse because of their time never
   * share an update with other events. If Batch refused some of them, its response would name only the update, and not the events.
   */
  #formEventUpdate(profile: ProfileNumber): Update {
    const items = this.#itemTable;
    const first = this.#profileTable.get(profile, FIRST);
    const kind = items.get(first, KIND);
    const most = Math.min(this.#eventsPerUpdate, this.#profileTable.get(profile, WAITING));
    let count = 1;
    let event = items.get(first, NEXT);
    for (; count < most && items.get(event, KIND) === kind; count += 1) event = items.get(event, NEXT);
    // A growing array would reserve memory for 16 more events.
    const events = new Array<ItemNumber>(count);
    event = first;
    for (let index = 0; index < count; index += 1) {
      events[index] = event;
      event = items.get(event, NEXT);
    }
    return { profile, events, attributes: undefined };
  }

  /** Returns the next update of a profile, which may also have rows with attributes. */
  #formUpdate(profile: ProfileNumber): Update {
    const events: ItemNumber[] = [];
    const merger = new AttributeMerger(this.#limits.attributes_per_update);
    let item = this.#profileTable.get(profile, FIRST);
    const isUntimely = this.#itemTable.get(item, KIND) === UNTIMELY_EVENT;
    for (let left = this.#profileTable.get(profile, WAITING); left > 0; left -= 1) {
      const kind = this.#itemTable.get(item, KIND);
      if ((kind === UNTIMELY_EVENT) !== isUntimely) break;
      if (kind === ATTRIBUTES) {
        if (!merger.add(item, this.#arena.read(item))) break;
      } else if (events.length < this.#eventsPerUpdate) events.push(item);
      else break;
      item = this.#itemTable.get(item, NEXT);
    }
    return { profile, events, attributes: merger.merged };
  }

  #removeFirst({ profile, events, attributes }: Update): void {
    const waiting = this.#profileTable.get(profile, WAITING);
    if (attributes === undefined) {
      this.#profileTable.set(profile, FIRST, this.#itemTable.get(events.at(-1) ?? NONE, NEXT));
      this.#setWaiting(profile, waiting - events.length);
      return;
    }
    const items = events.length + attributes.rows.length;
    let first = this.#profileTable.get(profile, FIRST);
    for (let index = 0; index < items; index += 1) first = this.#itemTable.get(first, NEXT);
    this.#profileTable.set(profile, FIRST, first);
    this.#setWaiting(profile, waiting - items);
    this.#attributeRows -= attributes.rows.length;
  }

  #setWaiting(profile: ProfileNumber, waiting: number): void {
    const before = this.#profileTable.get(profile, WAITING);
    this.#waitingUpdates += this.#countUpdates(waiting) - this.#countUpdates(before);
    this.#waitingItems += waiting - before;
    this.#profileTable.set(profile, WAITING, waiting);
  }

  #countUpdates(events: number): number {
    return Math.ceil(events / this.#eventsPerUpdate);
  }

  /** Removes and returns the items for which `isDropped` returns true. */
  drop(isDropped: (item: ItemNumber) => boolean): ItemNumber[] {
    const dropped: ItemNumber[] = [];
    for (let profile = 0; profile < this.#profileRows; profile += 1) {
      const waiting = this.#profileTable.get(profile, WAITING);
      const kept: ItemNumber[] = [];
      let item = this.#profileTable.get(profile, FIRST);
      for (let index = 0; index < waiting; index += 1) {
        (isDropped(item) ? dropped : kept).push(item);
        item = this.#itemTable.get(item, NEXT);
      }
      for (const [index, each] of kept.entries()) this.#itemTable.set(each, NEXT, kept[index + 1] ?? NONE);
      this.#profileTable.set(profile, FIRST, kept[0] ?? NONE);
      this.#profileTable.set(profile, LAST, kept.at(-1) ?? NONE);
      this.#setWaiting(profile, kept.length);
    }
    this.#ready.keep((profile) => this.#profileTable.get(profile, WAITING) > 0);
    this.#attributeRows -= dropped.filter((item) => this.#itemTable.get(item, KIND) === ATTRIBUTES).length;
    return dropped;
  }

  /** Marks an update as settled, so that the next items of its profile can be sent. */
  release({ profile }: Update): void {
    const { profiles } = this.#arena;
    this.#profileTable.set(profile, IN_FLIGHT, 0);
    if (this.#profileTable.get(profile, WAITING) > 0) this.#ready.push(profile);
    else if (profiles.size > MAX_IDLE_PROFILES) profiles.remove(profile);
  }
}

export function countEvents(updates: readonly Update[]): number {
  return updates.reduce((sum, { events }) => sum + events.length, 0);
}

/** Counts the events, and the rows with attributes. */
export function countItems(updates: readonly Update[]): number {
  return updates.reduce((sum, { attributes }) => sum + (attributes?.rows.length ?? 0), countEvents(updates));
}

/** Lists the events, and the rows with attributes. */
export function listItems({ events, attributes }: Update): readonly ItemNumber[] {
  return attributes === undefined ? events : [...attributes.rows, ...events];
}

/** The minimum number of items that must be removed from a queue before it copies the others into a new array. */
const MIN_SHIFTED_TO_COPY = 1024;

/**
 * A FIFO queue. It is not an array, because `shift` would move all other items on each call. With a Set, the `write` command would
 * be 5 % slower.
 */
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
