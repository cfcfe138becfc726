/**
 * What Batch's profile API accepts, as far as it is known. docs/batch-api.md names the source of each number, and
 * explains "documented", "SDK" and "reported". Limits that are not documented may differ, so they can be set in the
 * configuration, under "limits".
 */

/** Defaults of the limits that Batch's documentation does not state. Each is a maximum. */
export const DEFAULT_LIMITS = {
  /** Events in one update (reported). */
  events_per_update: 15,
  /** Bytes of one event in JSON (reported). */
  event_bytes: 25_000,
  /** Attributes of a profile in one update (reported). */
  attributes_per_update: 50,
  /** Bytes of one request's body. Batch documents no limit. This is what common HTTP servers accept by default. */
  request_bytes: 4 * 1024 * 1024,
  /** Characters of a custom_id (reported; SDK: under 512 on the Web, up to 1,024 on Android and iOS). */
  custom_id_characters: 512,
  /**
   * Characters of a string, counted in UTF-16 units as in the SDKs (reported and SDK; the maximum was 200 until late
   * 2025).
   */
  string_characters: 300,
  /** Characters of a URL (reported and SDK). */
  url_characters: 2048,
  /** Characters of `$email_address` (SDK). */
  email_characters: 256,
  /** Items of an array, in events and on profiles (SDK). */
  array_items: 25,
  /** Attributes of an event, and of each object in it (SDK). */
  attributes_per_object: 20,
  /** Levels of objects below the event's attributes (SDK). */
  object_depth: 3,
  /** Characters of an event's label (SDK). */
  label_characters: 200,
  /** Tags of an event (SDK, and documented for the older trigger-events API). */
  tags_per_event: 10,
  /** Characters of a tag (SDK, and documented for the older trigger-events API). */
  tag_characters: 64,
  /**
   * Hours from an event's time to the moment when Batch receives it (reported). The event's time must not be in the
   * future.
   */
  event_age_hours: 24,
} as const;

export type Limits = { [Name in keyof typeof DEFAULT_LIMITS]: number };

/**
 * The time, in milliseconds, that is reserved for waits because of the rate limit and for retries. When its row arrives, an event
 * must be younger than Batch's limit by this margin plus the flush interval. If policies.untimely_event is `send`, there is no
 * margin. Another client of the API is reported to use the same margin (source MM in docs/batch-api.md).
 */
export const EVENT_AGE_MARGIN_MS = 5 * 60 * 1000;

/** Matches the valid names of events (reported and SDK). */
export const EVENT_NAME = /^[a-z0-9_]{1,30}$/;
/** Matches the valid names of attributes, without the `date(…)` or `url(…)` around them (reported and SDK). */
export const ATTRIBUTE_NAME = /^[a-z0-9_]{1,30}$/;

/** Matches the valid values of `$email_address` (SDK; of the SDKs' rules, this is the most permissive one). */
export const EMAIL_ADDRESS = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;
/** Matches the valid values of `$phone_number`: the E.164 format (SDK). */
export const PHONE_NUMBER = /^\+\d{1,15}$/;
/** Matches the valid values of `$language` and `$region` (reported). */
export const TWO_LETTER_CODE = /^[a-z]{2}$/i;
/** Matches possible values of `$timezone`: strings in the form of a name in the IANA database (reported). */
export const TIME_ZONE = /^[A-Za-z][\w+-]*(?:\/[\w+-]+)*$/;
/** The valid values of `$email_marketing` and `$sms_marketing` (documented). */
export const SUBSCRIPTION_STATES: ReadonlySet<string> = new Set(['subscribed', 'unsubscribed']);

/** The form of EVENT_NAME and ATTRIBUTE_NAME in words, for messages. */
export const NAME_FORM = '1 to 30 characters from a-z, 0-9 and _';

/**
 * Placeholders that programs write for a missing id. They are listed here in lower case. The SDKs refuse them in lower
 * and in upper case.
 */
export const PLACEHOLDER_CUSTOM_IDS: ReadonlySet<string> = new Set([
  'undefined',
  'null',
  'nil',
  '(null)',
  '[object object]',
  'true',
  'false',
  'nan',
  'infinity',
  '-infinity',
]);

/** Batch's project keys begin with this (docs/batch-api.md, section 1), and its REST API keys don't. */
const PROJECT_KEY_PREFIX = 'project_';

/** Checks whether a key looks like the key of a project. */
export function isProjectKey(key: string): boolean {
  return key.startsWith(PROJECT_KEY_PREFIX);
}
