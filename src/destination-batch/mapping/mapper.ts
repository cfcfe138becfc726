import type { Limits } from '../batch/limits.ts';
import type { ValueKind } from './attribute-value.ts';
import { computeRowId } from './event-id.ts';
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

/** What a column becomes. The `name` is the one that is sent, such as `date(x)`. */
export type ColumnUse = { kind: HeadRole } | { kind: 'attribute'; name: string; valueKind: ValueKind };

/** The row of a RECORD message. */
export type Row = Record<string, unknown>;

/**
 * Maps the rows of a stream to Batch events. Most events are cut out of the bytes of their message. The other rows are
 * parsed and mapped, and the cutter learns from them what the messages of the stream look like.
 */
export class EventMapper {
  readonly #rules: EventRules;
  readonly #cutter: RecordCutter;
  /** The columns of the last row, in order. Rows of a table have the same columns, so few lookups are needed. */
  #order: ResolvedColumn[] = [];

  constructor(limits: Limits, options: Partial<MapperOptions> = {}) {
    this.#rules = new EventRules(limits, options);
    this.#cutter = new RecordCutter(this.#rules);
  }

  /** What a column becomes, by its name. */
  describeColumn(column: string): ColumnUse {
    const { role } = this.#rules.resolveColumn(column);
    if (typeof role === 'string') return { kind: role };
    return { kind: 'attribute', name: role.name.jsonKey.slice(1, -2), valueKind: role.kind };
  }

  /**
   * Cuts the event out of a RECORD message of this stream. Returns undefined when the row has to be parsed and mapped.
   */
  tryCut(bytes: Buffer, start: number, end: number): MappedEvent | undefined {
    return this.#cutter.tryCut(bytes, start, end);
  }

  /** @param line the message of the row; the cutter learns its shape. */
  map(row: Row, line?: string): MappedRow {
    if (this.#rules.isFull) {
      this.#rules.clear();
      this.#order = [];
    }
    if (line !== undefined) this.#cutter.learnShape(line, row);
    const { columns, issues } = this.#rules;
    issues.reset();
    const head = this.#rules.resolveHead(
      row[columns.customId],
      columns.eventName === undefined ? undefined : row[columns.eventName],
      row[columns.eventTime],
    );
    if (head.kind === 'rejected') return head;
    const { name, time } = head;
    const attributes = this.#writeAttributes(row);
    const json = `{"name":"${name}"${time === undefined ? '' : `,"time":"${time}"`}${attributes === '' ? '' : `,"attributes":{${attributes}}`}}`;
    return this.#rules.finish(head, json, Buffer.byteLength(json));
  }

  /** The attributes of a row in JSON, without the braces around them. */
  #writeAttributes(row: Row): string {
    const { writer, idName, options } = this.#rules;
    writer.startEvent();
    let json = '';
    if (idName !== undefined) {
      // First, so that the id is never the attribute that exceeds the limit.
      writer.addReserved(idName);
      json = `${idName.jsonKey}"${computeRowId(options.stream, row)}"`;
    }
    let index = 0;
    for (const column of Object.keys(row)) {
      let resolved = this.#order[index];
      if (resolved === undefined || resolved.column !== column) {
        resolved = this.#rules.resolveColumn(column);
        this.#order[index] = resolved;
      }
      index += 1;
      const { role } = resolved;
      const value = row[column];
      if (typeof role === 'string' || value === null) continue;
      const attribute = writer.addAttribute(value, column, role);
      if (attribute === undefined) continue;
      json += json === '' ? role.name.jsonKey : `,${role.name.jsonKey}`;
      json += attribute;
    }
    return json;
  }
}
