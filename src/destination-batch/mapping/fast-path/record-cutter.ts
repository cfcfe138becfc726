import { CLOSING_BRACE } from '../../../shared/ascii.ts';
import { BytePattern, viewOf } from '../../../shared/byte-pattern.ts';
import { MOST_OVERWRITTEN_BYTES } from '../../../shared/byte-words.ts';
import type { ItemArena } from '../../item-arena.ts';
import type { Attribute } from '../attribute-value.ts';
import type { EventRules, MappedEvent } from '../rules.ts';
import { findEnvelope, MessageEnd } from './envelope.ts';
import { HeadWriter, type Span } from './head-writer.ts';
import { NO_END, parseValue, skipValidValue, skipValue } from './json-bytes.ts';
import type { JsonCopier } from './json-copier.ts';

/** Bytes reserved for the event's name and time. They come before the attributes, but are written last. */
const HEAD_BYTES = 160;

/** Bytes reserved for values that the rules make longer, such as a date that becomes a timestamp. */
const SPARE_BYTES = 1024;

/** Bytes reserved for the parts of an event that a row doesn't have: a comma and two braces. */
const END_BYTES = 3;

/** The maximum size of a message, in bytes. For a longer one, too much of the arena would be reserved. */
const MAX_MESSAGE_BYTES = 32 * 1024;

/** What a column contains. */
type Role =
  /** The profile, the name or the time of the event. The offsets of the value are stored in `span`. */
  | { kind: 'head'; span: Span }
  | { kind: 'not_sent' }
  /** `jsonKey` is what is sent before the value: a comma, the name of the attribute, and a colon. */
  | { kind: 'attribute'; column: string; attribute: Attribute; jsonKey: BytePattern };

/** `key` is what precedes the value in a row: a comma (except for the first column), the column name, and a colon. */
type Column = { key: BytePattern; role: Role };

/**
 * Copies events from the bytes of RECORD messages, without parsing the messages. A message must look like the messages that were
 * parsed: the same bytes up to the row, and the same columns in the same order. JsonCopier copies the values, and the rules convert
 * those that it doesn't copy. The result is the same as if the row had been parsed and mapped. If it might differ, RecordCutter
 * returns undefined, and the caller parses the message.
 */
export class RecordCutter {
  readonly #rules: EventRules;
  readonly #arena: ItemArena;
  readonly #copier: JsonCopier;
  readonly #head: HeadWriter;
  readonly #end = new MessageEnd();
  /** The part of a message before its row. */
  #envelope = new BytePattern('');
  /** Whether the last message began with the envelope. */
  #hasEnvelope = false;
  /** A view of the bytes of the message. */
  #view = viewOf(Buffer.alloc(0));
  #names: readonly string[] = [];
  #columns: readonly Column[] = [];
  /** The columns of the last parsed row, if they differ from the learned columns. */
  #lastNames: readonly string[] = [];

  constructor(rules: EventRules, arena: ItemArena) {
    this.#rules = rules;
    this.#arena = arena;
    this.#copier = rules.writer.createCopier();
    this.#head = new HeadWriter(rules);
  }

  /** Forgets what was learned. Call this when the rules forget the columns. */
  clear(): void {
    this.#names = [];
    this.#lastNames = [];
    this.#columns = [];
    this.#copier.clear();
  }

