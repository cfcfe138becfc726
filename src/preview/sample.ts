import { LosslessNumber } from 'lossless-json';
import type { Change, LeftOut, Rejection, RejectionCode } from '../destination-batch/codes.ts';
import type { ItemArena } from '../destination-batch/item-arena.ts';
import type { ColumnUse, Row } from '../destination-batch/mapping/mapper.ts';
import type { MappedAttributes } from '../destination-batch/mapping/profile/profile-mapper.ts';
import type { MappedEvent, RejectedRow } from '../destination-batch/mapping/rules.ts';
import type { Untimely } from '../destination-batch/untimely.ts';
import { tryParseJson } from '../shared/exact-json.ts';
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
  /** The number of values that are sent but may be a mistake, by what is unusual about them. */
  oddities: Map<string, number>;
};

/** Maps the rows of a stream to events or attributes of profiles. */
export type SampleMapper = {
  map: (row: Row) => MappedEvent | MappedAttributes | RejectedRow;
  describeColumn: (column: string) => ColumnUse;
};

/** What is unusual about a value. */
const BROKEN_JSON = 'looks like JSON, but is not valid JSON, and is sent as a string';
const SPACED_ID = 'begins or ends with a space, and is sent with it: for Batch, that is a different profile';

/** A row to show. */
export type ShownRow = { row: Row; isRejected: boolean };

type SampleOptions = {
  /** The arena that contains the events and the attributes that the mapper returns. */
  arena: ItemArena;
  /** Creates the mapper of the stream. The mapper passes each change that a policy makes to `onChange`. */
  mapperWith: (onChange: (change: Change) => void) => SampleMapper;
  /** Explains why Batch would refuse an event because of its time. */
  explainUntimely: (event: MappedEvent) => Untimely | undefined;
  /** The maximum number of rows to show, beginning with the first row. */
  maxShown: number;
};

/** Maps rows as `write` does, without sending them, and counts the results by column and by code. */
export class Sample {
  readonly #arena: ItemArena;
  readonly #mapper: SampleMapper;
  readonly #types = new AttributeTypes();
  readonly #explainUntimely: SampleOptions['explainUntimely'];
  readonly #maxShown: number;
  readonly #columns = new Map<string, SampledColumn>();
  readonly #rejections = new Map<RejectionCode, Found>();
  readonly #shown: ShownRow[] = [];
  readonly #mapped: (MappedEvent | MappedAttributes)[] = [];
  #rows = 0;
  #rejected = 0;

  constructor({ arena, mapperWith, explainUntimely, maxShown }: SampleOptions) {
    this.#arena = arena;
    this.#mapper = mapperWith((change) => this.#addRemark(change));
    this.#explainUntimely = explainUntimely;
    this.#maxShown = maxShown;
  }

  get rows(): number {
    return this.#rows;
  }

  /** The number of rows that would be rejected, before they are sent or by Batch. */
  get rejected(): number {
    return this.#rejected;
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

  /** The events or attributes of the first rows, except for rows that would be rejected before they are sent. */
  get mapped(): readonly (MappedEvent | MappedAttributes)[] {
    return this.#mapped;
  }

  /** Returns how the type of a column, or of an attribute inside its values, changes between the rows. */
  findTypeChanges({ use }: SampledColumn): TypeChange[] {
    return use.kind === 'attribute' ? this.#types.changesOf(use.name) : [];
  }

  take(row: Row): void {
    this.#rows += 1;
    for (const [name, value] of Object.entries(row)) this.#inspect(name, value);
    const mapped = this.#mapper.map(row);
    let isRejected = mapped.kind === 'rejected';
    if (mapped.kind === 'rejected') this.#reject(mapped.rejection);
    else {
      const untimely = mapped.kind === 'event' ? this.#explainUntimely(mapped) : undefined;
      if (untimely !== undefined) this.#reject(untimely);
      for (const leftOut of mapped.leftOut) this.#addRemark(leftOut);
      if (mapped.kind === 'event') this.#types.addEvent(this.#arena.read(mapped.event));
      else for (const part of mapped.parts) this.#types.addAttributeRow(this.#arena.read(part));
      isRejected = untimely !== undefined;
    }
    if (this.#shown.length === this.#maxShown) return;
    this.#shown.push({ row, isRejected });
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
        oddities: new Map(),
      };
      this.#columns.set(name, column);
    }
    column.rows += 1;
    const type = detectJsonType(value);
    if (type === 'null') column.nulls += 1;
    else column.types.add(type);
    const oddity = findOddity(value, column.use);
    if (oddity !== undefined) column.oddities.set(oddity, (column.oddities.get(oddity) ?? 0) + 1);
  }

  #addRemark({ column, code, reason }: LeftOut | Change): void {
    const remarks = this.#columns.get(column)?.remarks;
    if (remarks !== undefined) countFinding(remarks, code, reason);
  }

  #reject({ code, reason }: Pick<Rejection, 'code' | 'reason'>): void {
    this.#rejected += 1;
    countFinding(this.#rejections, code, reason);
  }
}

function countFinding<Code>(found: Map<Code, Found>, code: Code, reason: string): void {
  const known = found.get(code);
  if (known === undefined) found.set(code, { times: 1, reason });
  else known.times += 1;
}

/** Finds something unusual about a value that is sent as it is. */
function findOddity(value: unknown, use: ColumnUse): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (use.kind === 'profile') return text !== value && text !== '' ? SPACED_ID : undefined;
  if (use.kind !== 'attribute' || use.valueKind !== 'untyped') return undefined;
  const isLikeJson = (text.startsWith('{') && text.endsWith('}')) || (text.startsWith('[') && text.endsWith(']'));
  return isLikeJson && tryParseJson(text) === undefined ? BROKEN_JSON : undefined;
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
