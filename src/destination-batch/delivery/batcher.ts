/** An event that waits to be sent, in JSON, of so many bytes in UTF-8; with it comes whatever its row is accounted for by. */
export type WaitingEvent = { json: string; bytes: number; isTimely: boolean };

/** What Batch calls an update: events of one profile, sent together. */
export type Update<Event extends WaitingEvent> = { customId: string; customIdJson: string; events: Event[] };

type Profile<Event> = { customId: string; events: Event[]; inFlight: boolean };

/** Bytes of an update around its events: `{"identifiers":{"custom_id":…},"events":[…]},`. */
const UPDATE_FRAME_BYTES = 48;

/**
 * Events that wait, by profile. Batch counts updates, not events, so the more events of a profile wait together, the
 * fewer updates they cost. A profile with an update under way is passed over until that one is settled: its events
 * reach Batch in the order of the stream, however many requests are in flight.
 */
export class UpdateBatcher<Event extends WaitingEvent> {
  readonly #eventsPerUpdate: number;
  readonly #profiles = new Map<string, Profile<Event>>();
  /** The profiles that an update can be made for now, in the order in which they became so. */
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

  /** The fewest updates that all of them fit into. */
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

  /** Takes up to `maxUpdates` updates of no more than `maxBytes` together, but at least one. Each profile is then under way. */
  take(maxUpdates: number, maxBytes: number): Update<Event>[] {
    const updates: Update<Event>[] = [];
    let bytes = 0;
    while (updates.length < maxUpdates) {
      const profile = this.#ready.first;
      if (profile === undefined) break;
      const { customId } = profile;
      const customIdJson = JSON.stringify(customId);
      const length = this.#updateLength(profile.events);
      let eventBytes = 0;
      for (let index = 0; index < length; index += 1) eventBytes += profile.events[index]?.bytes ?? 0;
      bytes += eventBytes + length + Buffer.byteLength(customIdJson) + UPDATE_FRAME_BYTES;
      if (updates.length > 0 && bytes > maxBytes) break;
      this.#ready.shift();
      profile.inFlight = true;
      const events = profile.events;
      profile.events = length === events.length ? [] : events.splice(length);
      this.#updates +=
        this.#updatesFor(profile.events.length) - this.#updatesFor(events.length + profile.events.length);
      this.#events -= length;
      this.#bytes -= eventBytes;
      updates.push({ customId, customIdJson, events });
    }
    return updates;
  }

  /**
   * How many of these events go into one update. Those that Batch is likely to refuse for their time never share one with
   * others: Batch would name the update, and nobody could tell which of its events it meant.
   */
  #updateLength(events: readonly Event[]): number {
    const most = Math.min(this.#eventsPerUpdate, events.length);
    let length = 1;
    while (length < most && events[length]?.isTimely === events[0]?.isTimely) length += 1;
    return length;
  }

  #updatesFor(events: number): number {
    return Math.ceil(events / this.#eventsPerUpdate);
  }

  /** Lets go of the events that this is true of, as if they had not been added. */
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
      this.#updates += this.#updatesFor(left) - this.#updatesFor(events.length);
      if (left === 0 && !profile.inFlight) this.#profiles.delete(customId);
    }
    this.#ready.keep((profile) => profile.events.length > 0);
  }

  /** The update of this profile is settled: its next events may go. */
  release(customId: string): void {
    const profile = this.#profiles.get(customId);
    if (profile === undefined) return;
    profile.inFlight = false;
    if (profile.events.length > 0) this.#ready.push(profile);
    else this.#profiles.delete(customId);
  }
}

/** First in, first out. An array alone would move all that is left at each shift. */
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
    if (this.#start < MOST_SHIFTED || this.#start * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#start);
    this.#start = 0;
  }
}

/** Places at the start of a queue that are empty before it is made anew. */
const MOST_SHIFTED = 1024;
