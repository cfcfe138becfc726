import {
  BACKSLASH,
  CLOSING_BRACE,
  COLON,
  COMMA,
  OPENING_BRACE,
  OPENING_BRACKET,
  QUOTE,
  SPACE,
  startsWithAt,
} from '../../../shared/ascii.ts';
import { isJsonObject, parseExact } from '../../../shared/exact-json.ts';
import type { Limits } from '../../batch/limits.ts';
import type { ValueKind } from '../attribute-value.ts';
import type { Attribute, EventRules, MappedEvent } from '../rules.ts';
import { normalizeTimestamp } from '../timestamp.ts';
import {
  isPlainNumber,
  NO_END,
  readPlainText,
  skipNumber,
  skipPlain,
  skipString,
  skipStructure,
} from './json-bytes.ts';

/** How long an event may be to be cut, in bytes: more than Batch takes by default. */
const MAX_BYTES = 64 * 1024;

/** Room before the attributes for what stands before them, which is known last: name, time and their keys. */
const HEAD_BYTES = 256;

/**
 * Columns of JSON texts repeat: the details of a product, the tags of a page. To convert one takes as long as the rest of a
 * row, so the last ones are kept, so many and so long that they take four megabytes at the most.
 */
const MAX_CACHED = 4_000;
const MAX_CACHED_CHARACTERS = 500;

const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_T = 0x74;
const NULL = Buffer.from('null');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');
/** The keys of a RECORD message that are read: one that stood twice would say another thing than its first. */
const READ_KEYS = ['type', 'record', 'stream', 'data'].map((key) => Buffer.from(`"${key}":`));
/** A slash may be escaped. */
const URL_PREFIXES = ['https://', 'https:\\/\\/', 'http://', 'http:\\/\\/'].map((prefix) => Buffer.from(prefix));
/** 1 for what most hosts begin with. */
const IS_IN_HOST = Uint8Array.from({ length: 128 }, (_, code) => Number(/[a-z0-9]/.test(String.fromCharCode(code))));
const ROW_KEY = '"data":{';

/** What a column of the rows is to an event. */
type ColumnRole = 'custom_id' | 'event_name' | 'event_time' | 'unused' | Attribute;

/** In UTF-8. */
type CachedJson = { bytes: Uint8Array; isAscii: boolean };

/** A column of the rows that are cut. */
type Column = {
  name: string;
  /** What stands before its value in a row: a comma, unless it is the first, its name and a colon. */
  key: Uint8Array;
  role: ColumnRole;
  /** What is sent before its value: a comma, the name of the attribute and a colon. */
  jsonKey: Uint8Array;
  /** What was sent for its texts, by how they were written; undefined for a column whose texts are quickly written. */
  cache: Map<string, CachedJson> | undefined;
};

/**
 * Cuts events out of the text of RECORD messages, where those look like the last one that was parsed: the same bytes up
 * to the row, and the same columns in the same order. A value that is sent as it is written is copied, without making
 * anything of it in between; others are written by the rules. It takes about half the time of parsing a row and
 * writing its event, and comes to the same: where it might not, it gives up, and the row is parsed.
 */
export class RecordCutter {
  readonly #rules: EventRules;
  /** What stands before a row in its message, as text and in bytes. */
  #envelopeText = '';
  #envelope: Uint8Array = Buffer.alloc(0);
  #names: readonly string[] = [];
  #columns: readonly Column[] = [];
  #cachedCount = 0;

  /** The event that is being written: its head ends, and its attributes begin, at HEAD_BYTES. */
  readonly #event = Buffer.allocUnsafe(HEAD_BYTES + MAX_BYTES);
  #length = 0;
  #attributes = 0;
  #object = 0;
  #isAscii = true;
  #customId: unknown;
  #eventName: unknown;
  #eventTime: unknown;

  constructor(rules: EventRules) {
    this.#rules = rules;
  }

