import type { ClickHouseError } from '@clickhouse/client';
import { redactForeign } from '../../protocol/secrets.ts';
import { plural } from '../../shared/format.ts';

/**
 * Decides what is shown of the server's message. The rule: no message contains a value of a row.
 *
 * The server includes values in many ways, with or without quotes. An error can be about a value if its code says so, or if a
 * function was being executed. Of the message of such an error, only types and the words of ClickHouse's own messages are kept,
 * and everything else is replaced by its kind and its length. All other errors are about the query, the table, the user or a
 * limit. Their messages are shown without secrets, and without the query for the rows.
 */

/** The numbers of errors about a value, in ClickHouse's ErrorCodes.cpp: those with the code `value_unfit`, and similar ones. */
const ABOUT_VALUES: ReadonlySet<number> = new Set([
  6, 25, 26, 27, 33, 38, 41, 53, 69, 70, 72, 117, 128, 130, 131, 153, 190, 321, 349, 376, 407, 427, 457, 467, 636, 675,
  676, 691,
]);

/** The numbers of errors about a limit. The numbers in their messages are not values of rows. */
const ABOUT_LIMITS: ReadonlySet<number> = new Set([158, 159, 160, 173, 191, 201, 202, 241, 307, 396]);

/** Matches what the server adds about the place of an error: a function with its arguments, or a step of the query. */
const PLACE = /(?:: )?\(?while (?:executing|reading) .*$/is;

/** Matches the function in which an error occurred. A value before it may contain the same words, so the last match is used. */
const IN_FUNCTION = /while executing (?:'FUNCTION |function )(\w+)/gi;

/** The number of the error of a throwIf. A user wrote its message, so the message is not masked. */
const OWN_WORDS: ReadonlySet<number> = new Set([395]);

/** Matches the query for the rows, which the server adds to some errors. It is long, and does not help a user. */
const IN_OUR_QUERY = /(?:,? in scope|,? while processing:?) '?(?:WITH|SELECT) concat\(.*$/is;

/** The maximum length of the message that is shown, in characters. */
const MAX_SHOWN = 300;

/** How much of a message with values is read, in characters. It is limited because masking takes quadratic time. */
const MAX_READ = 4_000;

/** Returns the first sentence of the server's message on one line, or "" if the message is empty. */
export function summarizeServerMessage(error: ClickHouseError): string {
  const { words, place } = splitMessage(error);
  const line = toOneLine(words);
  const end = line.indexOf('. ');
  return addPlace((end === -1 ? line : line.slice(0, end)).slice(0, MAX_SHOWN).replace(/[.:\s]+$/, ''), place);
}

/** Returns the server's whole message, without values and secrets. */
export function redactServerMessage(error: ClickHouseError): string {
  const { words, place } = splitMessage(error);
  return addPlace(words, place);
}

function toOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

function addPlace(words: string, place: string): string {
  return place === '' ? words : `${words}: ${place}`;
}

/** Splits a message into its words, without values and secrets, and its place: the function in which the error occurred. */
function splitMessage({ message, code: name }: ClickHouseError): { words: string; place: string } {
  const code = Number(name);
  const [whole = ''] = PLACE.exec(message) ?? [];
  const words = message.slice(0, message.length - whole.length).replace(IN_OUR_QUERY, '');
  const place = [...message.matchAll(IN_FUNCTION)].at(-1);
  const isAboutValue = ABOUT_VALUES.has(code) || (place !== undefined && !ABOUT_LIMITS.has(code));
  return {
    words: redactForeign(isAboutValue && !OWN_WORDS.has(code) ? maskValues(toOneLine(words)) : words),
    place:
      place === undefined
        ? ''
        : redactForeign(describePlace(place[1] ?? '', message.slice(place.index + place[0].length))),
  };
}

/**
 * Describes a function by its name and its columns, without the constants of the query.
 *
 * @param given the server's message after the name of the function.
 */
function describePlace(name: string, given: string): string {
  const columns = given.replaceAll(/'(?:[^'\\]|\\.)*'/g, '').matchAll(/__table\d+\.(`(?:[^`\\]|\\.)+`|\w+)/g);
  const names = [...new Set([...columns].map(([, column]) => column))].slice(0, 3);
  return `while executing function ${name}${names.length === 0 ? '' : ` on ${names.join(', ')}`}`;
}

/** Matches a string in quotes of any kind, or characters between spaces and quotes. */
const TOKEN = /'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`|[^\s'"`]+|['"`]/g;

/** Separates a token from the punctuation around it, which is not part of a value. */
const CORE = /^([([{]?)(.*?)([)\]},.:;]{0,2})$/s;

/** The words of ClickHouse's own messages. A value that is one of these words is shown, because it reveals nothing. */
const WORDS: ReadonlySet<string> = new Set(
  `a all allowed an and any are argument array arrays as at be because before begin begins between bigger boolean but by bytes call
   cannot cast character characters close column columns comma compile constant contain contains conversion convert converted data date datetime
   decimal decode decoded decrypt did different digits division does due element elements empty encrypt end ends enum equal error
   exceed exceeded exceeds exception expected expecting expression failed first float floating following for found fragment from
   function functions geometry given got greater has have here in incorrect index input instead integer into invalid is it its json just key
   large last leading length less limit long lookup made many map matching maximum memory minimal minimum minus missing month more multiple must
   negative no non-nullable not null number numeric object of on one only or ordinary other out outside overflow parse parsed parser part
   passed pattern point position positive produce range re2 read regexp regular result row rows safely scale should short signed
   size sizes start starts string substring such syntax text than that the there these this time to too tuple type types unable
   unexpected unknown unsigned unsupported uuid valid value values was were when which while will with without word would wrong year
   zero zone`.split(/\s+/),
);

/** Matches a type without spaces, or a conversion function. */
const TYPE_OR_FUNCTION =
  /^(?:(?:Nullable|LowCardinality|Array|Tuple|Map)\(*)*(?:U?Int\d+|B?Float\d+|Decimal\d*|Date(?:Time)?\d*|Time\d*|String|FixedString|UUID|IPv[46]|Enum\d*|Bool|JSON|Dynamic|Variant|Interval[A-Z][a-z]+|POINT|WKT|base\d\dDecode|to[A-Z]\w+Or(?:Zero|Null|Default))(?:\(\d+(?:,\d+)?\)*)?$/;

type Part = { kind: 'shown'; text: string } | { kind: 'value'; characters: number; isNumber: boolean };

/** Replaces everything that may be a value with its kind and length. */
function maskValues(words: string): string {
  const text = words.slice(0, MAX_READ);
  // A space after the comma in the parameters of a type would split the type into two tokens.
  const tokens = [...text.replaceAll(/(\(\d+),\s+(\d+\))/g, '$1,$2').matchAll(TOKEN)];
  const parts: Part[] = [];
  let end = 0;
  let before = '';
  for (const { 0: token, index } of tokens) {
    const gap = index > end ? ' ' : '';
    end = index + token.length;
    if (parts.length > 0 || gap !== '') addPart(parts, { kind: 'shown', text: gap });
    const [, opening = '', core = '', closing = ''] = CORE.exec(token) ?? [];
    const isNamed =
      (before === 'position' && /^\d+$/.test(core)) || (before === 'function' && /^'?[A-Za-z]\w*'?$/.test(core));
    before = core;
    if (isNamed || isClickHouseWord(core)) {
      addPart(parts, { kind: 'shown', text: token });
      continue;
    }
    addPart(parts, { kind: 'shown', text: opening });
    const isQuoted = /^(['"`]).*\1$/s.test(core);
    addPart(parts, {
      kind: 'value',
      characters: core.length - (isQuoted ? 2 : 0),
      isNumber: /^-?[\d.]+$/.test(core),
    });
    addPart(parts, { kind: 'shown', text: closing });
  }
  return `${parts.map(showPart).join('').trim()}${words.length > MAX_READ ? '…' : ''}`;
}

