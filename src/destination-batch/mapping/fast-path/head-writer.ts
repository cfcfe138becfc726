import { QUOTE, SPACE, startsWithAt } from '../../../shared/ascii.ts';
import { BytePattern } from '../../../shared/byte-pattern.ts';
import { PLACEHOLDER_CUSTOM_IDS } from '../../batch/limits.ts';
import type { Slab } from '../../byte-arena.ts';
import type { ProfileNumber, ProfileTable } from '../../profile-table.ts';
import { mayBePlaceholder } from '../custom-id.ts';
import type { EventHead, EventRules } from '../rules.ts';
import { NO_END, parseValue, skipInteger, skipUnescapedAscii } from './json-bytes.ts';
import { TimestampReader } from './timestamp-bytes.ts';

/** The maximum number of cached event names. */
const MAX_NAMES = 100;

/** The length of the longest placeholder. A longer id can't be one. */
const LONGEST_PLACEHOLDER = Math.max(...[...PLACEHOLDER_CUSTOM_IDS].map((word) => word.length));

const TIME_KEY = new BytePattern(',"time":');
const ATTRIBUTES_KEY = new BytePattern(',"attributes":{');
const NULL = Buffer.from('null');

/** The bytes of a value, with its quotes. `end` is NO_END if the row does not contain the value. */
export type Span = { start: number; end: number };

/** An event name that was seen before: its bytes including the quotes, and how every event with this name begins. */
type KnownName = { quoted: BytePattern; head: BytePattern };

/**
 * Writes the beginning of an event, with the name and the time from the bytes of their values, and finds its profile.
 * Unusual values are left to the rules.
 */
export class HeadWriter {
  readonly spans = {
    profile: { start: 0, end: NO_END },
    event_name: { start: 0, end: NO_END },
    event_time: { start: 0, end: NO_END },
  };
  /** After `write`: whether Batch is likely to accept the time. */
  isTimely = true;
  /** After `write`: the id of the profile, or undefined if its JSON can be used as it is in the row. */
  #customId: string | undefined;
  readonly #rules: EventRules;
  readonly #constantName: KnownName | undefined;
  readonly #timestamps = new TimestampReader();
  #names: KnownName[] = [];

  constructor(rules: EventRules) {
    this.#rules = rules;
    const { constantName: constant } = rules;
    const isConstant = rules.columns.eventName === undefined && constant !== undefined && rules.isEventName(constant);
    this.#constantName = isConstant ? createName(constant) : undefined;
  }

  /** Forgets the values of the last row. */
  clear(): void {
    this.spans.profile.end = NO_END;
    this.spans.event_name.end = NO_END;
    this.spans.event_time.end = NO_END;
  }

  /**
   * Writes the beginning of the event, up to its attributes, so that this part ends at `end`. At least `room` bytes before `end`
   * are free.
   *
   * @param hasAttributes whether attributes follow. Otherwise, the caller writes the closing brace of the event at `end`.
   * @returns where the event begins in the slab, or NO_END if the row has to be parsed, for example because it is rejected.
   */
  write(
    source: Buffer,
    sourceView: DataView,
    { bytes, view }: Slab,
    end: number,
    room: number,
    hasAttributes: boolean,
  ): number {
    const isUsualId = this.#readCustomId(source, sourceView);
    const known = this.#readName(source, sourceView);
    const isTime = this.#readTime(source);
    if (!isUsualId || known === undefined || !isTime)
      return this.#writeResolved(source, bytes, end, room, hasAttributes);
    const time = this.spans.event_time;
    const timeLength = time.end === NO_END ? 0 : TIME_KEY.length + time.end - time.start;
    const length = known.head.length + timeLength + (hasAttributes ? ATTRIBUTES_KEY.length : 0);
    if (length > room) return NO_END;
    const start = end - length;
    let to = known.head.write(view, start);
    if (time.end !== NO_END) {
      to = TIME_KEY.write(view, to);
      for (let from = time.start; from < time.end; from += 1) bytes[to++] = source[from] ?? 0;
    }
    if (hasAttributes) ATTRIBUTES_KEY.write(view, to);
    return start;
  }

