import type { Counts } from './checkpoints.ts';

/**
 * A STATE line as it came in, with destinationStats put into its `state`, and nothing else touched: the platform's own
 * keys, their order and every digit stay, which a parse and a stringify would not keep (9007199254740993, 2.0).
 *
 * Counts are written with a decimal point, as the protocol's schema asks. A line whose state is no object stays as it is.
 *
 * @param line the JSON text of an object.
 */
export function addDestinationStats(line: string, { accepted, rejected }: Counts): string {
  const state = membersOf(line, 0, 'state').value;
  if (state === undefined || line[state.start] !== '{') return line;
  const stats = `{"recordCount":${accepted}.0,"rejectedRecordCount":${rejected}.0}`;
  const { value: present, isEmpty } = membersOf(line, state.start, 'destinationStats');
  if (present !== undefined) return line.slice(0, present.start) + stats + line.slice(present.end);
  const end = state.end - 1;
  return `${line.slice(0, end)}${isEmpty ? '' : ','}"destinationStats":${stats}${line.slice(end)}`;
}

/** Where a value stands in a text; `end` is exclusive. */
type Span = { start: number; end: number };

/**
 * Where the value of a key stands in the object that begins at or behind `start`, and whether that object is empty; of
 * two equal keys the last one counts, as it does for who reads the line. It reads token by token and not by recursion:
 * a state may be nested deeper than a stack holds.
 */
function membersOf(line: string, start: number, key: string): { value: Span | undefined; isEmpty: boolean } {
  let value: Span | undefined;
  /** The key whose value is being read, and where that value starts. */
  let open: { isWanted: boolean; start: number | undefined } | undefined;
  let isEmpty = true;
  let depth = 0;
  let end = start;
  for (let token = tokenAt(line, start); token !== undefined; token = tokenAt(line, token.end)) {
    // The first character tells the tokens of JSON apart.
    const first = line[token.start];
    const isOpening = first === '{' || first === '[';
    const isClosing = first === '}' || first === ']';
    if (depth === 1) {
      if (first === ',' || isClosing) {
        if (open?.isWanted && open.start !== undefined) value = { start: open.start, end };
        open = undefined;
      } else if (open === undefined) {
        open = { isWanted: JSON.parse(line.slice(token.start, token.end)) === key, start: undefined };
        isEmpty = false;
      } else if (first !== ':') {
        open.start ??= token.start;
      }
    }
    if (isOpening) depth += 1;
    else if (isClosing) depth -= 1;
    if (depth === 0) break;
    end = token.end;
  }
  return { value, isEmpty };
}

/** The token at or behind `from` in the text of JSON; undefined at its end. */
function tokenAt(line: string, from: number): Span | undefined {
  const start = indexOf(NO_SPACE, line, from);
  if (start === line.length) return undefined;
  const first = line[start] ?? '';
  if ('{}[],:'.includes(first)) return { start, end: start + 1 };
  if (first !== '"') return { start, end: indexOf(NO_LITERAL, line, start) };
  let end = start + 1;
  while (end < line.length && line[end] !== '"') {
    end = indexOf(QUOTE_OR_ESCAPE, line, end);
    if (line[end] === '\\') end += 2;
  }
  return { start, end: end + 1 };
}

const NO_SPACE = /[^ \t\r\n]/g;
const NO_LITERAL = /[ \t\r\n{}[\],:"]/g;
const QUOTE_OR_ESCAPE = /["\\]/g;

/** Where the pattern is found first, or the length of the text. */
function indexOf(pattern: RegExp, line: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(line)?.index ?? line.length;
}
