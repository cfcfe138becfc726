import { LosslessNumber } from 'lossless-json';
import { isJsonObject } from '../../shared/exact-json.ts';

/** The maximum number of characters of Batch's message that are shown. */
const MOST_SHOWN = 200;

/**
 * The minimum length of a value that is masked everywhere. Shorter values may be parts of other words, so they are
 * masked only in quotation marks.
 */
const TELLING_CHARACTERS = 3;

/**
 * The number of first characters by which a longer value is recognised. Batch may truncate the values that it quotes, so it is not
 * enough to look for the whole value.
 */
const TELLING_START = 8;

const MASK = '****';

/** Matches text in quotation marks. An apostrophe counts as a quotation mark only at the edge of a word. */
const QUOTED = /"([^"]*)"|`([^`]*)`|“([^”]*)”|«([^»]*)»|(?<!\w)'([^']*)'(?!\w)/g;

/** Matches the names that Batch's messages quote: names of rules, types and attributes. */
const NAME = /^[$a-z_][\w$.()[\]]{0,60}$/i;

/**
 * Returns Batch's message on one line. Masks the values of the rows that the message is about, and other quoted text
 * that is not a name. Truncates the message only after that, so that no part of a value is left.
 *
 * @param rows the rows, or the parts of them that were sent.
 */
export function maskValues(words: string, rows: unknown): string {
  const values = new Set(listValues(rows));
  const forms = [...values]
    .filter((value) => value.length >= TELLING_CHARACTERS)
    .flatMap(listForms)
    // A request has many values, but a message quotes only a few of them, so the others are left out here.
    .filter((form) => words.includes(form.slice(0, TELLING_START)));
  const masked = maskForms(words, forms)
    .replaceAll(QUOTED, (quoted, ...groups) => {
      const content = groups.slice(0, 5).find((group): group is string => typeof group === 'string') ?? '';
      const isShown = content === MASK || (NAME.test(content) && !values.has(content));
      return isShown ? quoted : `${quoted.slice(0, 1)}${MASK}${quoted.slice(-1)}`;
    })
    .replaceAll(/\s+/g, ' ')
    .trim();
  return masked.length <= MOST_SHOWN ? masked : `${masked.slice(0, MOST_SHOWN)}…`;
}

/**
 * Returns the name of an attribute from Batch's response, in a form that a log message may show. Masks the name if it
 * may be a value instead.
 */
export function maskName(name: string): string {
  return NAME.test(name) ? name : MASK;
}

/**
 * Returns the forms in which a message may quote a value: unchanged and, if it has characters that JSON escapes, with
 * these characters escaped.
 */
function listForms(value: string): string[] {
  const inJson = JSON.stringify(value).slice(1, -1);
  return inJson === value ? [value] : [value, inJson];
}

/**
 * Masks each part of the message that is a form, or at least the first TELLING_START characters of a longer form. Forms may
 * overlap, and several may have the same beginning. If each form were masked by itself, a part of another one could be left.
 */
function maskForms(words: string, forms: readonly string[]): string {
  const formsByStart = new Map<string, string[]>();
  for (const form of forms) {
    const start = form.slice(0, TELLING_START);
    const present = formsByStart.get(start);
    if (present === undefined) formsByStart.set(start, [form]);
    else present.push(form);
  }
  let masked = '';
  let maskedTo = 0;
  for (let at = 0; at < words.length; at += 1) {
    const end = at + countMatching(words, at, formsByStart);
    if (end > at && at >= maskedTo) masked += MASK;
    maskedTo = Math.max(maskedTo, end);
    if (at >= maskedTo) masked += words[at];
  }
  return masked;
}

/**
 * Returns how many characters from a position on are a form, or the beginning of a longer form. If several forms match, the longest
 * match counts.
 */
function countMatching(words: string, at: number, formsByStart: ReadonlyMap<string, readonly string[]>): number {
  for (let length = TELLING_START; length >= TELLING_CHARACTERS; length -= 1) {
    const forms = formsByStart.get(words.slice(at, at + length));
    if (forms !== undefined) return forms.reduce((most, form) => Math.max(most, countCommonStart(words, at, form)), 0);
  }
  return 0;
}

function countCommonStart(words: string, at: number, form: string): number {
  let length = 0;
  while (length < form.length && words[at + length] === form[length]) length += 1;
  return length;
}

/**
 * Yields the strings and numbers in a value. It does not recurse, because a row may be nested more deeply than the
 * stack allows.
 */
function* listValues(value: unknown): Generator<string> {
  const left: unknown[] = [value];
  while (left.length > 0) {
    const next = left.pop();
    if (typeof next === 'string') yield next;
    else if (typeof next === 'number') yield String(next);
    else if (next instanceof LosslessNumber) yield next.value;
    else if (Array.isArray(next)) for (const item of next) left.push(item);
    else if (isJsonObject(next)) for (const item of Object.values(next)) left.push(item);
  }
}
