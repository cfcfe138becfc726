/** Why a row is not sent, or was refused by Batch. The codes are stable: people count them and search for them. */
export type RejectionCode =
  | 'custom_id_missing'
  | 'custom_id_too_long'
  | 'custom_id_malformed'
  | 'custom_id_placeholder'
  | 'event_name_invalid'
  | 'event_time_invalid'
  | 'event_too_old'
  | 'event_in_future'
  | 'attribute_invalid'
  | 'event_too_large'
  | 'refused_by_batch';

/** Why an attribute is left out of its event, which is sent without it. */
export type AttributeCode =
  | 'name_invalid'
  | 'name_taken'
  | 'text_blank'
  | 'text_too_long'
  | 'text_malformed'
  | 'text_multiline'
  | 'number_out_of_range'
  | 'date_invalid'
  | 'url_invalid'
  | 'url_too_long'
  | 'array_too_long'
  | 'array_of_unsupported_items'
  | 'object_too_deep'
  | 'too_many_attributes'
  | 'type_unsupported';

/** What is done to a part of an event so that Batch takes it, where a policy asks for that. */
export type ChangeCode = 'text_truncated' | 'name_lower_cased' | 'time_left_out';

export type Rejection = { code: RejectionCode; reason: string };

/** An attribute that was left out: the column, the place in it if it is nested, and why. Never the value. */
export type LeftOut = { column: string; path: string; code: AttributeCode; reason: string };

/** A part of an event that is sent otherwise than it came. Never the value. */
export type Change = { column: string; path: string; code: ChangeCode; reason: string };
