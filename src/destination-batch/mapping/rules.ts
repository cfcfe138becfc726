import { EVENT_AGE_MARGIN_MS, EVENT_NAME, type Limits, NAME_FORM } from '../batch/limits.ts';
import type { ItemNumber } from '../byte-arena.ts';
import type { Change, LeftOut, Rejection, RejectionCode } from '../codes.ts';
import {
  DEFAULT_MAPPING,
  isNamedAfterStream,
  type Mapping,
  type RoleColumns,
  resolveRoleColumns,
  selectAttributeColumns,
} from '../config/mapping.ts';
import { DEFAULT_POLICIES, type Policies } from '../config/policies.ts';
import type { ProfileNumber } from '../profile-table.ts';
import { explainUnsent } from '../untimely.ts';
import { type AttributeName, AttributeNames } from './attribute-name.ts';
import { type Attribute, AttributeWriter, type ValueKind } from './attribute-value.ts';
import { type ColumnTypes, resolveValueKind } from './column-types.ts';
import { CustomIdRules, toIdentifier } from './custom-id.ts';
import { RowIssues } from './issues.ts';
import { isBlank } from './text.ts';
import { normalizeDateTime, normalizeTimestamp, toEpochMs } from './timestamp.ts';

/** An event and its profile in the arena. */
export type MappedEvent = {
  kind: 'event';
  event: ItemNumber;
  profile: ProfileNumber;
  /** False if the time of the event is in the future, or may be older than Batch accepts when the event is sent. */
  isTimely: boolean;
  /** The attributes that were left out of the event. */
  leftOut: readonly LeftOut[];
};

export type RejectedRow = { kind: 'rejected'; rejection: Rejection };

/** The result of mapping a row. */
export type MappedRow = MappedEvent | RejectedRow;

export type MapperOptions = {
  /** The stream whose rows are mapped. */
  stream: string;
  policies: Policies;
  mapping: Mapping;
  /** The types that the catalog declares for the columns. */
  columnTypes: ColumnTypes;
  /** The name of the attribute with the row id. */
  eventIdAttribute: string | undefined;
  /** The cursor of the source, such as last_updated_at. It is needed only for reading, so it is not sent. */
  cursorColumn: string | undefined;
  /** The maximum time that an event waits for others before it is sent, in milliseconds. */
  flushIntervalMs: number;
  /** Returns the current time in milliseconds since the epoch. */
  now: () => number;
  /** Called for each change in an event that is sent. */
  onChange: (change: Change) => void;
};

export const DEFAULTS: MapperOptions = {
  stream: '',
  policies: DEFAULT_POLICIES,
  mapping: DEFAULT_MAPPING,
  columnTypes: new Map(),
  eventIdAttribute: undefined,
  cursorColumn: undefined,
  flushIntervalMs: 0,
  now: Date.now,
  onChange: () => undefined,
};

/** The role of a column that is not an attribute. */
export type HeadRole = 'profile' | 'event_name' | 'event_time' | 'not_sent';

export type ResolvedColumn = { column: string; role: HeadRole | Attribute };

/** The profile, the name and the time of an event. */
export type EventHead = {
  kind: 'head';
  customId: string;
  name: string;
  time: string | undefined;
  isTimely: boolean;
};

/**
 * The columns for the label and the tags of an event. The event columns of Cloud Sync never begin with batch__, so they
 * do not conflict with these names (docs/batch-api.md, section 5).
 */
const RESERVED = new Map<string, { kind: ValueKind; name: string }>([
  ['batch__label', { kind: 'label', name: '$label' }],
  ['batch__tags', { kind: 'tags', name: '$tags' }],
]);

/** Maximum number of cached columns. Rows that don't come from a table may all have different columns. */
const MAX_COLUMNS = 10_000;

const HOUR_MS = 3_600_000;

