/**
 * The codes of rejected rows, each with advice for the user. A row is rejected either by a check before it is sent, or by Batch.
 * The codes are stable, because users count them and search for them. Each code has a page in docs/troubleshooting.
 */
const REJECTIONS = {
  custom_id_missing: 'Map the column with the profile id to custom_id, and filter out rows without an id',
  custom_id_too_long: 'For custom_id, use the column with the ids that Batch knows',
  custom_id_malformed: 'Remove line breaks and broken characters from the column for custom_id',
  custom_id_placeholder: 'Filter out rows whose custom_id is a placeholder such as null',
  event_name_invalid:
    "Convert event_name in a view, for example with lower(replaceRegexpAll(event_name, '[^A-Za-z0-9]+', '_')), and filter out rows without a name",
  event_time_invalid:
    'Write event_time with a time zone, or as NULL: Batch then uses the time at which it receives the event',
  event_too_old:
    'To leave out old rows in a first run, set "start_from" in the source, for example to "23h". Otherwise, sync more often than once a day, or set policies.untimely_event to send_without_time',
  event_in_future: 'Correct the clock that sets event_time, or set policies.untimely_event to send_without_time',
  attribute_invalid:
    'Correct the column, or set policies.invalid_attribute to drop: the row is then sent without the attribute, unless it sets attributes of a profile and has no other valid one',
  event_too_large: 'Exclude the largest columns',
  refused_by_batch: "Read Batch's message above, and inspect a stored rejected row (see the rejected_rows option)",
} as const;

/**
 * Why an attribute is left out. The rest of the row is usually still sent. The row is rejected if policies.invalid_attribute is
 * reject_event, or if it is a row of profile attributes and none of them can be sent. A blank string (text_blank) never rejects a
 * row. Each of these codes also has a page in docs/troubleshooting.
 */
const ATTRIBUTE_CODES = [
  'name_invalid',
  'name_taken',
  'text_blank',
  'text_too_long',
  'text_malformed',
  'text_multiline',
  'number_out_of_range',
  'number_not_integer',
  'date_invalid',
  'url_invalid',
  'url_too_long',
  'array_too_long',
  'array_of_unsupported_items',
  'object_too_deep',
  'too_many_attributes',
  'type_unsupported',
  'native_attribute_invalid',
  'attribute_refused_by_batch',
] as const;

/** How a policy changes an event so that Batch accepts it. Each of these codes also has a troubleshooting page. */
const CHANGE_CODES = ['text_truncated', 'name_lower_cased', 'time_left_out'] as const;

export type RejectionCode = keyof typeof REJECTIONS;
export type AttributeCode = (typeof ATTRIBUTE_CODES)[number];
export type ChangeCode = (typeof CHANGE_CODES)[number];

/** The codes of rejected rows. */
export const REJECTION_CODES: readonly string[] = Object.keys(REJECTIONS);

/** Every code for a problem with a row, as in log messages and stored rejected rows. */
export const REASON_CODES: readonly string[] = [...REJECTION_CODES, ...ATTRIBUTE_CODES, ...CHANGE_CODES];

/** Why a row is rejected. `refusal` is set if the row was sent and Batch refused it. */
export type Rejection = { code: RejectionCode; reason: string; refusal?: Refusal };

/** Batch's error about an update. */
type Refusal = {
  /** Batch's message. */
  words: string;
  /** The number of rows in the update: events plus rows with attributes. */
  rowsInUpdate: number;
  /**
   * True if Batch refused the whole request and stored nothing of it. False if Batch accepted the request but reported an error for
   * this update. Batch may then have stored other rows of the update, and the error does not say which row it is about.
   */
  whole: boolean;
};

/**
 * Returns a description of a refusal. If the update has several rows, the description also mentions that Batch does
 * not say which of them it refused.
 */
export function describeRefusal({ words, rowsInUpdate }: Refusal): string {
  const which =
    rowsInUpdate === 1 ? '' : ` (for an update with ${rowsInUpdate} rows; Batch does not say which of them it refused)`;
  return `Batch said: ${words}${which}`;
}

/** Why an attribute, or a part of it, is not sent. */
export type AttributeError = { readonly code: AttributeCode; readonly reason: string };

/**
 * An attribute that was left out. It can be nested in an object, so `path` is the name of the column, or a path that
 * begins with it, such as `items[0].name`. The value is never included.
 */
export type LeftOut = { column: string; path: string; code: AttributeCode; reason: string };

/** A change that a policy made to an event before sending. `path` is as in LeftOut. The value is never included. */
export type Change = { column: string; path: string; code: ChangeCode; reason: string };

/** Returns what to do about rows that are rejected with this code, as a sentence without its full stop. */
export function findRemedy(code: RejectionCode): string {
  return REJECTIONS[code];
}
