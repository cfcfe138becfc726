import { OPENING_BRACE, OPENING_BRACKET, QUOTE, startsWithAt } from '../../../shared/ascii.ts';
import type { Attribute } from '../attribute-value.ts';
import type { EventRules, HeadRole, MappedEvent } from '../rules.ts';
import { findEnvelope, isEndOfMessage } from './envelope.ts';
import { type EncodedJson, EventBuffer } from './event-buffer.ts';
import { isPlainNumber, NO_END, parseValue, skipNumber, skipPlain, skipString, skipStructure } from './json-bytes.ts';
import { isSentVerbatim } from './verbatim.ts';

/**
 * Maximum number of cached values. Columns with JSON strings often repeat their values, such as the details of a product
 * or the tags of a page. Converting one value takes as long as the rest of the row, so the results are cached. The cache
 * takes at most four megabytes.
 */
const MAX_CACHED = 4_000;
const MAX_CACHED_CHARACTERS = 500;

const LETTER_F = 0x66;
const LETTER_N = 0x6e;
const LETTER_T = 0x74;
const NULL = Buffer.from('null');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

/** A column of the rows that are copied without parsing. */
type Column = {
  /** The bytes before the value in a row: a comma (except for the first column), the column name, and a colon. */
  key: Uint8Array;
  role: HeadRole | AttributeColumn;
};

type AttributeColumn = {
  name: string;
  attribute: Attribute;
  /** The bytes that are sent before the value: a comma, the name of the attribute, and a colon. */
  jsonKey: Uint8Array;
  /** The converted values by their original bytes. Undefined for a column whose values are fast to convert. */
  cache: Map<string, EncodedJson> | undefined;
};

/**
 * Copies events from the bytes of RECORD messages, without parsing the messages. A message must look like the last one
 * that was parsed: the same bytes up to the row, and the same columns in the same order. Most values are copied as they
 * are, and the others are converted by the rules. This takes about half the time of parsing and mapping a row, and
 * yields the same event. If the event might differ, RecordCutter returns undefined, and the caller parses the message.
 */
export class RecordCutter {
  readonly #rules: EventRules;
  /** The part of a message before its row, as a string and in bytes. */
  #envelopeText = '';
  #envelope: Uint8Array = Buffer.alloc(0);
  #names: readonly string[] = [];
  #columns: readonly Column[] = [];
  #cachedCount = 0;
  readonly #event = new EventBuffer();
  #customId: unknown;
  #eventName: unknown;
  #eventTime: unknown;

  constructor(rules: EventRules) {
    this.#rules = rules;
  }

