import type { Limits } from '../batch/limits.ts';
import { type ColumnUse, columnUse } from './column-use.ts';
import { rowId } from './event-id.ts';
import { EventCutter } from './fast-path/record-cutter.ts';
import { type ColumnRole, EventRules, type MappedEvent, type MappedRow, type MapperOptions } from './rules.ts';

export type { MappedRow } from './rules.ts';

/** A row as it came in a RECORD message. */
export type Row = Record<string, unknown>;

/**
 * Turns the rows of a stream into Batch events. Most are cut out of the text of their message; those that can't be are
 * mapped from the parsed row, and teach the cutter what the messages of the stream look like.
 */
export class EventMapper {
  readonly #rules: EventRules;
  readonly #cutter: EventCutter;
  /** The columns of the last row, in their order: rows of a table have the same ones, so that few are looked up. */
  #order: ColumnRole[] = [];

  constructor(limits: Limits, options: Partial<MapperOptions> = {}) {
    this.#rules = new EventRules(limits, options);
    this.#cutter = new EventCutter(this.#rules);
  }

  /** What a column of the rows is to their events, as far as its name tells. */
  useOf(column: string): ColumnUse {
    return columnUse(this.#rules.roleOf(column), this.#rules.columns);
  }

  /** The event of a RECORD message of this stream; undefined when its row has to be parsed and mapped. */
  cut(bytes: Buffer, start: number, end: number): MappedEvent | undefined {
    return this.#cutter.cut(bytes, start, end);
  }

  /** @param line is the message that the row came in, by which the next ones are cut. */
  map(row: Row, line?: string): MappedRow {
    if (this.#rules.isFull) {
      this.#rules.forget();
      this.#order = [];
    }
    if (line !== undefined) this.#cutter.learn(line, row);
    const { columns, remarks } = this.#rules;
    remarks.startRow();
    const head = this.#rules.head(
      row[columns.customId],
      columns.eventName === undefined ? undefined : row[columns.eventName],
      row[columns.eventTime],
    );
    if (head.kind === 'rejected') return head;
    const { name, time } = head;
    const attributes = this.#attributes(row);
    const json = `{"name":"${name}"${time === undefined ? '' : `,"time":"${time}"`}${attributes === '' ? '' : `,"attributes":{${attributes}}`}}`;
    return this.#rules.finish(head, json, Buffer.byteLength(json));
  }

  /** The attributes of a row in JSON, without the braces around them. */
  #attributes(row: Row): string {
    const { writer, remarks, idName, options } = this.#rules;
    const event = writer.nextObject();
    let json = '';
    let size = 0;
    if (idName !== undefined) {
      // First, as an id that is left out for being one too many would be no use.
      idName.claims.claim(event, 0);
      json = `${idName.jsonKey}"${rowId(options.stream, row)}"`;
      size = 1;
    }
    let index = 0;
    for (const column of Object.keys(row)) {
      let role = this.#order[index];
      if (role === undefined || role.column !== column) {
        role = this.#rules.roleOf(column);
        this.#order[index] = role;
      }
      index += 1;
      const value = row[column];
      if (role.attribute === undefined || value === null) continue;
      const { name, kind, isCounted } = role.attribute;
      remarks.startColumn(column);
      const written = writer.write(value, kind, column);
      const admitted = writer.admit(written, name, event, 0, isCounted ? size : undefined, column, undefined);
      if (admitted === undefined) continue;
      json += json === '' ? name.jsonKey : `,${name.jsonKey}`;
      json += admitted;
      if (isCounted) size += 1;
    }
    return json;
  }
}