function showPart(part: Part): string {
  if (part.kind === 'shown') return part.text;
  return `[${part.isNumber ? 'number' : 'string'} of ${part.characters} ${plural(part.characters, 'character')}]`;
}

function isClickHouseWord(core: string): boolean {
  return core === '' || /^[-<>=]$/.test(core) || WORDS.has(core.toLowerCase()) || TYPE_OR_FUNCTION.test(core);
}

/** Adds a part. Two values with at most a space between them are joined. */
function addPart(parts: Part[], part: Part): void {
  if (part.kind === 'shown') {
    if (part.text !== '') parts.push(part);
    return;
  }
  const last = parts.at(-1);
  const beforeLast = parts.at(-2);
  if (last?.kind === 'value') {
    parts[parts.length - 1] = joinValues(last, part, 0);
  } else if (last?.kind === 'shown' && last.text === ' ' && beforeLast?.kind === 'value') {
    parts.splice(-2, 2, joinValues(beforeLast, part, 1));
  } else {
    parts.push(part);
  }
}

function joinValues(
  first: Extract<Part, { kind: 'value' }>,
  second: Extract<Part, { kind: 'value' }>,
  blanks: number,
): Part {
  return { kind: 'value', characters: first.characters + blanks + second.characters, isNumber: false };
}
