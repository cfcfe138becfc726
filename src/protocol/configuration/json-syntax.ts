import { readFileSync } from 'node:fs';
import { parse } from 'lossless-json';
import { PACKAGE_ROOT } from '../../shared/package.ts';
import { rawMessageOf } from '../errors.ts';

/** Where a string stops being valid JSON, and what is likely wrong there. */
export type JsonSyntaxError = {
  /** Lines and columns count from 1. */
  line: number;
  column: number;
  advice: string;
  /** The line, and a caret below the error. Every value is masked: it may be a secret. */
  excerpt: string;
};

/** A kind of mistake, and the advice for it. If several entries of MISTAKES match, the first one is used. */
type Mistake = {
  /**
   * Checks whether an error is a mistake of this kind.
   *
   * @param found the character at the error; undefined at the end of the text.
   * @param before the last character before the error that is not white space.
   * @param words the message of lossless-json. It is not shown, because it quotes the text.
   */
  matches: (found: string | undefined, before: string | undefined, words: string) => boolean;
  advice: string;
};

const MISTAKES: readonly Mistake[] = [
  {
    matches: (_, __, words) => words.startsWith('Invalid character'),
    advice: 'A string contains a line break or a tab: write \\n or \\t. Or its closing " is missing.',
  },
  {
    matches: (found) => found === undefined || /^\s$/.test(found),
    advice: 'The file ends too early: a closing }, ] or " is missing.',
  },
  {
    matches: (_, __, words) => /^Invalid (escape|unicode)/.test(words),
    advice: 'A backslash in a string is written as \\\\.',
  },
  {
    matches: (found) => /^['‘’“”„«»`]$/.test(found ?? ''),
    advice: 'JSON needs double quotes (") around names and strings.',
  },
  {
    matches: (found, before) => before === ',' && /^[}\]]$/.test(found ?? ''),
    advice: 'Remove the comma before it.',
  },
  {
    matches: (found) => /^[/#]$/.test(found ?? ''),
    advice: 'JSON has no comments. Remove it.',
  },
  { matches: (_, __, words) => words.startsWith('Comma'), advice: 'A comma is missing before it.' },
  { matches: (_, __, words) => words.startsWith('Colon'), advice: 'A colon is missing before it.' },
  {
    matches: (_, __, words) => words.startsWith('Expected end'),
    advice: 'Remove everything after the end of the object.',
  },
  {
    matches: (found) => /^[\p{L}_$]$/u.test(found ?? ''),
    advice: 'Names and strings need double quotes ("). Only numbers, true, false and null have none.',
  },
];

const OTHER_MISTAKE = 'Correct it, or use a JSON formatter to find the error.';

/**
 * Returns where a string stops being valid JSON; undefined if that is unknown. It parses the string with lossless-json, because the
 * errors of JSON.parse don't always contain a position.
 */
export function findJsonSyntaxError(text: string): JsonSyntaxError | undefined {
  const words = explainWithParser(text);
  const [, position] = / at position (\d+)$/.exec(words ?? '') ?? [];
  if (words === undefined || position === undefined) return undefined;
  // A file usually ends with a line break. If the JSON ends too early, the error is located before that line break, so that the
  // excerpt shows the last line.
  const at = Math.min(Number(position), text.trimEnd().length);
  const start = text.lastIndexOf('\n', at - 1) + 1;
  const found = at < text.length ? String.fromCodePoint(text.codePointAt(at) ?? 0) : undefined;
  const before = text.slice(0, at).trimEnd().at(-1);
  const mistake = MISTAKES.find(({ matches }) => matches(found, before, words));
  return {
    line: text.slice(0, start).split('\n').length,
    column: at - start + 1,
    advice: mistake?.advice ?? OTHER_MISTAKE,
    excerpt: drawExcerpt(text.slice(start, at), text.slice(at).split('\n', 1)[0] ?? ''),
  };
}

function explainWithParser(text: string): string | undefined {
  try {
    parse(text);
    return undefined;
  } catch (error) {
    return rawMessageOf(error);
  }
}

/** The maximum number of characters of a line that are shown before and after the error. */
const MAX_BEFORE = 40;
const MAX_AFTER = 30;

function drawExcerpt(before: string, after: string): string {
  const names = readOptionNames();
  const head = maskLine(before, names);
  const shown = head.length <= MAX_BEFORE ? head : `…${head.slice(1 - MAX_BEFORE)}`;
  return `${shown}${maskLine(after, names).slice(0, MAX_AFTER)}`.trimEnd().concat(`\n${' '.repeat(shown.length)}^`);
}

const MASK = '****';

/** Matches a string in double quotes, or a word outside of them. The second group is set if a colon follows. */
const PART = /("[^"]*"|[^\s{}[\]:,"']+)(?=(['"]?\s*:)?)/g;

/** Masks all strings and words of a line, except for the names of options before a colon, and `true`, `false` and `null`. */
function maskLine(line: string, names: ReadonlySet<string>): string {
  return line
    .replaceAll(PART, (part: string, _, colon: string | undefined) => {
      const word = part.replace(/^"([^"]*)"$/, '$1');
      if (colon !== undefined && names.has(word)) return part;
      if (part === 'true' || part === 'false' || part === 'null') return part;
      return part.startsWith('"') ? `"${MASK}"` : MASK;
    })
    .replaceAll(/\*{4}(?:\s+\*{4})+/g, MASK)
    .replaceAll(/\s/g, ' ');
}

/**
 * Reads the names of all options from the specifications that `spec` prints. Any other word in a configuration may be a secret.
 */
function readOptionNames(): ReadonlySet<string> {
  const files = ['source-clickhouse', 'destination-batch', 'sync'];
  return new Set(
    files.flatMap((name) => listNames(JSON.parse(readFileSync(new URL(`spec/${name}.json`, PACKAGE_ROOT), 'utf8')))),
  );
}

function listNames(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([key, value]: [string, unknown]) => [
    ...(key === 'properties' && typeof value === 'object' && value !== null ? Object.keys(value) : []),
    ...listNames(value),
  ]);
}
