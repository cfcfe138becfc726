import { LosslessNumber } from 'lossless-json';
import { isJsonObject } from '../../shared/exact-json.ts';

/** Characters of Batch's message that are shown. */
const MOST_SHOWN = 200;

/** Shorter values also occur in ordinary words. They are masked only in quotation marks. */
const TELLING_CHARACTERS = 3;

/** This many characters identify the start of a longer value: Batch may truncate what it quotes. */
const TELLING_START = 8;

const MASK = '****';

/** Text in quotation marks. An apostrophe counts only at the edge of a word. */
const QUOTED = /"([^"]*)"|`([^`]*)`|“([^”]*)”|«([^»]*)»|(?<!\w)'([^']*)'(?!\w)/g;

/** What a rule of Batch, a type or the name of an attribute looks like. */
const NAME = /^[$a-z_][\w$.()[\]]{0,60}$/i;

/**
 * Batch's message on one line, without the values of the rows that it is about, and without other quoted text that is not
 * a name. It is truncated last, so that no half of a value is left.
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
    // The longest first, as it may contain a shorter one.
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

/** The name of an attribute in Batch's response, for a message. If it doesn't look like a name, it may be a value. */
export function maskName(name: string): string {
  return NAME.test(name) ? name : MASK;
}

/** A value as it is, and as it is in JSON. */
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

/** The strings and numbers in a value, without recursion: a row may be nested deeper than the stack allows. */
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
