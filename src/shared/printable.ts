/** Characters that a terminal would act upon instead of showing them, and halves of surrogate pairs. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** A text from outside as it can be shown on one line of a terminal: what a terminal would act upon is written as an escape. */
export function printable(text: string): string {
  return text.replace(
    UNPRINTABLE,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** A text of several lines in the same way. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}
