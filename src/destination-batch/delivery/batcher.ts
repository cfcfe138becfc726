/** An event that waits to be sent. `bytes` is the length of its JSON in UTF-8. */
export type WaitingEvent = { json: string; bytes: number; isTimely: boolean };

/** Events of one profile that are sent together, called an update by Batch. */
export type Update<Event extends WaitingEvent> = { customId: string; customIdJson: string; events: Event[] };

type Profile<Event> = { customId: string; events: Event[]; inFlight: boolean };

/** Bytes of an update around its events: `{"identifiers":{"custom_id":…},"events":[…]},`. */
const UPDATE_FRAME_BYTES = 48;

/**
 * Groups events into updates by profile. Batch counts updates and not events, so waiting for more events of a profile
 * saves updates. A profile has at most one update in flight: its events reach Batch in the order of the stream, however
 * many requests are in flight.
 */
export class UpdateBatcher<Event extends WaitingEvent> {
  readonly #eventsPerUpdate: number;
  readonly #profiles = new Map<string, Profile<Event>>();
  /** The profiles with events and no update in flight, in the order in which they became ready. */
  readonly #ready = new Queue<Profile<Event>>();
  #events = 0;
  #bytes = 0;
  #updates = 0;

  constructor(eventsPerUpdate: number) {
    this.#eventsPerUpdate = eventsPerUpdate;
  }

  /** How many events wait. */
  get events(): number {
    return this.#events;
  }

  /** The bytes of the events that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The minimum number of updates for all of them. */
  get updates(): number {
    return this.#updates;
  }

  /** How many updates can be taken now. */
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

  /** Takes up to `maxUpdates` updates of at most `maxBytes` together, but at least one. Their profiles are then in flight. */
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
   * How many of these events go into one update. Events that Batch is likely to refuse for their time never share an
   * update with others: Batch would report the update, and not which of its events it refused.
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

  /** Removes events, as if they had not been added. */
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

  /** The update of this profile is settled, so its next events can be sent. */
  release(customId: string): void {
    const profile = this.#profiles.get(customId);
    if (profile === undefined) return;
    profile.inFlight = false;
    if (profile.events.length > 0) this.#ready.push(profile);
    else this.#profiles.delete(customId);
  }
}

/** The JSON of a request: an array of updates, with the JSON of their events as it is. */
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

/** The bytes of the events in these updates. */
export function countJsonBytes(updates: readonly Update<WaitingEvent>[]): number {
  return updates.reduce((sum, { events }) => events.reduce((bytes, event) => bytes + event.bytes, sum), 0);
}

/** The number of removed items after which a queue copies the others into a new array. */
const MAX_SHIFTED = 1024;

/** A FIFO queue. Array.shift would move all other items each time, and a Set costs 5 % of the time of `write`. */
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
    if (this.#start < MAX_SHIFTED || this.#start * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#start);
    this.#start = 0;
  }
}
