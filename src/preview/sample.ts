import { LosslessNumber } from 'lossless-json';
import type { Change, LeftOut, Rejection, RejectionCode } from '../destination-batch/codes.ts';
import type { EventArena } from '../destination-batch/event-arena.ts';
import type { ColumnUse, Row } from '../destination-batch/mapping/mapper.ts';
import type { MappedAttributes } from '../destination-batch/mapping/profile/profile-mapper.ts';
import type { MappedEvent, RejectedRow } from '../destination-batch/mapping/rules.ts';
import { AttributeTypes, type TypeChange } from './attribute-types.ts';

/** The JSON type of a value. */
type JsonType = 'string' | 'number' | 'boolean' | 'array' | 'object' | 'null';

/** How often a code occurred in the sample, and the reason that was given the first time. */
export type Found = { times: number; reason: string };

/** What the sample contains in a column. */
export type SampledColumn = {
  name: string;
  use: ColumnUse;
  /** The number of rows that have the column. */
  rows: number;
  /** The number of rows in which the column is null. */
  nulls: number;
  types: Set<JsonType>;
  /** The values of the column that were left out or changed, by code. */
  remarks: Map<LeftOut['code'] | Change['code'], Found>;
};

/** A mapper of a stream, whose rows become events of profiles or attributes of profiles. */
export type SampleMapper = {
  map: (row: Row) => MappedEvent | MappedAttributes | RejectedRow;
  describeColumn: (column: string) => ColumnUse;
};

/** A row to show. */
export type ShownRow = { row: Row; isRejected: boolean };

/** Maps rows as `write` does, without sending them, and counts the results by column and by code. */
export class Sample {
  readonly #arena: EventArena;
  readonly #mapper: SampleMapper;
  readonly #types = new AttributeTypes();
  readonly #maxShown: number;
  readonly #columns = new Map<string, SampledColumn>();
  readonly #rejections = new Map<RejectionCode, Found>();
  readonly #shown: ShownRow[] = [];
  readonly #mapped: (MappedEvent | MappedAttributes)[] = [];
  #rows = 0;
  #rejected = 0;
  #untimely = 0;

  /**
   * @param arena holds what the mapper returns.
   * @param mapperWith creates the mapper of the stream. The mapper passes each change that a policy makes to `onChange`.
   * @param maxShown the maximum number of rows to show, beginning with the first row.
   */
  constructor(arena: EventArena, mapperWith: (onChange: (change: Change) => void) => SampleMapper, maxShown: number) {
    this.#arena = arena;
    this.#mapper = mapperWith((change) => this.#addRemark(change));
    this.#maxShown = maxShown;
  }

  get rows(): number {
    return this.#rows;
  }

  get rejected(): number {
    return this.#rejected;
  }

  /** The number of rows whose event would be sent, but may be refused by Batch because of its time. */
  get untimely(): number {
    return this.#untimely;
  }

  /** Whether Batch would accept every row of the sample, as far as can be known before sending. */
  get wouldAllArrive(): boolean {
    return this.#rejected === 0 && this.#untimely === 0;
  }

  /** The columns, in the order in which they first appeared. */
  get columns(): readonly SampledColumn[] {
    return [...this.#columns.values()];
  }

  /** Why rows would be rejected, by code. */
  get rejections(): ReadonlyMap<RejectionCode, Found> {
    return this.#rejections;
  }

  /** The first rows. */
  get shown(): readonly ShownRow[] {
    return this.#shown;
  }

  /** The events or attributes of the first rows, except for rows that would be rejected. */
  get mapped(): readonly (MappedEvent | MappedAttributes)[] {
    return this.#mapped;
  }

  /** Returns how the type of a column changes between the rows, and the types of the attributes inside it. */
  findTypeChanges({ use }: SampledColumn): TypeChange[] {
    return use.kind === 'attribute' ? this.#types.changesOf(use.name) : [];
  }

  take(row: Row): void {
    this.#rows += 1;
    for (const [name, value] of Object.entries(row)) this.#inspect(name, value);
    const mapped = this.#mapper.map(row);
    if (mapped.kind === 'rejected') this.#reject(mapped.rejection);
    else {
      if (mapped.kind === 'event' && !mapped.isTimely) this.#untimely += 1;
      for (const leftOut of mapped.leftOut) this.#addRemark(leftOut);
      if (mapped.kind === 'event') this.#types.addEvent(this.#arena.read(mapped.event));
      else for (const part of mapped.parts) this.#types.addAttributeRow(this.#arena.read(part));
    }
    if (this.#shown.length === this.#maxShown) return;
    this.#shown.push({ row, isRejected: mapped.kind === 'rejected' });
    if (mapped.kind !== 'rejected') this.#mapped.push(mapped);
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
      return 'string';
    case 'boolean':
      return 'boolean';
    case 'object':
      return 'object';
    default:
      return 'number';
  }
}
