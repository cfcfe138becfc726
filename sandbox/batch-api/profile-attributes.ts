import type { AttributeTypes } from './attribute-types.ts';
import type { AttributeProblem, KeptAttributes } from './event-attributes.ts';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from './json.ts';
import type { Limits } from './limits.ts';
import { checkPlainText, checkScalar, type KeyType, type Problem, typeOfKey } from './values.ts';

type Rule = (value: Json, limits: Limits) => Problem;

const subscription: Rule = (value) =>
  value === 'subscribed' || value === 'unsubscribed' ? undefined : 'neither subscribed nor unsubscribed';
const twoLetters: Rule = (value) =>
  typeof value === 'string' && /^[a-z]{2}$/i.test(value) ? undefined : 'not a code of two letters';
const emailAddress: Rule = (value, { emailMax, emailPattern }) => {
  if (typeof value !== 'string' || !emailPattern.test(value)) return 'not an email address';
  return value.length > emailMax
    ? `an email address of ${value.length} characters, at most ${emailMax} are allowed`
    : undefined;
};
const phoneNumber: Rule = (value, { phonePattern }) =>
  typeof value === 'string' && phonePattern.test(value) ? undefined : 'not a phone number such as +33612345678';
const timezone: Rule = (value) =>
  typeof value === 'string' && isTimezone(value) ? undefined : 'not a time zone such as Europe/Paris';
const topic: Rule = (value, { topicPattern }) =>
  typeof value === 'string' && topicPattern.test(value)
    ? undefined
    : `a topic that does not match ${topicPattern.source}`;

/**
 * Native attributes [documented: sample of the source MASS in docs/batch-api.md; topics reported: source MCPG; the rules
 * of the codes reported: source SEGM; those of addresses, numbers and topics sdk: sources WEBSDK, IOSSDK].
 */
const nativeRules: ReadonlyMap<string, Rule> = new Map([
  ['$email_address', emailAddress],
  ['$email_marketing', subscription],
  ['$phone_number', phoneNumber],
  ['$sms_marketing', subscription],
  ['$language', twoLetters],
  ['$region', twoLetters],
  ['$timezone', timezone],
  ['$topic_preferences', (value, limits) => checkStrings(value, limits, topic)],
]);

/**
 * Keeps the attributes of a profile that Batch would accept. Null is accepted: it deletes an attribute [documented:
 * source UPD].
 */
export function keepProfileAttributes(attributes: JsonObject, limits: Limits, types?: AttributeTypes): KeptAttributes {
  const problems: AttributeProblem[] = [];
  const kept = Object.entries(attributes).filter(([key, value], index) => {
    const reason =
      index < limits.profileAttributesMax
        ? checkAttribute(key, value, limits, types)
        : `more than ${limits.profileAttributesMax} attributes`;
    if (reason !== undefined) problems.push({ path: key, reason });
    return reason === undefined;
  });
  return { attributes: problems.length === 0 ? attributes : Object.fromEntries(kept), problems };
}

function checkAttribute(key: string, value: Json, limits: Limits, types: AttributeTypes | undefined): Problem {
  const nativeRule = nativeRules.get(key);
  const type = typeOfKey(key, limits);
  if (nativeRule === undefined && type === undefined) return 'not a valid key';
  if (value === null) return undefined;
  if (nativeRule !== undefined) return nativeRule(value, limits);
  return checkCustomValue(type ?? 'plain', value, limits) ?? types?.check('profile', key, type ?? 'plain', value);
}

function checkCustomValue(type: KeyType, value: Json, limits: Limits): Problem {
  return type === 'plain' && (isJsonArray(value) || isJsonObject(value))
    ? checkStrings(value, limits)
    : checkScalar(type, value, limits);
}

/** An array of strings, or edits of one: `$add` [documented: sample of the source MASS], `$remove` [sdk: source WEBSDK]. */
function checkStrings(value: Json, limits: Limits, checkItem: Rule = checkPlainText): Problem {
  if (!isJsonObject(value)) return checkArray(value, limits, checkItem);
  const edits = Object.entries(value);
  if (edits.length === 0 || edits.some(([edit]) => edit !== '$add' && edit !== '$remove')) {
    return 'neither an array of strings nor an edit of one by $add and $remove';
  }
  return edits.map(([, items]) => checkArray(items, limits, checkItem)).find((problem) => problem !== undefined);
}

function checkArray(value: Json, limits: Limits, checkItem: Rule): Problem {
  if (!isJsonArray(value)) return 'not an array of strings';
  if (value.length > limits.arrayMax)
    return `an array of ${value.length} items, at most ${limits.arrayMax} are allowed`;
  if (value.length === 0 && limits.emptyArray === 'refuse') return 'an empty array';
  return value.map((item) => checkItem(item, limits)).find((problem) => problem !== undefined);
}

/** A name of the IANA database. Node also accepts offsets such as +01:00. */
function isTimezone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
