import { LosslessNumber } from 'lossless-json';
import { troubleshootingPage } from '../../protocol/help-pages.ts';
import { maskValues } from '../batch/mask-values.ts';
import { describeRefusal, type Rejection } from '../codes.ts';
import type { Row } from '../mapping/mapper.ts';

/** How the part begins that a line of a rejected row has beside its record. */
const REJECTION_KEY = ',"rejection":{"code":"';

/** Columns that the log describes of a rejected row. */
const COLUMNS_TOLD = 20;

/** Characters of a name of a column that the log shows. */
const NAME_CHARACTERS = 40;

/**
 * The RECORD message of a rejected row as it came in, with its rejection beside the record, where who reads the message
 * passes over it: so the line can be given to `write` again as it is. The row's text is not touched.
 *
 * @param line a RECORD message in JSON; the rejection of an earlier run in it is replaced.
 * @param at milliseconds since the epoch.
 */
export function addRejection(line: string, { code, reason, refusal }: Rejection, at: number): string {
  const rejection = JSON.stringify({
    code,
    reason,
    batch_said: refusal?.words ?? null,
    sent: refusal !== undefined,
    events_in_update: refusal?.eventsInUpdate ?? 0,
    may_have_arrived: mayHaveArrived(refusal),
    rejected_at: new Date(at).toISOString(),
    help: troubleshootingPage(code),
  });
  return `${withoutRejection(line.trim()).slice(0, -1)},"rejection":${rejection}}`;
}

/**
 * Batch names the update that it refused something of, and not the event: of several, any may have been taken. A request
 * that was refused whole stored none.
 */
function mayHaveArrived(refusal: Rejection['refusal']): boolean {
  return refusal !== undefined && !refusal.whole && refusal.eventsInUpdate > 1;
}

/** Without the rejection that `addRejection` put behind the record; a column of that name is left alone. */
function withoutRejection(line: string): string {
  const start = line.lastIndexOf(REJECTION_KEY);
  if (start === -1) return line;
  const rest = `${line.slice(0, start)}}`;
  // Only when it stood beside the record, and not in it, is the rest a whole message.
  return isJson(rest) ? rest : line;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** The reason of a rejection for the log: without the values of the row that Batch's words quote. */
export function explainRejection({ reason, refusal }: Rejection, row: Row): string {
  return refusal === undefined ? reason : describeRefusal({ ...refusal, words: maskValues(refusal.words, row) });
}

/** A row for the log: its columns, and of each value the kind and the length, never the value itself. */
export function describeRow(row: Row): string {
  const columns = Object.entries(row);
  const told = columns.slice(0, COLUMNS_TOLD).map(([name, value]) => `${shorten(name)} (${describeValue(value)})`);
  const more = columns.length > told.length ? `, and ${columns.length - told.length} more` : '';
  return told.length === 0 ? 'no columns at all' : `${told.join(', ')}${more}`;
}

function describeValue(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'string') return value.trim() === '' ? 'blank string' : `string of ${value.length}`;
  if (Array.isArray(value)) return `array of ${value.length}`;
  if (value instanceof LosslessNumber) return 'number';
  return typeof value;
}

function shorten(name: string): string {
  return name.length <= NAME_CHARACTERS ? name : `${name.slice(0, NAME_CHARACTERS)}…`;
}
