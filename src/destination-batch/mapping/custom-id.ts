import { LosslessNumber } from 'lossless-json';
import { type Limits, PLACEHOLDER_CUSTOM_IDS } from '../batch/limits.ts';
import type { Rejection } from '../codes.ts';
import { describeLength, hasLineEnd, isBlank, isUnescapedAscii } from './text.ts';

/** The first characters of the placeholders. An id with any other first character need not be converted to lower case. */
const PLACEHOLDER_INITIALS: ReadonlySet<number> = new Set(
  [...PLACEHOLDER_CUSTOM_IDS].flatMap((word) => [word.charCodeAt(0), word.toUpperCase().charCodeAt(0)]),
);

/** The rules for the id of a profile (docs/batch-api.md, section 2.1). */
export class CustomIdRules {
  readonly #column: string;
  readonly #maxCharacters: number;
  readonly #purpose: string;

  /**
   * @param column the column with the id.
   * @param purpose what the profile is needed for. In messages, it follows "there is no profile".
   */
  constructor(column: string, { custom_id_characters }: Pick<Limits, 'custom_id_characters'>, purpose: string) {
    this.#column = column;
    this.#maxCharacters = custom_id_characters;
    this.#purpose = purpose;
  }

  /** Returns why a row with this id is rejected, or undefined for a valid id. */
  findError(customId: string): Rejection | undefined {
    const column = this.#column;
    if (isBlank(customId)) {
      return {
        code: 'custom_id_missing',
        reason: `${column} is missing or blank, so there is no profile ${this.#purpose}`,
      };
    }
    if (customId.length > this.#maxCharacters) {
      return {
        code: 'custom_id_too_long',
        reason: `${column} has ${describeLength(customId)}, but Batch accepts at most ${this.#maxCharacters}`,
      };
    }
    if (!isUnescapedAscii(customId) && (hasLineEnd(customId) || !customId.isWellFormed())) {
      return { code: 'custom_id_malformed', reason: `${column} contains a line break or half of a surrogate pair` };
    }
    if (mayBePlaceholder(customId.charCodeAt(0)) && PLACEHOLDER_CUSTOM_IDS.has(customId.toLowerCase())) {
      return {
        code: 'custom_id_placeholder',
        reason: `${column} is a placeholder (such as null), not an identifier`,
      };
    }
    return undefined;
  }
}

/** Checks whether an id with this first character may be a placeholder. */
export function mayBePlaceholder(firstCharacter: number): boolean {
  return PLACEHOLDER_INITIALS.has(firstCharacter);
}

/** Converts a string or an integer to an id. Integers keep all their digits. Any other value becomes an empty string. */
export function toIdentifier(value: unknown): string {
  if (typeof value === 'string') return value;
  // Some platforms write the integers of a column that also contains NULL as 7.0.
  if (value instanceof LosslessNumber) return /^(-?\d+)(?:\.0+)?$/.exec(value.value)?.[1] ?? '';
  return Number.isSafeInteger(value) ? String(value) : '';
}
