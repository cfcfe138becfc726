import {
  EMAIL_ADDRESS,
  type Limits,
  PHONE_NUMBER,
  SUBSCRIPTION_STATES,
  TIME_ZONE,
  TWO_LETTER_CODE,
} from '../../batch/limits.ts';
import type { AttributeError } from '../../codes.ts';
import { attributeError } from '../attribute-errors.ts';
import { describeLength } from '../text.ts';

/** The beginning of the names of the columns for Batch's own attributes (docs/batch-api.md, section 5). */
const NATIVE_PREFIX = 'batch__';

type NativeLimits = Pick<Limits, 'email_characters'>;

/** Returns why Batch would not accept a value, or undefined for a valid one. */
type Rule = (value: string, limits: NativeLimits) => AttributeError | undefined;

const NOT_EMAIL = invalid('is not an email address, such as ana@example.com');
const NOT_PHONE = invalid('is not a phone number in the E.164 format, such as +33612345678');
const NOT_SUBSCRIPTION = invalid('is neither "subscribed" nor "unsubscribed"');
const NOT_CODE = invalid('is not a code of two letters, such as fr');
const NOT_TIME_ZONE = invalid('is not the name of a time zone, such as Europe/Paris');

const checkSubscription: Rule = (value) => (SUBSCRIPTION_STATES.has(value) ? undefined : NOT_SUBSCRIPTION);
const checkCode: Rule = (value) => (TWO_LETTER_CODE.test(value) ? undefined : NOT_CODE);
const checkEmail: Rule = (value, { email_characters: max }) => {
  if (!EMAIL_ADDRESS.test(value) || !value.isWellFormed()) return NOT_EMAIL;
  return value.length > max ? invalid(`has ${describeLength(value)}, but Batch accepts at most ${max}`) : undefined;
};

/** Batch's own attributes that can be sent, with the rules for their values (docs/batch-api.md, section 2.2). */
const NATIVE_ATTRIBUTES: ReadonlyMap<string, { description: string; check: Rule }> = new Map([
  ['email_address', { description: "The profile's email address", check: checkEmail }],
  ['email_marketing', { description: 'subscribed or unsubscribed', check: checkSubscription }],
  [
    'phone_number',
    {
      description: "The profile's phone number in the E.164 format, such as +33612345678",
      check: (value) => (PHONE_NUMBER.test(value) ? undefined : NOT_PHONE),
    },
  ],
  ['sms_marketing', { description: 'subscribed or unsubscribed', check: checkSubscription }],
  ['language', { description: 'A language as a code of two letters, such as fr', check: checkCode }],
  ['region', { description: 'A country as a code of two letters, such as FR', check: checkCode }],
  [
    'timezone',
    {
      description: 'A time zone by its IANA name, such as Europe/Paris',
      check: (value) => (TIME_ZONE.test(value) ? undefined : NOT_TIME_ZONE),
    },
  ],
]);

/** The columns for Batch's own attributes, and what they contain. */
export const NATIVE_COLUMNS: readonly { column: string; description: string }[] = [...NATIVE_ATTRIBUTES].map(
  ([name, { description }]) => ({ column: NATIVE_PREFIX + name, description }),
);

const UNKNOWN_NATIVE = attributeError(
  'name_invalid',
  `begins with ${NATIVE_PREFIX}, but is not one of Batch's own attributes: ${NATIVE_COLUMNS.map(({ column }) => column).join(', ')}`,
);

/** What a column for one of Batch's own attributes is sent as: its name, such as `$language`, or why nothing can be sent. */
export type NativeColumn =
  | { kind: 'native'; name: string; check: NativeCheck }
  | { kind: 'unknown'; error: AttributeError };

/** Returns the JSON of a value, or why Batch would not accept it. */
export type NativeCheck = (value: unknown, limits: NativeLimits) => string | AttributeError;

/**
 * Returns what a column is sent as, or undefined if its name does not begin with `batch__`. Capital letters in the name are treated
 * like lower case.
 */
export function parseNativeColumn(column: string): NativeColumn | undefined {
  const lowerCase = column.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  if (!lowerCase.startsWith(NATIVE_PREFIX)) return undefined;
  const name = lowerCase.slice(NATIVE_PREFIX.length);
  const native = NATIVE_ATTRIBUTES.get(name);
  if (native === undefined) return { kind: 'unknown', error: UNKNOWN_NATIVE };
  return {
    kind: 'native',
    name: `$${name}`,
    check: (value, limits) =>
      typeof value === 'string' ? (native.check(value, limits) ?? JSON.stringify(value)) : NOT_STRING,
  };
}

const NOT_STRING = invalid("is not a string, but all of Batch's own attributes must be strings");

function invalid(reason: string): AttributeError {
  return attributeError('native_attribute_invalid', reason);
}
