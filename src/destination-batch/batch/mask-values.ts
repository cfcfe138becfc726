import { LosslessNumber } from 'lossless-json';
import { isJsonObject } from '../../shared/exact-json.ts';

/** Characters of Batch's words that a message shows. */
const MOST_SHOWN = 200;

/** A value of so few characters stands in innocent words. It is masked only where it is quoted. */
const TELLING_CHARACTERS = 3;

/** So many characters of a longer value are known as the beginning of it: Batch may cut what it quotes. */
const TELLING_START = 8;

const MASK = '****';

/** Something in quotation marks. An apostrophe is one at the edge of a word alone. */
const QUOTED = /"([^"]*)"|`([^`]*)`|“([^”]*)”|«([^»]*)»|(?<!\w)'([^']*)'(?!\w)/g;

/** What a rule of Batch, a type or the name of an attribute looks like. */
const NAME = /^[$a-z_][\w$.()[\]]{0,60}$/i;

/**
 * Words of Batch for a message, on one line: without the values of the rows that they are about, and without anything else
 * in quotation marks that is not a name. Cut last, so that no half of a value is left.
 *
 * @param rows the rows, or what was sent of them.
 */
export function maskValues(words: string, rows: unknown): string {
  const values = new Set(listValues(rows));
  const masked = [...values]
    .filter((value) => value.length >= TELLING_CHARACTERS)
    .flatMap(listForms)
    // Of the many values of a request, few are quoted.
    .filter((form) => words.includes(form.slice(0, TELLING_START)))
    // The longest first, as a shorter one may stand in it.
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

/** The name of an attribute as Batch gives it, for a message. What does not look like a name may be a value. */
export function maskName(name: string): string {
  return NAME.test(name) ? name : MASK;
}

/** A value as it is, and as it stands in JSON. */
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

/** The texts and numbers in a value, however deep: without recursion, for a row may be nested deeper than a stack holds. */
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
