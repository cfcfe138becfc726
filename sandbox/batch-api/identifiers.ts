import { isJsonObject, type Json } from './json.ts';
import type { Limits } from './limits.ts';

export type IdentifiersVerdict =
  | { readonly kind: 'good' /** Null for an installation. */; readonly customId: string | null }
  /** They are missing or not in the documented form: the limit `badIdentifiers` decides what that costs. */
  | { readonly kind: 'missing' | 'malformed'; readonly reason: string }
  /** In the right form, but with a value that is not allowed. */
  | { readonly kind: 'refused'; readonly reason: string };

// The words that programs write instead of no id [sdk: sources IOSSDK, ANDSDK and WEBSDK in docs/batch-api.md].
const PLACEHOLDERS: ReadonlySet<string> = new Set([
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

/**
 * `identifiers`: exactly one of `custom_id` and `installation` [documented: source UPD in docs/batch-api.md; inner names
 * reported: source DRV].
 */
export function judgeIdentifiers(identifiers: Json | undefined, limits: Limits): IdentifiersVerdict {
  if (identifiers === undefined) return { kind: 'missing', reason: 'identifiers are missing' };
  if (!isJsonObject(identifiers)) return { kind: 'malformed', reason: 'identifiers are not an object' };
  const kinds = Object.keys(identifiers);
  if (kinds.length === 0) return { kind: 'missing', reason: 'identifiers contain neither custom_id nor installation' };
  if (kinds.length > 1 || (kinds[0] !== 'custom_id' && kinds[0] !== 'installation')) {
    return { kind: 'malformed', reason: 'identifiers must contain either custom_id or installation, and nothing else' };
  }
  return kinds[0] === 'custom_id'
    ? judgeCustomId(identifiers.custom_id, limits)
    : judgeInstallation(identifiers.installation);
}

function judgeCustomId(customId: Json | undefined, limits: Limits): IdentifiersVerdict {
  if (typeof customId !== 'string') return { kind: 'malformed', reason: 'custom_id is not a string' };
  if (customId === '') return { kind: 'refused', reason: 'custom_id is empty' };
  if (customId.length > limits.customIdMax) {
    return {
      kind: 'refused',
      reason: `custom_id is ${customId.length} characters long, at most ${limits.customIdMax} are allowed`,
    };
  }
  const isSuspect = customId.trim() === '' || /[\r\n]/.test(customId) || PLACEHOLDERS.has(customId.toLowerCase());
  if (isSuspect && limits.sdkRefusedCustomId === 'refuse') {
    return { kind: 'refused', reason: 'custom_id is blank, has several lines, or is a placeholder such as null' };
  }
  if (limits.malformedText === 'refuse' && !customId.isWellFormed()) {
    return { kind: 'refused', reason: 'custom_id contains half of a surrogate pair' };
  }
  return { kind: 'good', customId };
}

function judgeInstallation(installation: Json | undefined): IdentifiersVerdict {
  const isWhole =
    isJsonObject(installation) &&
    Object.keys(installation).length === 2 &&
    [installation.apikey, installation.installation_id].every((part) => typeof part === 'string' && part !== '');
  return isWhole
    ? { kind: 'good', customId: null }
    : {
        kind: 'malformed',
        reason: 'installation must contain the strings apikey and installation_id, and nothing else',
      };
}