/** The rules for the events of a stream (docs/batch-api.md, sections 2 and 5). */
export class EventRules {
  readonly limits: Limits;
  readonly options: MapperOptions;
  readonly columns: RoleColumns;
  /** The name of all events, if they all have the same name. */
  readonly constantName: string | undefined;
  readonly names: AttributeNames;
  readonly issues = new RowIssues();
  readonly writer: AttributeWriter;
  readonly #customId: CustomIdRules;
  readonly #isAttribute: (column: string) => boolean;
  readonly #plainText: ReadonlySet<string>;
  readonly #normalizeTime: (text: string) => string | undefined;
  /** The maximum age of a timely event in milliseconds. */
  readonly #maxAge: number;
  readonly #resolved = new Map<string, ResolvedColumn>();
  #id: AttributeName | undefined;
  #lastName: string | undefined;

  constructor(limits: Limits, options: Partial<MapperOptions> = {}) {
    this.limits = limits;
    this.options = { ...DEFAULTS, ...options };
    const { mapping, policies, cursorColumn, columnTypes, flushIntervalMs } = this.options;
    this.columns = resolveRoleColumns(mapping);
    this.constantName = isNamedAfterStream(mapping) ? this.options.stream : mapping.constant_event_name;
    this.#customId = new CustomIdRules(this.columns.customId, limits, 'to attach the event to');
    this.#normalizeTime =
      columnTypes.get(this.columns.eventTime) === 'date_time' ? normalizeDateTime : normalizeTimestamp;
    // If untimely events are sent, the maximum age only decides which events share an update. It then needs no margin, because an
    // event rarely waits for minutes.
    const margin = policies.untimely_event === 'send' ? 0 : EVENT_AGE_MARGIN_MS;
    this.#maxAge = limits.event_age_hours * HOUR_MS - flushIntervalMs - margin;
    this.#isAttribute = selectAttributeColumns(mapping, cursorColumn);
    this.#plainText = new Set(mapping.plain_text_columns);
    this.names = new AttributeNames(policies);
    this.writer = new AttributeWriter(limits, policies, this.names, this.issues);
    this.#id = this.#createIdName();
  }

  /** The name of the attribute with the row id. */
  get idName(): AttributeName | undefined {
    return this.#id;
  }

  /** Whether the caches are full. They can be cleared only between two rows. */
  get isFull(): boolean {
    return this.names.isFull || this.#resolved.size > MAX_COLUMNS;
  }

  /**
   * Clears the caches. Call this only between two rows: the caches also record which names the current event uses, so a
   * name could otherwise be used twice in one event.
   */
  clear(): void {
    this.names.clear();
    this.writer.clear();
    this.#resolved.clear();
    this.#id = this.#createIdName();
  }

  /** Checks the profile id, name and time of an event. Without an event name column, the name is `constantName`. */
  resolveHead(id: unknown, name: unknown, written: unknown): EventHead | RejectedRow {
    const customId = toIdentifier(id);
    const idError = this.#customId.findError(customId);
    if (idError !== undefined) return { kind: 'rejected', rejection: idError };

    const eventName = this.columns.eventName === undefined ? this.constantName : name;
    if (typeof eventName !== 'string' || !this.isEventName(eventName)) {
      return rejectRow(
        'event_name_invalid',
        `${this.columns.eventName} is missing or is not a name that Batch accepts: ${NAME_FORM}`,
      );
    }
    // A String column of ClickHouse that is not Nullable contains a blank string instead of NULL.
    if (written === null || written === undefined || (typeof written === 'string' && isBlank(written))) {
      return { kind: 'head', customId, name: eventName, time: undefined, isTimely: true };
    }
    const time = typeof written === 'string' ? this.#normalizeTime(written) : undefined;
    if (time === undefined) {
      return rejectRow(
        'event_time_invalid',
        `${this.columns.eventTime} is not an RFC 3339 timestamp with a time zone, such as 2026-04-17T04:25:00Z. A view can convert it: parseDateTime64BestEffort(${this.columns.eventTime}, 3, 'Europe/Paris')`,
      );
    }
    const age = this.ageOf(toEpochMs(time));
    const timeliness = this.checkAge(age);
    if (timeliness !== 'not_sent') {
      return { kind: 'head', customId, name: eventName, time, isTimely: timeliness === 'timely' };
    }
    const untimely = explainUnsent(age, this.limits.event_age_hours);
    const column = this.columns.eventTime;
    const { untimely_event: policy } = this.options.policies;
    if (policy === 'reject') return rejectRow(untimely.code, `${column} ${untimely.reason}`);
    this.issues.setColumn(column);
    this.issues.addTimeChange(
      column,
      'time_left_out',
      `${untimely.reason}: the event is sent without a time, so Batch uses the time at which it receives the event`,
    );
    return { kind: 'head', customId, name: eventName, time: undefined, isTimely: true };
  }