  /** Returns the profile of the event. Call this after `write`. */
  findProfile(source: Buffer, view: DataView, profiles: ProfileTable): ProfileNumber {
    const { start, end } = this.spans.profile;
    return this.#customId === undefined ? profiles.find(source, view, start, end) : profiles.findText(this.#customId);
  }

  /**
   * Reads the id. Returns true if it needs no further check, because it is an integer, or unescaped ASCII that is neither blank nor
   * a placeholder.
   */
  #readCustomId(source: Buffer, view: DataView): boolean {
    const { start, end } = this.spans.profile;
    const { custom_id_characters: maxLength } = this.#rules.limits;
    this.#customId = undefined;
    if (end === NO_END) return false;
    if (source[start] !== QUOTE) {
      if (end - start > maxLength || skipInteger(source, start) !== end) return false;
      this.#customId = source.toString('latin1', start, end);
      return this.#customId !== '-0';
    }
    const length = end - start - 2;
    if (length <= LONGEST_PLACEHOLDER && mayBePlaceholder(source[start + 1] ?? 0)) return false;
    if ((source[start + 1] ?? 0) <= SPACE || length > maxLength) return false;
    return length > 0 && skipUnescapedAscii(source, view, start + 1, end) === end - 1;
  }

  #readName(source: Buffer, view: DataView): KnownName | undefined {
    if (this.#constantName !== undefined) return this.#constantName;
    const { start, end } = this.spans.event_name;
    for (const known of this.#names) {
      if (known.quoted.length === end - start && known.quoted.matches(view, start, end)) return known;
    }
    if (end === NO_END || source[start] !== QUOTE || this.#names.length >= MAX_NAMES) return undefined;
    const name = source.toString('latin1', start + 1, end - 1);
    if (!this.#rules.isEventName(name)) return undefined;
    const known = createName(name);
    this.#names.push(known);
    return known;
  }

  /** Returns true if there is no time, or if the time is sent unchanged. Sets `isTimely`. */
  #readTime(source: Buffer): boolean {
    this.isTimely = true;
    const time = this.spans.event_time;
    if (time.end === NO_END) return true;
    if (source[time.start] !== QUOTE) {
      if (time.end - time.start !== NULL.length || !startsWithAt(source, NULL, time.start)) return false;
      time.end = NO_END;
      return true;
    }
    const ms = this.#timestamps.read(source, time.start + 1, time.end - 1);
    if (Number.isNaN(ms)) return false;
    const timeliness = this.#rules.checkAge(this.#rules.ageOf(ms));
    this.isTimely = timeliness === 'timely';
    return timeliness !== 'not_sent';
  }

  #writeResolved(source: Buffer, target: Buffer, end: number, room: number, hasAttributes: boolean): number {
    const id = readSpan(source, this.spans.profile);
    const name = readSpan(source, this.spans.event_name);
    const time = readSpan(source, this.spans.event_time);
    if (id === undefined || name === undefined || time === undefined) return NO_END;
    const head = this.#rules.resolveHead(id, name, time);
    if (head.kind === 'rejected') return NO_END;
    const json = writeHead(head, hasAttributes);
    if (json.length > room) return NO_END;
    target.write(json, end - json.length, 'latin1');
    this.#customId = head.customId;
    this.isTimely = head.isTimely;
    return end - json.length;
  }
}

/** Returns the JSON of an event up to its attributes, or up to its closing brace if it has none. */
export function writeHead({ name, time }: EventHead, hasAttributes: boolean): string {
  return `{"name":"${name}"${time === undefined ? '' : `,"time":"${time}"`}${hasAttributes ? ',"attributes":{' : ''}`;
}

/** Returns the value, null if the row does not contain it, or undefined if it is not valid JSON. */
function readSpan(source: Buffer, { start, end }: Span): unknown {
  return end === NO_END ? null : parseValue(source, start, end);
}

function createName(name: string): KnownName {
  return { quoted: new BytePattern(`"${name}"`), head: new BytePattern(`{"name":"${name}"`) };
}