  /** Takes the message of a row as an example of those that come. */
  learnShape(line: string, row: Record<string, unknown>): void {
    // An id takes in all of a row.
    if (this.#rules.idName !== undefined) return;
    if (this.#envelopeText === '' || !line.startsWith(this.#envelopeText)) {
      this.#envelopeText = findEnvelope(line, this.#rules.options.stream);
      this.#envelope = Buffer.from(this.#envelopeText);
    }
    const names = Object.keys(row);
    if (names.length === this.#names.length && names.every((name, index) => name === this.#names[index])) return;
    const columns = names.map((name, index) => this.#describeColumn(name, index));
    const uses = columns.flatMap(({ role }) => (typeof role === 'string' ? [] : role.name.uses));
    // Which of two columns for one attribute is sent depends on their values.
    this.#columns = new Set(uses).size === uses.length ? columns : [];
    this.#names = names;
    this.#cachedCount = 0;
  }

  /** The event of the message in these bytes; undefined when it has to be parsed, be it to tell what is wrong with it. */
  tryCut(bytes: Buffer, start: number, end: number): MappedEvent | undefined {
    if (this.#columns.length === 0 || this.#envelopeText === '' || this.#rules.isFull) return undefined;
    if (!startsWithAt(bytes, this.#envelope, start)) return undefined;
    this.#reset();
    let offset = start + this.#envelope.length;
    for (const column of this.#columns) {
      if (!startsWithAt(bytes, column.key, offset)) return undefined;
      offset = this.#cutValue(column, bytes, offset + column.key.length);
      if (offset === NO_END) return undefined;
    }
    return isEndOfMessage(bytes, offset, end) ? this.#finish() : undefined;
  }

  #reset(): void {
    this.#rules.issues.reset();
    this.#object = this.#rules.writer.startObject();
    this.#length = HEAD_BYTES;
    this.#attributes = 0;
    this.#isAscii = true;
    this.#customId = undefined;
    this.#eventName = undefined;
    this.#eventTime = undefined;
  }

  /** Takes the value at this place. Gives where it ends. */
  #cutValue(column: Column, bytes: Buffer, start: number): number {
    switch (bytes[start]) {
      case QUOTE: {
        const end = skipPlain(bytes, start + 1);
        if (bytes[end] === QUOTE) return this.#useValue(column, bytes, start, end + 1, true);
        return this.#useValue(column, bytes, start, skipString(bytes, end), false);
      }
      case LETTER_N:
        return startsWithAt(bytes, NULL, start) ? start + NULL.length : NO_END;
      case LETTER_T:
        return startsWithAt(bytes, TRUE, start)
          ? this.#useValue(column, bytes, start, start + TRUE.length, true)
          : NO_END;
      case LETTER_F:
        return startsWithAt(bytes, FALSE, start)
          ? this.#useValue(column, bytes, start, start + FALSE.length, true)
          : NO_END;
      case OPENING_BRACE:
      case OPENING_BRACKET:
        return this.#useValue(column, bytes, start, skipStructure(bytes, start), false);
      default: {
        const end = skipNumber(bytes, start);
        return this.#useValue(column, bytes, start, end, isPlainNumber(bytes, start, end));
      }
    }
  }

  /** @param isPlain whether the value is JSON for certain, and all of it plain characters. */
  #useValue(column: Column, bytes: Buffer, start: number, end: number, isPlain: boolean): number {
    if (end === NO_END) return NO_END;
    const { role } = column;
    if (typeof role !== 'string') {
      return this.#writeAttribute(column, role, bytes, start, end, isPlain) ? end : NO_END;
    }
    if (role === 'unused' && isPlain) return end;
    const value = parseValue(bytes, start, end, isPlain);
    if (value === undefined) return NO_END;
    if (role === 'custom_id') this.#customId = value;
    else if (role === 'event_name') this.#eventName = value;
    else if (role === 'event_time') this.#eventTime = value;
    return end;
  }

  /** Whether it could be done here. */
  #writeAttribute(
    column: Column,
    { name, kind, isCounted }: Attribute,
    bytes: Buffer,
    start: number,
    end: number,
    isPlain: boolean,
  ): boolean {
    const { writer, issues, limits } = this.#rules;
    const { cache } = column;
    issues.setColumn(column.name);
    const isGoodName = name.error === undefined && (!isCounted || this.#attributes < limits.attributes_per_object);
    let key: string | undefined;
    if (isGoodName) {
      if (isPlain && isSentVerbatim(kind, bytes, start, end, limits)) {
        if (name.lowerCased !== undefined) issues.addLowerCased(column.name, name);
        return this.#appendKey(column.jsonKey, isCounted) && this.#append(bytes, start, end);
      }
      if (cache !== undefined && end - start <= MAX_CACHED_CHARACTERS) {
        key = bytes.toString('latin1', start, end);
        const known = cache.get(key);
        if (known !== undefined) return this.#appendAttribute(column, known, isCounted);
      }
    }
    const value = parseValue(bytes, start, end, isPlain);
    if (value === undefined) return false;
    const issuesBefore = issues.count;
    const size = isCounted ? this.#attributes : undefined;
    const json = writer.addAttribute(
      writer.convert(value, kind, column.name),
      name,
      this.#object,
      0,
      size,
      column.name,
      undefined,
    );
    if (json === undefined) return true;
    const jsonBytes = Buffer.from(json);
    const written = { bytes: jsonBytes, isAscii: jsonBytes.length === json.length };
    // What there is something to say of is said for each row.
    if (cache !== undefined && key !== undefined && issues.count === issuesBefore) this.#cacheJson(cache, key, written);
    return this.#appendAttribute(column, written, isCounted);
  }

  /** Whether there was room, here and below. */
  #appendAttribute({ jsonKey }: Column, { bytes, isAscii }: CachedJson, isCounted: boolean): boolean {
    if (!this.#appendKey(jsonKey, isCounted) || this.#length + bytes.length > this.#event.length) return false;
    this.#event.set(bytes, this.#length);
    this.#length += bytes.length;
    if (!isAscii) this.#isAscii = false;
    return true;
  }

  #appendKey(jsonKey: Uint8Array, isCounted: boolean): boolean {
    if (isCounted) this.#attributes += 1;
    return this.#append(jsonKey, this.#length === HEAD_BYTES ? 1 : 0, jsonKey.length);
  }

  #append(bytes: Uint8Array, start: number, end: number): boolean {
    const event = this.#event;
    let to = this.#length;
    if (to + end - start > event.length) return false;
    // By hand: most values are so short that to ask the engine takes longer.
    for (let index = start; index < end; index += 1) {
      const code = bytes[index] ?? 0;
      // Of plain characters it is the escape of a slash, which needs none.
      if (code !== BACKSLASH) event[to++] = code;
    }
    this.#length = to;
    return true;
  }

  #cacheJson(cache: Map<string, CachedJson>, text: string, written: CachedJson): void {
    if (this.#cachedCount >= MAX_CACHED) {
      for (const column of this.#columns) column.cache?.clear();
      this.#cachedCount = 0;
    }
    cache.set(text, written);
    this.#cachedCount += 1;
  }

  #finish(): MappedEvent | undefined {
    const head = this.#rules.resolveHead(this.#customId, this.#eventName, this.#eventTime);
    if (head.kind === 'rejected') return undefined;
    const hasAttributes = this.#length > HEAD_BYTES;
    const text = `{"name":"${head.name}"${head.time === undefined ? '' : `,"time":"${head.time}"`}${hasAttributes ? ',"attributes":{' : ''}`;
    const from = HEAD_BYTES - text.length;
    const event = this.#event;
    if (from < 0 || this.#length + 2 > event.length) return undefined;
    event.write(text, from, 'latin1');
    let to = this.#length;
    if (hasAttributes) event[to++] = CLOSING_BRACE;
    event[to++] = CLOSING_BRACE;
    const json = this.#isAscii ? event.toString('latin1', from, to) : event.toString('utf8', from, to);
    const mapped = this.#rules.finish(head, json, to - from);
    return mapped.kind === 'event' ? mapped : undefined;
  }

  #describeColumn(name: string, index: number): Column {
    const role = this.#resolveRole(name);
    const kind = typeof role === 'string' ? undefined : role.kind;
    return {
      name,
      key: Buffer.from(`${index === 0 ? '' : ','}${JSON.stringify(name)}:`),
      role,
      jsonKey: Buffer.from(typeof role === 'string' ? '' : `,${role.name.jsonKey}`),
      cache: kind === 'plain' || kind === 'tags' ? new Map() : undefined,
    };
  }

