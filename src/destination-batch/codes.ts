import { NAME_FORM } from './batch/limits.ts';

/**
 * Why a row is not sent, or was refused by Batch, and what to do about it in a sentence. The codes are stable: people
 * count them and search for them, and each has its page in docs/troubleshooting.
 */
const REJECTIONS = {
  custom_id_missing:
    'Map a column that holds the identifier of the profile to custom_id, and leave out rows without one',
  custom_id_too_long: 'Map the column with the identifier that Batch knows to custom_id',
  custom_id_malformed: 'Take line ends and broken characters out of the column that becomes custom_id',
  custom_id_placeholder: 'Leave out rows of nobody: their custom_id is a word such as null',
  event_name_invalid: `Give each row an event_name of ${NAME_FORM}`,
  event_time_invalid: 'Give event_time as a stamp with a zone, such as 2026-04-17T04:25:00Z, or as NULL',
  event_too_old: 'Sync more often than once a day, or set policies.untimely_event to send_without_time',
  event_in_future: 'Correct the clock that stamps the events, or set policies.untimely_event to send_without_time',
  attribute_invalid: 'Correct the column, or set policies.invalid_attribute to drop, which keeps the event',
  event_too_large: 'Leave out the largest columns',
  refused_by_batch: "Read Batch's own words above, and look at the event in a rejected row",
} as const;

/** Why an attribute is left out of its event, which is sent without it. Each code has its page, too. */
const ATTRIBUTE_CODES = [
  'name_invalid',
  'name_taken',
  'text_blank',
  'text_too_long',
  'text_malformed',
  'text_multiline',
  'number_out_of_range',
  'date_invalid',
  'url_invalid',
  'url_too_long',
  'array_too_long',
  'array_of_unsupported_items',
  'object_too_deep',
  'too_many_attributes',
  'type_unsupported',
  'attribute_refused_by_batch',
] as const;

/** What is done to a part of an event so that Batch takes it, where a policy asks for that. Each code has its page, too. */
const CHANGE_CODES = ['text_truncated', 'name_lower_cased', 'time_left_out'] as const;

export type RejectionCode = keyof typeof REJECTIONS;
export type AttributeCode = (typeof ATTRIBUTE_CODES)[number];
export type ChangeCode = (typeof CHANGE_CODES)[number];

/** Every code that a message or a rejected row may carry. */
export const REASON_CODES: readonly string[] = [...Object.keys(REJECTIONS), ...ATTRIBUTE_CODES, ...CHANGE_CODES];

/**
 * A rejected row's code and reason. `refusal` is there when the row was sent and Batch refused it.
 */
export type Rejection = { code: RejectionCode; reason: string; refusal?: Refusal };

/**
 * What Batch said of an update, in its own words, and how many events that update held. A refusal of the `whole` request
 * stored nothing of it; a partial error names the update and not the event, so that others of its events may have arrived.
 */
type Refusal = { words: string; eventsInUpdate: number; whole: boolean };

/** The reason of a refusal, by what Batch said: it names an update, not an event, so of several that is all that is known. */
export function describeRefusal({ words, eventsInUpdate }: Refusal): string {
  const which =
    eventsInUpdate === 1
      ? ''
      : ` (said of an update with ${eventsInUpdate} events; Batch does not say which of them it left out)`;
  return `Batch said: ${words}${which}`;
}

/** Why something is not sent. */
export type AttributeError = { readonly code: AttributeCode; readonly reason: string };

/** An attribute that was left out: the column, the place in it if it is nested, and why. Never the value. */
export type LeftOut = { column: string; path: string; code: AttributeCode; reason: string };

/** A part of an event that is sent otherwise than it came. Never the value. */
export type Change = { column: string; path: string; code: ChangeCode; reason: string };

/** What to do about rows that are rejected with this code, in a sentence without its point. */
export function findRemedy(code: RejectionCode): string {
  return REJECTIONS[code];
}
