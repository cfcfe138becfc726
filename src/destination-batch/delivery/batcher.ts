/**
 * An event that waits to be sent. `bytes` is the length of its JSON in UTF-8. `isTimely` is false if Batch is likely to
 * refuse the event because of its time.
 */
export type WaitingEvent = { json: string; bytes: number; isTimely: boolean };

/** Events of one profile that are sent together. Batch calls this an update. */
export type Update<Event extends WaitingEvent> = { customId: string; customIdJson: string; events: Event[] };

type Profile<Event> = { customId: string; events: Event[]; inFlight: boolean };

/**
 * The size of an update without its id and its events, in bytes, rounded up:
 * `{"identifiers":{"custom_id":…},"events":[…]},`.
 */
const UPDATE_FRAME_BYTES = 48;

/**
 * Groups events into updates by profile. Batch's rate limit counts updates and not events, so the same events are sent
 * faster in fewer, larger updates. A profile has at most one update in flight, so its events reach Batch in the order
 * of the stream even if several requests are in flight.
 */
export class UpdateBatcher<Event extends WaitingEvent> {
  readonly #eventsPerUpdate: number;
  readonly #profiles = new Map<string, Profile<Event>>();
  /** The profiles that have events but no update in flight, in the order in which they became ready. */
  readonly #ready = new Queue<Profile<Event>>();
  #events = 0;
  #bytes = 0;
  #updates = 0;

  constructor(eventsPerUpdate: number) {
    this.#eventsPerUpdate = eventsPerUpdate;
  }

  /** The number of waiting events. */
  get events(): number {
    return this.#events;
  }

  /** The total size of the waiting events, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The minimum number of updates for all waiting events. */
  get updates(): number {
    return this.#updates;
  }

  /** The number of updates that can be taken now. */
  get readyUpdates(): number {
    return this.#ready.length;
  }

  add(customId: string, event: Event): void {
    let profile = this.#profiles.get(customId);
    if (profile === undefined) {
      profile = { customId, events: [], inFlight: false };
      this.#profiles.set(customId, profile);
    }
    const { events } = profile;
    if (events.length === 0 && !profile.inFlight) this.#ready.push(profile);
    if (events.length % this.#eventsPerUpdate === 0) this.#updates += 1;
    events.push(event);
    this.#events += 1;
    this.#bytes += event.bytes;
  }

  /**
   * Takes up to `maxUpdates` updates that have at most `maxBytes` in total. Takes at least one if any is ready, even if
   * that update is larger than `maxBytes`. The profiles of these updates are then in flight.
   */
  take(maxUpdates: number, maxBytes: number): Update<Event>[] {
    const updates: Update<Event>[] = [];
    let bytes = 0;
    while (updates.length < maxUpdates) {
      const profile = this.#ready.first;
      if (profile === undefined) break;
      const { customId } = profile;
      const customIdJson = JSON.stringify(customId);
      const length = this.#countForUpdate(profile.events);
      let eventBytes = 0;
      for (let index = 0; index < length; index += 1) eventBytes += profile.events[index]?.bytes ?? 0;
      bytes += eventBytes + length + Buffer.byteLength(customIdJson) + UPDATE_FRAME_BYTES;
      if (updates.length > 0 && bytes > maxBytes) break;
      this.#ready.shift();
      profile.inFlight = true;
      const events = profile.events;
      profile.events = length === events.length ? [] : events.splice(length);
      this.#updates +=
        this.#countUpdates(profile.events.length) - this.#countUpdates(events.length + profile.events.length);
      this.#events -= length;
      this.#bytes -= eventBytes;
      updates.push({ customId, customIdJson, events });
    }
    return updates;
  }

  /**
   * Returns how many of these events go into the next update. Events that Batch is likely to refuse because of their
   * time never share an update with other events, because Batch would name only the update, and not the events that it
   * refused.
   */
  #countForUpdate(events: readonly Event[]): number {
    const most = Math.min(this.#eventsPerUpdate, events.length);
    let length = 1;
    while (length < most && events[length]?.isTimely === events[0]?.isTimely) length += 1;
    return length;
  }

  #countUpdates(events: number): number {
    return Math.ceil(events / this.#eventsPerUpdate);
  }

  /** Removes the events for which `isDropped` returns true, as if they had not been added. */
  drop(isDropped: (event: Event) => boolean): void {
    for (const [customId, profile] of this.#profiles) {
      const { events } = profile;
      profile.events = [];
      for (const event of events) {
        if (!isDropped(event)) profile.events.push(event);
        else this.#bytes -= event.bytes;
      }
      const left = profile.events.length;
      this.#events -= events.length - left;
      this.#updates += this.#countUpdates(left) - this.#countUpdates(events.length);
      if (left > 0) continue;
      if (!profile.inFlight) this.#profiles.delete(customId);
    }
    this.#ready.keep((profile) => profile.events.length > 0);
  }

  /** Marks the update of this profile as settled, so that the next events of the profile can be sent. */
  release(customId: string): void {
    const profile = this.#profiles.get(customId);
    if (profile === undefined) return;
    profile.inFlight = false;
    if (profile.events.length > 0) this.#ready.push(profile);
    else this.#profiles.delete(customId);
  }
}

/** Returns the JSON of a request, which is an array of updates. The JSON of each event is inserted unchanged. */
export function buildRequestBody(updates: Update<WaitingEvent>[]): string {
  let body = '[';
  for (const { customIdJson, events } of updates) {
    body += `${body.length > 1 ? ',' : ''}{"identifiers":{"custom_id":${customIdJson}},"events":[`;
    for (let index = 0; index < events.length; index += 1) {
      if (index > 0) body += ',';
      body += events[index]?.json ?? '';
    }
    body += ']}';
  }
  return `${body}]`;
}

export function countEvents(updates: readonly Update<WaitingEvent>[]): number {
  return updates.reduce((sum, { events }) => sum + events.length, 0);
}

/** Returns the total size of the events in these updates, in bytes. */
export function countJsonBytes(updates: readonly Update<WaitingEvent>[]): number {
  return updates.reduce((sum, { events }) => events.reduce((bytes, event) => bytes + event.bytes, sum), 0);
}

/** The minimum number of items that must be removed from a queue before it copies the others into a new array. */
const MIN_SHIFTED_TO_COPY = 1024;

/**
 * A FIFO queue. An array's `shift` would move all other items on each call. With a Set, `write` takes 5 % longer.
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