  /** Learns the layout of the next messages from a parsed row and its message. */
  learnShape(line: string, row: Record<string, unknown>): void {
    // The row id depends on all values, so each row has to be parsed.
    if (this.#rules.idName !== undefined) return;
    if (this.#envelopeText === '' || !line.startsWith(this.#envelopeText)) {
      this.#envelopeText = findEnvelope(line, this.#rules.options.stream);
      this.#envelope = Buffer.from(this.#envelopeText);
    }
    const names = Object.keys(row);
    if (names.length === this.#names.length && names.every((name, index) => name === this.#names[index])) return;
    const columns = names.map((name, index) => this.#describeColumn(name, index));
    const uses = columns.flatMap(({ role }) => (typeof role === 'string' ? [] : role.attribute.name.uses));
    // If two columns become the same attribute, their values decide which one is sent, so each row has to be parsed.
    this.#columns = new Set(uses).size === uses.length ? columns : [];
    this.#names = names;
    this.#cachedCount = 0;
  }

  /**
   * Returns the event of the message in these bytes. Returns undefined if the message has to be parsed, for example to
   * find out why its row is rejected.
   */
  tryCut(bytes: Buffer, start: number, end: number): MappedEvent | undefined {
    if (this.#columns.length === 0 || this.#envelopeText === '' || this.#rules.isFull) return undefined;
    if (!startsWithAt(bytes, this.#envelope, start)) return undefined;
    this.#startEvent();
    let offset = start + this.#envelope.length;
    for (const column of this.#columns) {
      if (!startsWithAt(bytes, column.key, offset)) return undefined;
      offset = this.#cutValue(column, bytes, offset + column.key.length);
      if (offset === NO_END) return undefined;
    }
    return isEndOfMessage(bytes, offset, end) ? this.#finishEvent() : undefined;
  }

  #startEvent(): void {
    this.#rules.issues.reset();
    this.#rules.writer.startEvent();
    this.#event.clear();
    this.#customId = undefined;
    this.#eventName = undefined;
    this.#eventTime = undefined;
  }

  #finishEvent(): MappedEvent | undefined {
    const head = this.#rules.resolveHead(this.#customId, this.#eventName, this.#eventTime);
    if (head.kind === 'rejected') return undefined;
    const json = this.#event.finish(head);
    if (json === undefined) return undefined;
    const mapped = this.#rules.finish(head, json, this.#event.byteLength);
    return mapped.kind === 'event' ? mapped : undefined;
  }

  /** Uses the value at `start`. Returns its end, or NO_END if the message has to be parsed. */
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

  /** @param isPlain whether the value is certainly valid JSON and has only plain characters. */
  #useValue({ role }: Column, bytes: Buffer, start: number, end: number, isPlain: boolean): number {
    if (end === NO_END) return NO_END;
    if (typeof role !== 'string') return this.#writeAttribute(role, bytes, start, end, isPlain) ? end : NO_END;
    if (role === 'not_sent' && isPlain) return end;
    const value = parseValue(bytes, start, end, isPlain);
    if (value === undefined) return NO_END;
    if (role === 'profile') this.#customId = value;
    else if (role === 'event_name') this.#eventName = value;
    else if (role === 'event_time') this.#eventTime = value;
    return end;
  }

  /**
   * Writes an attribute in the cheapest way: copies its value, finds it in the cache, or converts it. Returns false if
   * the message has to be parsed.
   */
  #writeAttribute(column: AttributeColumn, bytes: Buffer, start: number, end: number, isPlain: boolean): boolean {
    const { attribute, cache } = column;
    const { writer, limits } = this.#rules;
    let cacheKey: string | undefined;
    if (writer.canAdd(attribute)) {
      if (isPlain && isSentVerbatim(attribute.kind, bytes, start, end, limits)) {
        return this.#copyValue(column, bytes, start, end);
      }
      if (cache !== undefined && end - start <= MAX_CACHED_CHARACTERS) {
        cacheKey = bytes.toString('latin1', start, end);
        const cached = cache.get(cacheKey);
        if (cached !== undefined) return this.#writeCached(column, cached);
      }
    }
    const value = parseValue(bytes, start, end, isPlain);
    return value !== undefined && this.#convertValue(column, value, cacheKey);
  }

  #copyValue({ name, attribute, jsonKey }: AttributeColumn, bytes: Buffer, start: number, end: number): boolean {
    this.#rules.writer.addCopied(name, attribute);
    return this.#event.appendKey(jsonKey) && this.#event.appendPlain(bytes, start, end);
  }

  #writeCached({ name, attribute, jsonKey }: AttributeColumn, cached: EncodedJson): boolean {
    this.#rules.writer.addCopied(name, attribute);
    return this.#event.appendKey(jsonKey) && this.#event.append(cached);
  }

  /** @param cacheKey the bytes of the value, or undefined if the converted value must not be cached. */
  #convertValue(column: AttributeColumn, value: unknown, cacheKey: string | undefined): boolean {
    const { writer, issues } = this.#rules;
    const issuesBefore = issues.count;
    const json = writer.addAttribute(value, column.name, column.attribute);
    if (json === undefined) return true;
    const bytes = Buffer.from(json);
    const encoded = { bytes, isAscii: bytes.length === json.length };
    // A value that produced an issue is not cached, because the issue must be reported for every row with this value.
    if (cacheKey !== undefined && issues.count === issuesBefore) this.#cacheJson(column, cacheKey, encoded);
    return this.#event.appendKey(column.jsonKey) && this.#event.append(encoded);
  }

  #cacheJson({ cache }: AttributeColumn, cacheKey: string, encoded: EncodedJson): void {
    if (this.#cachedCount >= MAX_CACHED) {
      for (const { role } of this.#columns) if (typeof role !== 'string') role.cache?.clear();
      this.#cachedCount = 0;
    }
    cache?.set(cacheKey, encoded);
    this.#cachedCount += 1;
  }

  #describeColumn(name: string, index: number): Column {
    const key = Buffer.from(`${index === 0 ? '' : ','}${JSON.stringify(name)}:`);
    const { role } = this.#rules.resolveColumn(name);
    if (typeof role === 'string') return { key, role };
    const isCached = role.kind === 'plain' || role.kind === 'tags';
    const jsonKey = Buffer.from(`,${role.name.jsonKey}`);
    return { key, role: { name, attribute: role, jsonKey, cache: isCached ? new Map() : undefined } };
  }
}