  /** Returns the age of a time in milliseconds. It is negative for a time in the future. */
  ageOf(epochMs: number): number {
    return this.options.now() - epochMs;
  }

  /**
   * Checks the age of an event. If Batch would likely refuse the event because of its age, returns `untimely` if the policy is to
   * send it anyway, and `not_sent` if it is not sent with its time.
   */
  checkAge(age: number): 'timely' | 'untimely' | 'not_sent' {
    if (age >= 0 && age <= this.#maxAge) return 'timely';
    return this.options.policies.untimely_event === 'send' ? 'untimely' : 'not_sent';
  }

  resolveColumn(column: string): ResolvedColumn {
    const known = this.#resolved.get(column);
    if (known !== undefined) return known;
    const resolved = { column, role: this.#resolveRole(column) };
    this.#resolved.set(column, resolved);
    return resolved;
  }

  /** Applies the rules for the whole event, which has this size in bytes. If it can be sent, reports its changes. */
  finish(bytes: number): RejectedRow | undefined {
    const invalid = this.issues.firstInvalid;
    if (invalid !== undefined && this.options.policies.invalid_attribute === 'reject_event') {
      return rejectRow('attribute_invalid', `the attribute "${invalid.path}" ${invalid.reason} (${invalid.code})`);
    }
    if (bytes > this.limits.event_bytes) {
      return rejectRow(
        'event_too_large',
        `the event has ${bytes} bytes, but Batch accepts at most ${this.limits.event_bytes}`,
      );
    }
    for (const change of this.issues.drainChanges()) this.options.onChange(change);
    return undefined;
  }

  /** Checks an event name. Consecutive rows often have the same name, so the last valid name is not checked again. */
  isEventName(name: string): boolean {
    if (name === this.#lastName) return true;
    if (!EVENT_NAME.test(name)) return false;
    this.#lastName = name;
    return true;
  }

  #createIdName(): AttributeName | undefined {
    const { eventIdAttribute } = this.options;
    return eventIdAttribute === undefined ? undefined : this.names.createReserved(eventIdAttribute);
  }

  #resolveRole(column: string): HeadRole | Attribute {
    const { customId, eventName, eventTime } = this.columns;
    if (column === customId) return 'profile';
    if (column === eventName) return 'event_name';
    if (column === eventTime) return 'event_time';
    return this.#isAttribute(column) ? this.#createAttribute(column) : 'not_sent';
  }

  #createAttribute(column: string): Attribute {
    const name = this.names.parseColumn(column);
    const reserved = RESERVED.get(column.toLowerCase());
    if (reserved !== undefined) {
      // The name of the column is checked like the name of any other column.
      const { error, lowerCased } = name;
      const own = this.names.createReserved(reserved.name);
      return { name: { ...own, error, lowerCased }, kind: reserved.kind, members: undefined, isCounted: false };
    }
    const type = this.options.columnTypes.get(column);
    const members = typeof type === 'object' ? type : undefined;
    return { name, kind: resolveValueKind(name, type, this.#plainText.has(column)), members, isCounted: true };
  }
}

export function rejectRow(code: RejectionCode, reason: string): RejectedRow {
  return { kind: 'rejected', rejection: { code, reason } };
}
