import type { AttributeProblem, KeptAttributes } from './event-attributes.ts';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from './json.ts';
import type { Limits } from './limits.ts';
import { checkPlainText, checkScalar, type Problem, typeOfKey } from './values.ts';

type Rule = (value: Json, limits: Limits) => Problem;

const text: Rule = checkPlainText;
const subscription: Rule = (value) =>
  value === 'subscribed' || value === 'unsubscribed' ? undefined : 'neither subscribed nor unsubscribed';
const twoLetters: Rule = (value) =>
  typeof value === 'string' && /^[a-z]{2}$/i.test(value) ? undefined : 'not a code of two letters';

/**
 * Native attributes [documented: sample of the source MASS in docs/batch-api.md; topics reported: source MCPG; the rules
 * of the codes reported: source SEGM].
 */
const nativeRules: ReadonlyMap<string, Rule> = new Map([
  ['$email_address', text],
  ['$email_marketing', subscription],
  ['$phone_number', text],
  ['$sms_marketing', subscription],
  ['$language', twoLetters],
  ['$region', twoLetters],
  ['$timezone', text],
  ['$topic_preferences', checkStrings],
]);

/**
 * Keeps the attributes of a profile that Batch would accept. Null is accepted: it deletes an attribute [documented:
 * source UPD].
 */
export function keepProfileAttributes(attributes: JsonObject, limits: Limits): KeptAttributes {
  const problems: AttributeProblem[] = [];
  const kept = Object.entries(attributes).filter(([key, value], index) => {
    const reason =
      index < limits.profileAttributesMax
        ? checkAttribute(key, value, limits)
        : `more than ${limits.profileAttributesMax} attributes`;
    if (reason !== undefined) problems.push({ path: key, reason });
    return reason === undefined;
  });
  return { attributes: problems.length === 0 ? attributes : Object.fromEntries(kept), problems };
}

function checkAttribute(key: string, value: Json, limits: Limits): Problem {
  const nativeRule = nativeRules.get(key);
  const type = typeOfKey(key, limits);
  if (nativeRule === undefined && type === undefined) return 'not a valid key';
  if (value === null) return undefined;
  if (nativeRule !== undefined) return nativeRule(value, limits);
  if (type === 'plain' && (isJsonArray(value) || isJsonObject(value))) return checkStrings(value, limits);
  return checkScalar(type ?? 'plain', value, limits);
}

/** An array of strings, or edits of one: `$add` [documented: sample of the source MASS], `$remove` [sdk: source WEBSDK]. */
function checkStrings(value: Json, limits: Limits): Problem {
  if (!isJsonObject(value)) return checkArray(value, limits);
  const edits = Object.entries(value);
  if (edits.length === 0 || edits.some(([edit]) => edit !== '$add' && edit !== '$remove')) {
    return 'neither an array of strings nor an edit of one by $add and $remove';
  }
  return edits.map(([, items]) => checkArray(items, limits)).find((problem) => problem !== undefined);
}

function checkArray(value: Json, limits: Limits): Problem {
  if (!isJsonArray(value)) return 'not an array of strings';
  if (value.length > limits.arrayMax)
    return `an array of ${value.length} items, at most ${limits.arrayMax} are allowed`;
  if (value.length === 0 && limits.emptyArray === 'refuse') return 'an empty array';
  return value.map((item) => text(item, limits)).find((problem) => problem !== undefined);
}
