/** An event that waits to be sent, in JSON; `row` is whatever the sender needs to account for it. */
export type WaitingEvent<RowRef> = { json: string; bytes: number; isTimely: boolean; row: RowRef };

/** What Batch calls an update: events of one profile, sent together. */
export type Update<RowRef> = { customId: string; events: WaitingEvent<RowRef>[] };

type Profile<RowRef> = { events: WaitingEvent<RowRef>[]; underWay: boolean };

/** Bytes of an update around its events: `{"identifiers":{"custom_id":…},"events":[…]},`. */
const UPDATE_FRAME_BYTES = 48;

/**
 * Events that wait, by profile. Batch counts updates, not events, so the more events of a profile wait together, the
 * fewer updates they cost. A profile with an update under way is passed over until that one is settled: its events
 * reach Batch in the order of the stream, however many requests are in flight.
 */
export class WaitingEvents<RowRef> {
  readonly #eventsPerUpdate: number;
  readonly #profiles = new Map<string, Profile<RowRef>>();
  /** The profiles that an update can be made for now, in the order in which they became so. */
  readonly #ready = new Map<string, Profile<RowRef>>();
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
    return this.#ready.size;
  }

  add(customId: string, event: WaitingEvent<RowRef>): void {
    let profile = this.#profiles.get(customId);
    if (profile === undefined) {
      profile = { events: [], underWay: false };
      this.#profiles.set(customId, profile);
    }
    if (profile.events.length % this.#eventsPerUpdate === 0) this.#updates += 1;
    profile.events.push(event);
    this.#events += 1;
    this.#bytes += event.bytes;
    if (!profile.underWay) this.#ready.set(customId, profile);
  }

  /** Takes up to `maxUpdates` updates of no more than `maxBytes` together, but at least one. Each profile is then under way. */
  take(maxUpdates: number, maxBytes: number): Update<RowRef>[] {
    const updates: Update<RowRef>[] = [];
    let bytes = 0;
    for (const [customId, profile] of this.#ready) {
      if (updates.length >= maxUpdates) break;
      const events = profile.events.slice(0, this.#updateLength(profile.events));
      const eventBytes = events.reduce((sum, event) => sum + event.bytes + 1, 0);
      bytes += eventBytes + Buffer.byteLength(JSON.stringify(customId)) + UPDATE_FRAME_BYTES;
      if (updates.length > 0 && bytes > maxBytes) break;
      this.#updates -= this.#updatesFor(profile.events.length);
      profile.events.splice(0, events.length);
      this.#updates += this.#updatesFor(profile.events.length);
      profile.underWay = true;
      this.#ready.delete(customId);
      this.#events -= events.length;
      this.#bytes -= eventBytes - events.length;
      updates.push({ customId, events });
    }
    return updates;
  }

  /**
   * How many of these events go into one update. Those that Batch is likely to refuse for their time never share one with
   * others: Batch would name the update, and nobody could tell which of its events it meant.
   */
  #updateLength(events: readonly WaitingEvent<RowRef>[]): number {
    const most = Math.min(this.#eventsPerUpdate, events.length);
    let length = 1;
    while (length < most && events[length]?.isTimely === events[0]?.isTimely) length += 1;
    return length;
  }

  #updatesFor(events: number): number {
    return Math.ceil(events / this.#eventsPerUpdate);
  }

  /** The update of this profile is settled: its next events may go. */
  settled(customId: string): void {
    const profile = this.#profiles.get(customId);
    if (profile === undefined) return;
    profile.underWay = false;
    if (profile.events.length > 0) this.#ready.set(customId, profile);
    else this.#profiles.delete(customId);
  }
}