  /**
   * Learns the layout of the next messages from a parsed message and the columns of its row. Rows that alternate between
   * layouts are all parsed, because learning takes longer than parsing.
   */
  learnShape(line: string, names: readonly string[]): void {
    // The row id depends on all values, so each row has to be parsed.
    if (this.#rules.idName !== undefined) return;
    if (!this.#hasEnvelope) {
      this.#envelope = new BytePattern(findEnvelope(line, this.#rules.options.stream));
    }
    if (isEqual(names, this.#names)) return;
    if (this.#names.length > 0 && !isEqual(names, this.#lastNames)) {
      this.#lastNames = names;
      return;
    }
    const columns = names.map((name, index) => this.#describeColumn(name, index));
    const uses = columns.flatMap(({ role }) => (role.kind === 'attribute' ? [role.attribute.name.uses] : []));
    // If two columns become the same attribute, their values decide which one is sent, so each row has to be parsed.
    this.#columns = new Set(uses).size === uses.length ? columns : [];
    this.#names = names;
  }

  /**
   * Returns the event of the message in these bytes, which must be valid UTF-8. Returns undefined if the message has to be
   * parsed, for example to find out why its row is rejected.
   *
   * @param view a view of the bytes.
   */
  tryCut(bytes: Buffer, view: DataView, start: number, end: number): MappedEvent | undefined {
    const columns = this.#columns;
    if (this.#rules.isFull || end - start > MAX_MESSAGE_BYTES) return undefined;
    this.#view = view;
    this.#hasEnvelope = this.#envelope.length > 0 && this.#envelope.matches(view, start, end);
    if (!this.#hasEnvelope || columns.length === 0) return undefined;
    const slab = this.#arena.reserve(HEAD_BYTES + end - start + SPARE_BYTES + END_BYTES + MOST_OVERWRITTEN_BYTES);
    const attributesFrom = slab.used + HEAD_BYTES;
    const copier = this.#copier;
    copier.start(view, end, slab, attributesFrom, SPARE_BYTES);
    this.#rules.issues.reset();
    this.#rules.writer.startEvent();
    this.#head.clear();
    let offset = start + this.#envelope.length;
    for (let index = 0; index < columns.length; index += 1) {
      const column = columns[index];
      if (column === undefined || !column.key.matches(view, offset, end)) return undefined;
      offset = this.#cutValue(column.role, bytes, offset + column.key.length, end);
      if (offset === NO_END) return undefined;
    }
    if (!this.#end.isValid(bytes, view, offset, end)) return undefined;

    const hasAttributes = copier.to > attributesFrom;
    if (hasAttributes) slab.bytes[copier.to++] = CLOSING_BRACE;
    // The last byte of the head replaces the comma before the first attribute.
    const headEnd = hasAttributes ? attributesFrom + 1 : attributesFrom;
    const eventStart = this.#head.write(bytes, view, slab, headEnd, HEAD_BYTES, hasAttributes);
    if (eventStart === NO_END) return undefined;
    slab.bytes[copier.to++] = CLOSING_BRACE;
    if (this.#rules.finish(copier.to - eventStart) !== undefined) return undefined;
    const event = this.#arena.commit(slab, eventStart, copier.to);
    // The profile is added only now, because a profile without events would never be removed.
    const profile = this.#head.findProfile(bytes, view, this.#arena.profiles);
    return { kind: 'event', event, profile, isTimely: this.#head.isTimely, leftOut: this.#rules.issues.leftOut };
  }

  /**
   * Handles the value at `start` of a message that ends at `end`. Returns the end of the value, or NO_END if the message has to be
   * parsed.
   */
  #cutValue(role: Role, bytes: Buffer, start: number, end: number): number {
    switch (role.kind) {
      case 'attribute':
        return this.#cutAttribute(role, bytes, start, end);
      case 'head':
        role.span.start = start;
        role.span.end = skipValue(bytes, this.#view, start, end);
        return role.span.end;
      case 'not_sent':
        return skipValidValue(bytes, this.#view, start, end);
    }
  }

  #cutAttribute(
    { column, attribute, jsonKey }: Extract<Role, { kind: 'attribute' }>,
    bytes: Buffer,
    start: number,
    messageEnd: number,
  ): number {
    const copier = this.#copier;
    const { writer } = this.#rules;
    const outputStart = copier.to;
    if (writer.canAdd(attribute)) {
      copier.write(jsonKey);
      const valueOutputStart = copier.to;
      const end = copier.copyColumn(attribute.kind, bytes, start, attribute.members);
      if (end !== NO_END) {
        if (copier.to === valueOutputStart) copier.to = outputStart;
        else writer.addCopied(column, attribute);
        return end;
      }
      copier.to = outputStart;
    }
    const end = skipValue(bytes, this.#view, start, messageEnd);
    const value = end === NO_END ? undefined : parseValue(bytes, start, end);
    if (value === undefined) return NO_END;
    const json = writer.addAttribute(value, column, attribute);
    if (json === undefined) return end;
    copier.write(jsonKey);
    return copier.writeText(json, end - start) ? end : NO_END;
  }

  #describeColumn(name: string, index: number): Column {
    const key = new BytePattern(`${index === 0 ? '' : ','}${JSON.stringify(name)}:`);
    const { role } = this.#rules.resolveColumn(name);
    if (role === 'not_sent') return { key, role: { kind: role } };
    if (typeof role === 'string') return { key, role: { kind: 'head', span: this.#head.spans[role] } };
    const jsonKey = new BytePattern(`,${role.name.jsonKey}`);
    return { key, role: { kind: 'attribute', column: name, attribute: role, jsonKey } };
  }
}

function isEqual(names: readonly string[], others: readonly string[]): boolean {
  return names.length === others.length && names.every((name, index) => name === others[index]);
}
