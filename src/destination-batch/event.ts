import { LosslessNumber } from 'lossless-json';
import { type AttributeName, AttributeNames } from './attribute-name.ts';
import { AttributeWriter, isBlank, type ValueKind } from './attribute-value.ts';
import { EVENT_AGE_MARGIN_MS, EVENT_NAME, type Limits, MAX_EVENT_AGE_MS, PLACEHOLDER_CUSTOM_IDS } from './limits.ts';
import { attributeColumns, DEFAULT_MAPPING, type Mapping, type RoleColumns, roleColumnsOf } from './mapping.ts';
import { isPlainAscii } from './plain-ascii.ts';
import { DEFAULT_POLICIES, type Policies } from './policies.ts';
import type { Change, LeftOut, Rejection, RejectionCode } from './reason.ts';
import { Remarks } from './remarks.ts';
import { rowId } from './row-id.ts';
import { momentOf, utcTimestamp } from './timestamp.ts';

/** A row as it came in a RECORD message. */
export type Row = Record<string, unknown>;

/**
 * What becomes of a row: an event in JSON, or a rejection. An event is timely unless its time is older than Batch takes,
 * or lies in the future; `leftOut` are the attributes that it is sent without.
 */
export type MappedRow =
  | { kind: 'event'; customId: string; json: string; bytes: number; isTimely: boolean; leftOut: readonly LeftOut[] }
  | { kind: 'rejected'; rejection: Rejection };

export type MapperOptions = {
  /** The stream whose rows are mapped. */
  stream: string;
  policies: Policies;
  mapping: Mapping;
  /** The attribute that an id of the row is added as. */
  eventIdAttribute: string | undefined;
  /** A column that is for the source alone, like last_updated_at, and is not sent. */
  cursorColumn: string | undefined;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Told of what is changed in an event that is sent. */
  onChange: (change: Change) => void;
};

const DEFAULTS: MapperOptions = {
  stream: '',
  policies: DEFAULT_POLICIES,
  mapping: DEFAULT_MAPPING,
  eventIdAttribute: undefined,
  cursorColumn: undefined,
  now: Date.now,
  onChange: () => undefined,
};

/** What a column becomes; undefined is nothing. */
type ColumnRole = { column: string; attribute: Attribute | undefined };

/** `isCounted` is false for Batch's own attributes, which come on top of those that an event may have. */
type Attribute = { name: AttributeName; kind: ValueKind; isCounted: boolean };

/** Columns for Batch's own attributes of an event, under the prefix that the Cloud Sync pages use for such. */
const RESERVED = new Map<string, { kind: ValueKind; name: string }>([
  ['batch__label', { kind: 'label', name: '$label' }],
  ['batch__tags', { kind: 'tags', name: '$tags' }],
]);

/** Sources that are no tables may have columns without number, so no more than so many are kept in mind. */
const MOST_COLUMNS = 10_000;

/** With what a word that stands for nobody may begin. To ask this first spares most identifiers a copy in lower case. */
const PLACEHOLDER_INITIALS: ReadonlySet<number> = new Set(
  [...PLACEHOLDER_CUSTOM_IDS].flatMap((word) => [word.charCodeAt(0), word.toUpperCase().charCodeAt(0)]),
);

const LINE_END = /[\r\n]/;

/** Turns rows into Batch events, by the rules of the Cloud Sync page (1.1 to 1.9) and of Batch's profile API. */
export class EventMapper {
  readonly #limits: Limits;
  readonly #options: MapperOptions;
  readonly #columns: RoleColumns;
  readonly #isAttribute: (column: string) => boolean;
  readonly #plainText: ReadonlySet<string>;
  readonly #names: AttributeNames;
  readonly #remarks = new Remarks();
  readonly #writer: AttributeWriter;
  #id: AttributeName | undefined;
  readonly #roles = new Map<string, ColumnRole>();
  /** The columns of the last row, in their order: rows of a table have the same ones, so that few are looked up. */
  #order: ColumnRole[] = [];
  #lastName: string | undefined;

