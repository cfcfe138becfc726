import { isJsonArray, isJsonObject, type Json, type JsonObject } from './json.ts';
import type { KeptUpdate } from './update.ts';

export type StoredEvent = {
  /** Null if the update named an installation. */
  readonly custom_id: string | null;
  /** Number in the order of arrival, from 0. */
  readonly seq: number;
  /** RFC 3339, the same for all events of a call. */
  readonly received_at: string;
  /** The event as JSON with its original digits; a million parsed events would not fit in memory. */
  readonly json: string;
};

export type Profile = {
  readonly attributes: ReadonlyMap<string, Json>;
  /** Events accepted for it. */
  readonly events: number;
  /** RFC 3339, the time of its last update. */
  readonly updated_at: string;
};

export type Selection = {
  readonly customId?: string | undefined;
  /** How many events of that id, or of all, to skip. */
  readonly offset?: number | undefined;
  readonly limit?: number | undefined;
};

/** Profiles, the newest first. */
export type ProfileSelection = {
  readonly customId?: string | undefined;
  /** A part of the custom id, in any case. */
  readonly search?: string | undefined;
  readonly offset?: number | undefined;
  readonly limit: number;
};

export type ProfilePage = {
  /** Matching profiles, on this page or not. */
  readonly matching: number;
  readonly profiles: readonly (Profile & { readonly custom_id: string })[];
};

const noAttributes: ReadonlyMap<string, Json> = new Map();

/**
 * The accepted events and profiles. An event that arrives twice is stored twice: the API documents no event id and no
 * deduplication [inferred]. The first update with a custom id creates its profile [documented: source UPD in
 * docs/batch-api.md].
 */
export class Store {
  #events: StoredEvent[] = [];
  #profiles = new Map<string, Profile>();

  add({ attributes, customId, events }: KeptUpdate, receivedAt: string): void {
    for (const json of events) {
      this.#events.push({ custom_id: customId, seq: this.#events.length, received_at: receivedAt, json });
    }
    if (customId === null) return;
    const profile = this.#profiles.get(customId);
    this.#profiles.set(customId, {
      attributes: editAttributes(profile?.attributes ?? noAttributes, attributes),
      events: (profile?.events ?? 0) + events.length,
      updated_at: receivedAt,
    });
  }

  get eventCount(): number {
    return this.#events.length;
  }

  /** By custom id, in the order in which they were created. */
  get profiles(): ReadonlyMap<string, Profile> {
    return this.#profiles;
  }

  /** Accepted events in order of arrival, as of the call: later arrivals or a reset change nothing. */
  *events({ customId, limit = Number.POSITIVE_INFINITY, offset = 0 }: Selection = {}): Generator<StoredEvent> {
    const events = this.#events;
    const end = events.length;
    let [index, skip, left] = customId === undefined ? [offset, 0, limit] : [0, offset, limit];
    for (; index < end && left > 0; index += 1) {
      const event = events[index];
      if (event === undefined || (customId !== undefined && event.custom_id !== customId)) continue;
      if (skip > 0) {
        skip -= 1;
        continue;
      }
      left -= 1;
      yield event;
    }
  }

  /** The last `count` accepted events of a profile, in order of arrival. */
  lastEvents(customId: string, count: number): readonly StoredEvent[] {
    const found: StoredEvent[] = [];
    const wanted = Math.min(count, this.#profiles.get(customId)?.events ?? 0);
    for (let index = this.#events.length - 1; index >= 0 && found.length < wanted; index -= 1) {
      const event = this.#events[index];
      if (event?.custom_id === customId) found.push(event);
    }
    return found.reverse();
  }

  profilePage({ customId, limit, offset = 0, search = '' }: ProfileSelection): ProfilePage {
    const wanted = search.toLowerCase();
    const known = customId === undefined ? [...this.#profiles.keys()].reverse() : [customId];
    const ids = known.filter((id) => this.#profiles.has(id) && id.toLowerCase().includes(wanted));
    const profiles = ids.slice(offset, offset + limit).flatMap((custom_id) => {
      const profile = this.#profiles.get(custom_id);
      return profile === undefined ? [] : { custom_id, ...profile };
    });
    return { matching: ids.length, profiles };
  }

  clear(): void {
    this.#events = [];
    this.#profiles = new Map();
  }
}

/**
 * Null deletes, `$add` and `$remove` edit an array, anything else replaces [documented: sources UPD and MASS in
 * docs/batch-api.md; sdk: source WEBSDK].
 */
function editAttributes(current: ReadonlyMap<string, Json>, edits: JsonObject): ReadonlyMap<string, Json> {
  const entries = Object.entries(edits);
  if (entries.length === 0) return current;
  const edited = new Map(current);
  for (const [key, value] of entries) {
    if (value === null) edited.delete(key);
    else edited.set(key, isJsonObject(value) ? editArray(edited.get(key), value) : value);
  }
  return edited;
}

function editArray(current: Json | undefined, edit: JsonObject): readonly Json[] {
  const added = isJsonArray(edit.$add) ? edit.$add : [];
  const removed = new Set(isJsonArray(edit.$remove) ? edit.$remove : []);
  const items = new Set([...(isJsonArray(current) ? current : []), ...added]);
  return [...items].filter((item) => !removed.has(item));
}
