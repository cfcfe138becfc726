import type { KeptEvent } from './event.ts';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from './json.ts';
import type { KeptUpdate } from './update.ts';

/** A million parsed events would not fit in memory, so an event is kept as JSON. */
export type StoredEvent = KeptEvent & {
  /** Null if the update named an installation. */
  readonly custom_id: string | null;
  /** Number in the order of arrival, from 0. */
  readonly seq: number;
  /** RFC 3339, the same for all events of a call. */
  readonly received_at: string;
};

export type Profile = {
  readonly attributes: ReadonlyMap<string, Json>;
  /** Events accepted for it. */
  readonly events: number;
  /** RFC 3339, the time of its last update. */
  readonly updated_at: string;
};

/** The accepted events with one name. */
export type EventCount = {
  readonly name: string;
  readonly count: number;
  /** RFC 3339, when the last one arrived. */
  readonly last_received_at: string;
};

/** Which events; those of all profiles and names if nothing is given. */
export type EventFilter = {
  readonly customId?: string | undefined;
  readonly name?: string | undefined;
};

export type Selection = EventFilter & {
  /** How many of these events to skip. */
  readonly offset?: number | undefined;
  readonly limit?: number | undefined;
};

/** Profiles, the newest first; with a search, the closest matches first. */
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
  readonly #counts = new Map<string, EventCount>();

  add({ attributes, customId, events }: KeptUpdate, receivedAt: string): void {
    for (const { json, name } of events) {
      this.#events.push({ custom_id: customId, seq: this.#events.length, received_at: receivedAt, name, json });
      const count = (this.#counts.get(name)?.count ?? 0) + 1;
      this.#counts.set(name, { name, count, last_received_at: receivedAt });
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

  /** How many events there are of each name, the most frequent first. */
  get eventCounts(): readonly EventCount[] {
    return [...this.#counts.values()].toSorted((a, b) => b.count - a.count);
  }

  /** Accepted events in order of arrival, as of the call: later arrivals or a reset change nothing. */
  *events({ limit = Number.POSITIVE_INFINITY, offset = 0, ...filter }: Selection = {}): Generator<StoredEvent> {
    const events = this.#events;
    const end = events.length;
    const isFiltered = filter.customId !== undefined || filter.name !== undefined;
    let [index, skip, left] = isFiltered ? [0, offset, limit] : [offset, 0, limit];
    for (; index < end && left > 0; index += 1) {
      const event = events[index];
      if (event === undefined || !isMatch(event, filter)) continue;
      if (skip > 0) {
        skip -= 1;
        continue;
      }
      left -= 1;
      yield event;
    }
  }

  /** The last `count` accepted events, in order of arrival. */
  lastEvents(count: number, filter: EventFilter = {}): readonly StoredEvent[] {
    const found: StoredEvent[] = [];
    const wanted = Math.min(count, this.#countAtMost(filter));
    for (let index = this.#events.length - 1; index >= 0 && found.length < wanted; index -= 1) {
      const event = this.#events[index];
      if (event !== undefined && isMatch(event, filter)) found.push(event);
    }
    return found.reverse();
  }

  profilePage({ customId, limit, offset = 0, search = '' }: ProfileSelection): ProfilePage {
    const known = customId === undefined ? [...this.#profiles.keys()].reverse() : [customId];
    const ids = matchesFirst(
      known.filter((id) => this.#profiles.has(id)),
      search,
    );
    const profiles = ids.slice(offset, offset + limit).flatMap((custom_id) => {
      const profile = this.#profiles.get(custom_id);
      return profile === undefined ? [] : { custom_id, ...profile };
    });
    return { matching: ids.length, profiles };
  }

  clear(): void {
    this.#events = [];
    this.#profiles = new Map();
    this.#counts.clear();
  }

  /** A search from the end can stop after as many events as there can be. */
  #countAtMost({ customId, name }: EventFilter): number {
    return Math.min(
      customId === undefined ? this.#events.length : (this.#profiles.get(customId)?.events ?? 0),
      name === undefined ? this.#events.length : (this.#counts.get(name)?.count ?? 0),
    );
  }
}

function isMatch(event: StoredEvent, { customId, name }: EventFilter): boolean {
  return (customId === undefined || event.custom_id === customId) && (name === undefined || event.name === name);
}

/** Keeps the ids that contain the text: first the id that is the text, then those that begin with it. */
function matchesFirst(ids: readonly string[], text: string): readonly string[] {
  if (text === '') return ids;
  const wanted = text.toLowerCase();
  const ranks: [equal: string[], similar: string[], beginning: string[], others: string[]] = [[], [], [], []];
  for (const id of ids) {
    const lower = id.toLowerCase();
    if (id === text) ranks[0].push(id);
    else if (lower === wanted) ranks[1].push(id);
    else if (lower.startsWith(wanted)) ranks[2].push(id);
    else if (lower.includes(wanted)) ranks[3].push(id);
  }
  return ranks.flat();
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
