import { LosslessNumber } from 'lossless-json';
import { stringifyExact } from '../protocol/exact-json.ts';
import { AttributeConverter, type AttributeKind, AttributeSet } from './attribute-value.ts';
import { EVENT_NAME, type Limits, MAX_EVENT_AGE_MS, PLACEHOLDER_CUSTOM_IDS } from './limits.ts';
import type { LeftOut, Rejection, RejectionCode } from './reason.ts';
import { utcTimestamp } from './timestamp.ts';

/** A row as it came in a RECORD message. */
export type Row = Record<string, unknown>;

/**
 * What becomes of a row: an event in JSON, or a rejection. An event is timely unless its time is older than Batch takes,
 * or lies in the future; `leftOut` are the attributes that it is sent without.
 */
export type MappedRow =
  | { kind: 'event'; customId: string; json: string; bytes: number; isTimely: boolean; leftOut: LeftOut[] }
  | { kind: 'rejected'; rejection: Rejection };

type ColumnRole = { role: 'skipped' } | { role: 'attribute'; kind: AttributeKind; name: string; bareName: string };

/** What a row can't do without. */
export const REQUIRED_FIELDS = ['custom_id', 'event_name'] as const;

/** The columns with a meaning of their own; the cursor is for the source alone and is never sent. */
const OWN_COLUMNS: ReadonlySet<string> = new Set([...REQUIRED_FIELDS, 'event_time', 'last_updated_at']);

/** The prefixes of typed attributes, since column names can't hold parentheses (Cloud Sync page, 1.4). */
const PREFIXES = [
  ['date__', 'date'],
  ['url__', 'url'],
] as const;

/** Columns that PyAirbyte and other platforms add to each row. */
const PLATFORM_PREFIX = '_airbyte_';

/** Turns rows into Batch events, by the rules of the Cloud Sync page (1.1 to 1.9) and of Batch's profile API. */
export class EventMapper {
  readonly #limits: Limits;
  readonly #now: () => number;
  readonly #converter: AttributeConverter;
  readonly #roles = new Map<string, ColumnRole>();

  /**
   * @param now milliseconds since the epoch.
   * @param cursorColumn a column that is for the source alone, like last_updated_at, and is not sent.
   */
  constructor(limits: Limits, now: () => number = Date.now, cursorColumn?: string) {
    if (cursorColumn !== undefined) this.#roles.set(cursorColumn, { role: 'skipped' });
    this.#limits = limits;
    this.#now = now;
    this.#converter = new AttributeConverter(limits);
  }

  map(row: Row): MappedRow {
    const customId = asIdentifier(row.custom_id);
    const wrong = this.#customIdFault(customId) ?? eventNameFault(row.event_name);
    if (wrong !== undefined) return { kind: 'rejected', rejection: wrong };

    let time: string | undefined;
    if (row.event_time !== null && row.event_time !== undefined) {
      time = typeof row.event_time === 'string' ? utcTimestamp(row.event_time) : undefined;
      if (time === undefined) {
        return rejected(
          'event_time_invalid',
          'event_time is no RFC 3339 stamp with a zone, such as 2026-04-17T04:25:00Z',
        );
      }
    }

    const leftOut: LeftOut[] = [];
    const attributes = this.#attributes(row, leftOut);
    const json = stringifyExact({
      name: row.event_name,
      ...(time === undefined ? {} : { time }),
      ...(attributes.isEmpty ? {} : { attributes: attributes.values }),
    });
    const bytes = Buffer.byteLength(json);
    if (bytes > this.#limits.event_bytes) {
      return rejected('event_too_large', `the event has ${bytes} bytes, and Batch takes ${this.#limits.event_bytes}`);
    }
    return { kind: 'event', customId, json, bytes, isTimely: this.#isTimely(time), leftOut };
  }

  #isTimely(time: string | undefined): boolean {
    if (time === undefined) return true;
    const age = this.#now() - Date.parse(time);
    return age >= 0 && age <= MAX_EVENT_AGE_MS;
  }

  #attributes(row: Row, leftOut: LeftOut[]): AttributeSet {
    const attributes = new AttributeSet(this.#limits);
    for (const [column, value] of Object.entries(row)) {
      const role = this.#roleOf(column);
      if (role.role === 'skipped') continue;
      const converted = this.#converter.convert(value, role.kind, column, (path, code, reason) => {
        leftOut.push({ column, path, code, reason });
      });
      const fault = attributes.add(role.name, role.bareName, converted);
      if (fault !== undefined) leftOut.push({ column, path: column, code: fault.code, reason: fault.reason });
    }
    return attributes;
  }

  #roleOf(column: string): ColumnRole {
    const known = this.#roles.get(column);
    if (known !== undefined) return known;
    const role = roleOf(column);
    this.#roles.set(column, role);
    return role;
  }

  #customIdFault(customId: string): Rejection | undefined {
    if (customId.trim() === '')
      return { code: 'custom_id_missing', reason: 'custom_id is missing or blank, so the event belongs to nobody' };
    if (customId.length > this.#limits.custom_id_characters) {
      return {
        code: 'custom_id_too_long',
        reason: `custom_id has ${customId.length} characters, and Batch takes ${this.#limits.custom_id_characters}`,
      };
    }
    if (/[\r\n]/.test(customId) || !customId.isWellFormed()) {
      return { code: 'custom_id_malformed', reason: 'custom_id holds a line end, or half of a surrogate pair' };
    }
    if (PLACEHOLDER_CUSTOM_IDS.has(customId.toLowerCase())) {
      return {
        code: 'custom_id_placeholder',
        reason: 'custom_id is a word that stands for "nobody" (such as null), not an identifier',
      };
    }
    return undefined;
  }
}

function roleOf(column: string): ColumnRole {
  if (OWN_COLUMNS.has(column) || column.startsWith(PLATFORM_PREFIX)) return { role: 'skipped' };
  const lowerCase = column.toLowerCase();
  for (const [prefix, kind] of PREFIXES) {
    if (lowerCase.startsWith(prefix)) {
      const bareName = lowerCase.slice(prefix.length);
      return { role: 'attribute', kind, name: `${kind}(${bareName})`, bareName };
    }
  }
  return { role: 'attribute', kind: 'plain', name: lowerCase, bareName: lowerCase };
}

/** A numeric identifier is one too, with all its digits. Anything else is none. */
function asIdentifier(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof LosslessNumber) return /^-?\d+$/.test(value.value) ? value.value : '';
  return Number.isSafeInteger(value) ? String(value) : '';
}

function eventNameFault(name: unknown): Rejection | undefined {
  if (typeof name === 'string' && EVENT_NAME.test(name)) return undefined;
  return {
    code: 'event_name_invalid',
    reason: 'event_name is missing or not a name that Batch takes: 1 to 30 of a-z, 0-9 and _',
  };
}

function rejected(code: RejectionCode, reason: string): MappedRow {
  return { kind: 'rejected', rejection: { code, reason } };
}
