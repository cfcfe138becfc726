import type { Limits } from '../batch/limits.ts';
import { ItemArena } from '../item-arena.ts';
import type { ValueKind } from './attribute-value.ts';
import { computeRowId } from './event-id.ts';
import { writeHead } from './fast-path/head-writer.ts';
import { RecordCutter } from './fast-path/record-cutter.ts';
import {
  EventRules,
  type HeadRole,
  type MappedEvent,
  type MappedRow,
  type MapperOptions,
  type ResolvedColumn,
} from './rules.ts';

export type { MappedRow } from './rules.ts';

/** What a column becomes. `name` is the name that is sent to Batch, such as `date(x)`. */
export type ColumnUse = { kind: HeadRole } | { kind: 'attribute'; name: string; valueKind: ValueKind };

/** The row of a RECORD message. */
export type Row = Record<string, unknown>;

/**
 * Maps the rows of a stream to Batch events. For most rows, RecordCutter copies the event from the bytes of the RECORD
 * message, without parsing the message. The other rows are parsed and mapped, and RecordCutter learns the layout of the
 * messages from them.
 */
export class EventMapper {
  readonly #arena: ItemArena;
  readonly #rules: EventRules;
  readonly #cutter: RecordCutter;
  /** The columns of the last row, in order. Rows of a table have the same columns, so few lookups are needed. */
  #order: ResolvedColumn[] = [];

  /** @param arena holds the events. Mappers whose events are sent together share it. */
  constructor(limits: Limits, options: Partial<MapperOptions> = {}, arena = new ItemArena()) {
    this.#arena = arena;
    this.#rules = new EventRules(limits, options);
    this.#cutter = new RecordCutter(this.#rules, arena);
  }

  /** Returns what the column with this name becomes. */
  describeColumn(column: string): ColumnUse {
    const { role } = this.#rules.resolveColumn(column);
    if (typeof role === 'string') return { kind: role };
    return { kind: 'attribute', name: role.name.jsonKey.slice(1, -2), valueKind: role.kind };
  }

  /**
   * Copies the event from the bytes of a RECORD message of this stream, without parsing the message. The bytes must be valid
   * UTF-8. Returns undefined if the row has to be parsed and mapped.
   */
  tryCut(bytes: Buffer, view: DataView, start: number, end: number): MappedEvent | undefined {
    return this.#cutter.tryCut(bytes, view, start, end);
  }

  /**
   * Maps a parsed row to an event.
   *
   * @param line the RECORD message of the row, from which RecordCutter learns the layout of the messages.
   */
  map(row: Row, line?: string): MappedRow {
    if (this.#rules.isFull) {
      this.#rules.clear();
      this.#cutter.clear();
      this.#order = [];
    }
    const names = Object.keys(row);
    if (line !== undefined) this.#cutter.learnShape(line, names);
    const { columns, issues } = this.#rules;
    issues.reset();
    const head = this.#rules.resolveHead(
      row[columns.customId],
      columns.eventName === undefined ? undefined : row[columns.eventName],
      row[columns.eventTime],
    );
    if (head.kind === 'rejected') return head;
    const attributes = this.#writeAttributes(row, names);
    const json = `${writeHead(head, attributes !== '')}${attributes}${attributes === '' ? '}' : '}}'}`;
    const [slab, start, end] = this.#arena.write(json);
    const rejected = this.#rules.finish(end - start);
    if (rejected !== undefined) return rejected;
    const event = this.#arena.commit(slab, start, end);
    const profile = this.#arena.profiles.findText(head.customId);
    return { kind: 'event', event, profile, isTimely: head.isTimely, leftOut: this.#rules.issues.leftOut };
  }

  /** Returns the attributes of a row in JSON, without the braces around them. */
  #writeAttributes(row: Row, names: readonly string[]): string {
    const { writer, idName, options } = this.#rules;
    writer.startEvent();
    let json = '';
    if (idName !== undefined) {
      // The id comes first, so that it is never the attribute that exceeds the limit.
      writer.addReserved(idName);
      json = `${idName.jsonKey}"${computeRowId(options.stream, row)}"`;
    }
    // Reading each value by its name would take longer.
    const values = Object.values(row);
    for (const [index, column] of names.entries()) {
      let resolved = this.#order[index];
      if (resolved === undefined || resolved.column !== column) {
        resolved = this.#rules.resolveColumn(column);
        this.#order[index] = resolved;
      }
      const { role } = resolved;
      const value = values[index];
      if (typeof role === 'string' || value === null) continue;
      const attribute = writer.addAttribute(value, column, role);
      if (attribute === undefined) continue;
      json += json === '' ? role.name.jsonKey : `,${role.name.jsonKey}`;
      json += attribute;
    }
    return json;
  }
}