  #resolveRole(name: string): ColumnRole {
    const { customId, eventName, eventTime } = this.#rules.columns;
    if (name === customId) return 'custom_id';
    if (name === eventName) return 'event_name';
    if (name === eventTime) return 'event_time';
    return this.#rules.resolveColumn(name).attribute ?? 'unused';
  }
}

/** What stands before the row in its message; nothing when that can't be told for certain. */
function findEnvelope(line: string, stream: string): string {
  const at = line.indexOf(ROW_KEY);
  if (at === -1) return '';
  const envelope = line.slice(0, at + ROW_KEY.length);
  try {
    // So the row is that of the record, and nothing else.
    const message: unknown = JSON.parse(`${envelope}}}}`);
    if (!isJsonObject(message) || message.type !== 'RECORD' || !isJsonObject(message.record)) return '';
    return message.record.stream === stream && isJsonObject(message.record.data) ? envelope : '';
  } catch {
    return '';
  }
}

/** Whether a row ends at this place, and its message at that one, with nothing behind the row that is read of a message. */
function isEndOfMessage(bytes: Buffer, offset: number, end: number): boolean {
  let rest = offset;
  // What may stand behind the row in the record (emitted_at), and behind the record in the message (row_hash).
  for (let level = 0; level < 2; level += 1) {
    if (bytes[rest] !== CLOSING_BRACE) return false;
    rest += 1;
    while (bytes[rest] === COMMA) {
      rest = skipUnreadMember(bytes, rest + 1);
      if (rest === NO_END) return false;
    }
  }
  return bytes[rest] === CLOSING_BRACE && rest + 1 === end;
}