  constructor(limits: Limits, options: Partial<MapperOptions> = {}) {
    this.#limits = limits;
    this.#options = { ...DEFAULTS, ...options };
    const { mapping, policies, cursorColumn } = this.#options;
    this.#columns = roleColumnsOf(mapping);
    this.#isAttribute = attributeColumns(mapping, cursorColumn);
    this.#plainText = new Set(mapping.plain_text_columns);
    this.#names = new AttributeNames(policies);
    this.#writer = new AttributeWriter(limits, policies, this.#names, this.#remarks);
    this.#id = this.#nameOfId();
  }

  map(row: Row): MappedRow {
    const { policies, mapping, now } = this.#options;
    const customId = asIdentifier(row[this.#columns.customId]);
    const wrongId = this.#customIdFault(customId);
    if (wrongId !== undefined) return { kind: 'rejected', rejection: wrongId };

    const name = this.#columns.eventName === undefined ? mapping.constant_event_name : row[this.#columns.eventName];
    if (typeof name !== 'string' || !this.#isEventName(name)) {
      return rejected(
        'event_name_invalid',
        `${this.#columns.eventName} is missing or not a name that Batch takes: 1 to 30 of a-z, 0-9 and _`,
      );
    }

    this.#remarks.startRow();
    let time: string | undefined;
    let isTimely = true;
    const written = row[this.#columns.eventTime];
    // A blank text is what a String column has for NULL.
    if (written !== null && written !== undefined && !(typeof written === 'string' && isBlank(written))) {
      time = typeof written === 'string' ? utcTimestamp(written) : undefined;
      if (time === undefined) {
        return rejected(
          'event_time_invalid',
          `${this.#columns.eventTime} is no RFC 3339 stamp with a zone, such as 2026-04-17T04:25:00Z`,
        );
      }
      const age = now() - momentOf(time);
      isTimely = age >= 0 && age <= MAX_EVENT_AGE_MS;
      const untimely = policies.untimely_event === 'send' ? undefined : untimeliness(age);
      if (untimely !== undefined) {
        const reason = `${this.#columns.eventTime} ${untimely.reason}`;
        if (policies.untimely_event === 'reject') return rejected(untimely.code, reason);
        this.#remarks.startColumn(this.#columns.eventTime);
        this.#remarks.addChange(
          this.#columns.eventTime,
          'time_left_out',
          `${untimely.reason}: its event is sent without a time, and Batch takes the time of reception`,
        );
        time = undefined;
        isTimely = true;
      }
    }

    const attributes = this.#attributes(row);
    const invalid = this.#remarks.firstInvalid;
    if (invalid !== undefined && policies.invalid_attribute === 'reject_event') {
      return rejected('attribute_invalid', `the attribute "${invalid.path}" ${invalid.reason} (${invalid.code})`);
    }
    const json = `{"name":"${name}"${time === undefined ? '' : `,"time":"${time}"`}${attributes === '' ? '' : `,"attributes":{${attributes}}`}}`;
    const bytes = Buffer.byteLength(json);
    if (bytes > this.#limits.event_bytes) {
      return rejected('event_too_large', `the event has ${bytes} bytes, and Batch takes ${this.#limits.event_bytes}`);
    }
    for (const change of this.#remarks.changes) this.#options.onChange(change);
    return { kind: 'event', customId, json, bytes, isTimely, leftOut: this.#remarks.leftOut };
  }

  /** Rows of one event after the other have the same name, which is then known to be good. */
  #isEventName(name: string): boolean {
    if (name === this.#lastName) return true;
    if (!EVENT_NAME.test(name)) return false;
    this.#lastName = name;
    return true;
  }

  /** The attributes of a row in JSON, without the braces around them. */
  #attributes(row: Row): string {
    if (this.#names.isFull || this.#roles.size > MOST_COLUMNS) this.#forget();
    const event = this.#writer.nextObject();
    let json = '';
    let size = 0;
    if (this.#id !== undefined) {
      // First, as an id that is left out for being one too many would be no use.
      this.#id.claims.claim(event, 0);
      json = `${this.#id.jsonKey}"${rowId(this.#options.stream, row)}"`;
      size = 1;
    }
    let index = 0;
    for (const column of Object.keys(row)) {
      let role = this.#order[index];
      if (role === undefined || role.column !== column) {
        role = this.#roleOf(column);
        this.#order[index] = role;
      }
      index += 1;
      const value = row[column];
      if (role.attribute === undefined || value === null) continue;
      const { name, kind, isCounted } = role.attribute;
      this.#remarks.startColumn(column);
      const written = this.#writer.write(value, kind, column);
      const admitted = this.#writer.admit(written, name, event, 0, isCounted ? size : undefined, column, undefined);
      if (admitted === undefined) continue;
      json += json === '' ? name.jsonKey : `,${name.jsonKey}`;
      json += admitted;
      if (isCounted) size += 1;
    }
    return json;
  }

  /** Between two rows alone: a name that is forgotten is no longer known to be taken. */
  #forget(): void {
    this.#names.forget();
    this.#roles.clear();
    this.#order = [];
    this.#id = this.#nameOfId();
  }

  #nameOfId(): AttributeName | undefined {
    const { eventIdAttribute } = this.#options;
    return eventIdAttribute === undefined ? undefined : this.#names.reserved(eventIdAttribute);
  }

  #roleOf(column: string): ColumnRole {
    const known = this.#roles.get(column);
    if (known !== undefined) return known;
    const role = { column, attribute: this.#isAttribute(column) ? this.#attributeOf(column) : undefined };
    this.#roles.set(column, role);
    return role;
  }

  #attributeOf(column: string): Attribute {
    const name = this.#names.ofColumn(column);
    const reserved = RESERVED.get(column.toLowerCase());
    if (reserved !== undefined) {
      // What is to be said of the way it is written is the same as for any other column.
      const { fault, lowerCased } = name;
      const own = this.#names.reserved(reserved.name);
      return { name: { ...own, fault, lowerCased }, kind: reserved.kind, isCounted: false };
    }
    const isText = name.kind === 'plain' && this.#plainText.has(column);
    return { name, kind: isText ? 'text' : name.kind, isCounted: true };
  }

  #customIdFault(customId: string): Rejection | undefined {
    const column = this.#columns.customId;
    if (isBlank(customId)) {
      return { code: 'custom_id_missing', reason: `${column} is missing or blank, so the event belongs to nobody` };
    }
    if (customId.length > this.#limits.custom_id_characters) {
      return {
        code: 'custom_id_too_long',
        reason: `${column} has ${customId.length} characters, and Batch takes ${this.#limits.custom_id_characters}`,
      };
    }
    if (!isPlainAscii(customId) && (LINE_END.test(customId) || !customId.isWellFormed())) {
      return { code: 'custom_id_malformed', reason: `${column} holds a line end, or half of a surrogate pair` };
    }
    if (PLACEHOLDER_INITIALS.has(customId.charCodeAt(0)) && PLACEHOLDER_CUSTOM_IDS.has(customId.toLowerCase())) {
      return {
        code: 'custom_id_placeholder',
        reason: `${column} is a word that stands for "nobody" (such as null), not an identifier`,
      };
    }
    return undefined;
  }
}

/** A numeric identifier is one too, with all its digits. Anything else is none. */
function asIdentifier(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof LosslessNumber) return /^-?\d+$/.test(value.value) ? value.value : '';
  return Number.isSafeInteger(value) ? String(value) : '';
}

/** Why Batch is likely to refuse an event of this age by the time it gets there. */
function untimeliness(age: number): Rejection | undefined {
  if (age < 0) return { code: 'event_in_future', reason: "lies in the future by this machine's clock" };
  if (age <= MAX_EVENT_AGE_MS - EVENT_AGE_MARGIN_MS) return undefined;
  return {
    code: 'event_too_old',
    reason: `is older than the ${MAX_EVENT_AGE_MS / 3_600_000} hours that Batch takes, less ${EVENT_AGE_MARGIN_MS / 60_000} minutes in which it may wait for its turn`,
  };
}

function rejected(code: RejectionCode, reason: string): MappedRow {
  return { kind: 'rejected', rejection: { code, reason } };
}
