import { LosslessNumber } from 'lossless-json';
import type { Change, LeftOut, Rejection, RejectionCode } from '../destination-batch/codes.ts';
import type { ColumnUse, EventMapper, Row } from '../destination-batch/mapping/mapper.ts';
import type { MappedEvent } from '../destination-batch/mapping/rules.ts';

/** What JSON calls the type of a value; one that keeps its digits is a number. */
type JsonType = 'text' | 'number' | 'boolean' | 'array' | 'object' | 'null';

/** How often something was found, and what was said of it the first time. */
export type Found = { times: number; reason: string };

/** What the rows of a sample have shown of a column. */
export type SampledColumn = {
  name: string;
  use: ColumnUse;
  /** How many rows have it, and how many of them hold null. */
  rows: number;
  nulls: number;
  types: Set<JsonType>;
  /** What of it, or in it, was left out or changed, by code. */
  remarks: Map<LeftOut['code'] | Change['code'], Found>;
};

/** A row that is shown. */
export type ShownRow = { row: Row; isRejected: boolean };

/** Maps rows as `write` does, sends nothing, and counts what becomes of each column and row. */
export class Sample {
  readonly #mapper: EventMapper;
  readonly #maxShown: number;
  readonly #columns = new Map<string, SampledColumn>();
  readonly #rejections = new Map<RejectionCode, Found>();
  readonly #shown: ShownRow[] = [];
  readonly #events: MappedEvent[] = [];
  #rows = 0;
  #rejected = 0;
  #untimely = 0;

  /**
   * @param mapperWith makes the mapper of the stream, which tells of what it changes in an event.
   * @param maxShown how many of the first rows are kept.
   */
  constructor(mapperWith: (onChange: (change: Change) => void) => EventMapper, maxShown: number) {
    this.#mapper = mapperWith((change) => this.#addRemark(change));
    this.#maxShown = maxShown;
  }

  get rows(): number {
    return this.#rows;
  }

  get rejected(): number {
    return this.#rejected;
  }

  /** Rows whose event would be sent, and that Batch may refuse for its time. */
  get untimely(): number {
    return this.#untimely;
  }

  /** As far as can be known before they are sent. */
  get wouldAllArrive(): boolean {
    return this.#rejected === 0 && this.#untimely === 0;
  }

  /** In the order in which they came up. */
  get columns(): readonly SampledColumn[] {
    return [...this.#columns.values()];
  }

  /** What rows would be rejected for, by code. */
  get rejections(): ReadonlyMap<RejectionCode, Found> {
    return this.#rejections;
  }

  /** The first rows. */
  get shown(): readonly ShownRow[] {
    return this.#shown;
  }

  /** The events of the first rows, without those that would be rejected. */
  get events(): readonly MappedEvent[] {
    return this.#events;
  }

  take(row: Row): void {
    this.#rows += 1;
    for (const [name, value] of Object.entries(row)) this.#inspect(name, value);
    const mapped = this.#mapper.map(row);
    if (mapped.kind === 'rejected') this.#reject(mapped.rejection);
    else {
      if (!mapped.isTimely) this.#untimely += 1;
      for (const leftOut of mapped.leftOut) this.#addRemark(leftOut);
    }
    if (this.#shown.length === this.#maxShown) return;
    this.#shown.push({ row, isRejected: mapped.kind === 'rejected' });
    if (mapped.kind === 'event') this.#events.push(mapped);
  }

  #inspect(name: string, value: unknown): void {
    let column = this.#columns.get(name);
    if (column === undefined) {
      column = {
        name,
        use: this.#mapper.describeColumn(name),
        rows: 0,
        nulls: 0,
        types: new Set(),
        remarks: new Map(),
      };
      this.#columns.set(name, column);
    }
    column.rows += 1;
    const type = detectJsonType(value);
    if (type === 'null') column.nulls += 1;
    else column.types.add(type);
  }

  #addRemark({ column, code, reason }: LeftOut | Change): void {
    const remarks = this.#columns.get(column)?.remarks;
    if (remarks !== undefined) countFinding(remarks, code, reason);
  }

  #reject({ code, reason }: Rejection): void {
    this.#rejected += 1;
    countFinding(this.#rejections, code, reason);
  }
}

function countFinding<Code>(found: Map<Code, Found>, code: Code, reason: string): void {
  const known = found.get(code);
  if (known === undefined) found.set(code, { times: 1, reason });
  else known.times += 1;
}

function detectJsonType(value: unknown): JsonType {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value instanceof LosslessNumber) return 'number';
  switch (typeof value) {
    case 'string':
      return 'text';
    case 'boolean':
      return 'boolean';
    case 'object':
      return 'object';
    default:
      return 'number';
  }
}