/** Behind the key and the value at this place, if the value is plain and the key none of those that are read. */
function skipUnreadMember(bytes: Buffer, offset: number): number {
  if (bytes[offset] !== QUOTE || READ_KEYS.some((key) => startsWithAt(bytes, key, offset))) return NO_END;
  const keyEnd = skipPlain(bytes, offset + 1);
  if (bytes[keyEnd] !== QUOTE || bytes[keyEnd + 1] !== COLON) return NO_END;
  const value = keyEnd + 2;
  if (bytes[value] === QUOTE) {
    const end = skipPlain(bytes, value + 1);
    return bytes[end] === QUOTE ? end + 1 : NO_END;
  }
  const end = skipNumber(bytes, value);
  return isPlainNumber(bytes, value, end) ? end : NO_END;
}

/**
 * Whether a plain value is sent as it is written: a number, a boolean, or a text that is neither long, nor blank, nor may
 * be JSON, or a number where the catalog asks for one; a URL such as most are; a stamp in the form in which it is sent.
 */
function isSentVerbatim(kind: ValueKind, bytes: Buffer, start: number, end: number, limits: Limits): boolean {
  const isText = bytes[start] === QUOTE;
  switch (kind) {
    case 'plain':
    case 'text':
      return !isText || isOrdinaryText(bytes, start + 1, end - 1, limits.string_characters);
    case 'number':
      return !isText;
    case 'url':
      return isText && isOrdinaryUrl(bytes, start + 1, end - 1, limits.url_characters);
    case 'date':
    case 'date_time': {
      if (!isText) return false;
      const text = bytes.toString('latin1', start + 1, end - 1);
      return normalizeTimestamp(text) === text;
    }
    default:
      return false;
  }
}

function isOrdinaryText(bytes: Buffer, start: number, end: number, maxCharacters: number): boolean {
  if (start === end || end - start > maxCharacters) return false;
  const first = bytes[start];
  return first !== SPACE && first !== OPENING_BRACE && first !== OPENING_BRACKET;
}

/** Whether plain characters are a URL such as most are, so that the general rules need not be asked. */
function isOrdinaryUrl(bytes: Buffer, start: number, end: number, maxCharacters: number): boolean {
  if (end - start > maxCharacters) return false;
  const prefix = URL_PREFIXES.find((one) => startsWithAt(bytes, one, start));
  if (prefix === undefined || IS_IN_HOST[bytes[start + prefix.length] ?? 0] !== 1) return false;
  for (let offset = start + prefix.length; offset < end; offset += 1) if (bytes[offset] === SPACE) return false;
  return true;
}

/** What a value is; undefined when it is no JSON. */
function parseValue(bytes: Buffer, start: number, end: number, isPlain: boolean): unknown {
  if (isPlain && bytes[start] === QUOTE) return readPlainText(bytes, start + 1, end - 1);
  try {
    // In a list, as a number alone is not seen to be one.
    const list = parseExact(`[${bytes.toString('utf8', start, end)}]`);
    return Array.isArray(list) ? list[0] : undefined;
  } catch {
    return undefined;
  }
}
