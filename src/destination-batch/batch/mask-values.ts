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
 * The number of characters by which the start of a longer value is recognised. Batch may truncate the values that it quotes,
 * so it is not enough to look for the whole value.
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
  const masked = [...values]
    .filter((value) => value.length >= TELLING_CHARACTERS)
    .flatMap(listForms)
    // A request has many values, but a message quotes only a few of them, so the others are left out here.
    .filter((form) => words.includes(form.slice(0, TELLING_START)))
    // The longest value comes first, because it may contain a shorter one.
    .sort((a, b) => b.length - a.length)
    .reduce(maskValue, words)
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

function maskValue(words: string, value: string): string {
  const whole = words.replaceAll(value, MASK);
  if (value.length <= TELLING_START) return whole;
  const start = value.slice(0, TELLING_START);
  let rest = whole;
  let masked = '';
  for (let at = rest.indexOf(start); at !== -1; at = rest.indexOf(start)) {
    let length = TELLING_START;
    while (at + length < rest.length && rest[at + length] === value[length]) length += 1;
    masked += rest.slice(0, at) + MASK;
    rest = rest.slice(at + length);
  }
  return masked + rest;
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
