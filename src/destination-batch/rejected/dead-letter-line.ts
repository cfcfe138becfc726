import { LosslessNumber } from 'lossless-json';
import { troubleshootingPage } from '../../protocol/help-pages.ts';
import { isJsonObject, parseExact, tryParseJson } from '../../shared/exact-json.ts';
import { formatCount } from '../../shared/format.ts';
import { parseAttributeRow } from '../attribute-rows.ts';
import { maskValues } from '../batch/mask-values.ts';
import { describeRefusal, type Rejection } from '../codes.ts';
import type { Row } from '../mapping/mapper.ts';

/** The key of the rejection in the line of a rejected row, with the comma that separates it from the record. */
const REJECTION_NAME = ',"rejection":';
/** How a rejection begins in a line. */
const REJECTION_KEY = `${REJECTION_NAME}{"code":"`;

/** The maximum number of columns in the description of a rejected row. */
const MAX_COLUMNS = 20;

/** The maximum number of characters of a column's name that are shown. */
const NAME_CHARACTERS = 40;

/**
 * Adds a rejection to the RECORD message of a row. The rejection becomes a key next to `record`. Readers of the protocol ignore
 * unknown keys there, so the line can be given to `write` again. The bytes of the row stay the same.
 *
 * @param line a RECORD message in JSON. If an earlier run added a rejection, the new one replaces it and continues its count of
 * attempts.
 * @param at the time of the rejection, in milliseconds since the epoch.
 */
export function toDeadLetter(line: string, { code, reason, refusal }: Rejection, at: number): string {
  const { message, earlier } = splitDeadLetter(line);
  return joinDeadLetter(message, {
    code,
    reason,
    batch_said: refusal?.words ?? null,
    sent: refusal !== undefined,
    events_in_update: refusal?.rowsInUpdate ?? 0,
    // An event that an earlier attempt may have delivered stays marked, whatever its rejection is now.
    may_have_arrived: mayHaveArrived(refusal) || earlier?.may_have_arrived === true,
    rejected_at: new Date(at).toISOString(),
    attempts: countAttempts(earlier) + 1,
    help: troubleshootingPage(code),
  });
}

/**
 * Marks a dead letter whose row was sent again without a response, so Batch may have stored the event. The reason of the last
 * rejection is kept.
 */
export function toUncertainDeadLetter(line: string): string {
  const { message, earlier } = splitDeadLetter(line);
  return joinDeadLetter(message, {
    ...(earlier ?? { code: 'refused_by_batch', reason: 'a retry was killed while it was sending the row' }),
    sent: true,
    may_have_arrived: true,
    attempts: countAttempts(earlier) + 1,
  });
}

/** A rejection as a line contains it. The keys and values of a line from an earlier version may differ. */
type StoredRejection = Record<string, unknown>;

function joinDeadLetter(message: string, rejection: StoredRejection): string {
  return `${message.slice(0, -1)},"rejection":${JSON.stringify(rejection)}}`;
}

/** Returns how often a row was rejected. Earlier versions did not count that. */
function countAttempts(rejection: StoredRejection | undefined): number {
  if (rejection === undefined) return 0;
  return typeof rejection.attempts === 'number' ? rejection.attempts : 1;
}

/**
 * Returns whether Batch may have stored the event. If Batch accepted the request but reported an error for the update,
 * the error does not say which event caused it, so Batch may have stored any of the events in the update. If Batch
 * refused the whole request, it stored no events.
 */
function mayHaveArrived(refusal: Rejection['refusal']): boolean {
  return refusal !== undefined && !refusal.whole && refusal.rowsInUpdate > 1;
}

/**
 * Splits a line into the RECORD message and the rejection that `toDeadLetter` added after the record, if there is one. A column
 * that is called `rejection` is part of the message.
 */
function splitDeadLetter(line: string): { message: string; earlier: StoredRejection | undefined } {
  const whole = line.trim();
  const start = whole.lastIndexOf(REJECTION_KEY);
  const message = start === -1 ? whole : `${whole.slice(0, start)}}`;
  // The message is complete only if the rejection was next to the record and not inside it.
  if (start === -1 || tryParseJson(message) === undefined) return { message: whole, earlier: undefined };
  const earlier = tryParseJson(whole.slice(start + REJECTION_NAME.length, -1));
  return { message, earlier: isJsonObject(earlier) ? earlier : {} };
}

/** Returns the reason for a rejection, for the log. Masks the values of the row that Batch's message quotes. */
export function explainRejection({ code, reason, refusal }: Rejection, row: Row): string {
  if (refusal === undefined) return reason;
  const said = describeRefusal({ ...refusal, words: maskValues(refusal.words, row) });
  // The reason of any other code explains why Batch refused the event.
  return code === 'refused_by_batch' ? said : `${reason}. ${said}`;
}

/** Describes a row for the log: its columns, with the kind and the length of each value, but never the value itself. */
export function describeRow(row: Row): string {
  const columns = Object.entries(row);
  const described = columns.slice(0, MAX_COLUMNS).map(([name, value]) => `${shorten(name)} (${describeValue(value)})`);
  const more = columns.length > described.length ? `, and ${columns.length - described.length} more` : '';
  return described.length === 0 ? 'no columns at all' : `${described.join(', ')}${more}`;
}

function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'string')
    return value.trim() === '' ? 'blank string' : `string of ${formatCount(value.length, 'character')}`;
  if (Array.isArray(value)) return `array of ${formatCount(value.length, 'item')}`;
  if (value instanceof LosslessNumber) return 'number';
  return typeof value;
}

function shorten(name: string): string {
  return name.length <= NAME_CHARACTERS ? name : `${name.slice(0, NAME_CHARACTERS)}…`;
}

/** Rebuilds the part of a row that was sent, from the JSON of its event, or from its attributes (see `writeAttributeRow`). */
export function rebuildRow(customId: string, json: string): Row {
  if (!json.startsWith('{')) return { custom_id: customId, ...parseAttributeRow(json) };
  const event = parseExact(json);
  if (!isJsonObject(event)) return {};
  const { name, time, attributes } = event;
  const row = { custom_id: customId, event_name: name, ...(time === undefined ? {} : { event_time: time }) };
  return isJsonObject(attributes) ? { ...row, ...attributes } : row;
}
