import { createScanner, type JSONScanner } from 'jsonc-parser';
import type { Counts } from './checkpoints.ts';

/**
 * A STATE line as it came in, with destinationStats added to its `state`. Every other byte is unchanged: parsing and
 * stringifying would change digits (9007199254740993, 2.0).
 *
 * Counts are written with a decimal point, as the protocol's schema asks. A line whose state is not an object is returned
 * as it is.
 *
 * @param line the JSON text of an object.
 */
export function addDestinationStats(line: string, { accepted, rejected }: Counts): string {
  const state = findMember(line, 0, 'state').value;
  if (state === undefined || line[state.start] !== '{') return line;
  const stats = `{"recordCount":${accepted}.0,"rejectedRecordCount":${rejected}.0}`;
  const { value: present, isEmpty } = findMember(line, state.start, 'destinationStats');
  if (present !== undefined) return line.slice(0, present.start) + stats + line.slice(present.end);
  const end = state.end - 1;
  return `${line.slice(0, end)}${isEmpty ? '' : ','}"destinationStats":${stats}${line.slice(end)}`;
}

/** The range of a value in its line; `end` is exclusive. */
type Span = { start: number; end: number };

/**
 * Finds the value of a key in the object that starts at or after `start`, and whether that object is empty. Of two equal
 * keys the last one counts, as it does for JSON.parse.
 */
function findMember(line: string, start: number, key: string): { value: Span | undefined; isEmpty: boolean } {
  const scanner = createScanner(line, true);
  scanner.setPosition(start);
  let value: Span | undefined;
  let isEmpty = true;
  // The opening brace, then a comma, is scanned before each key.
  scanner.scan();
  for (scanner.scan(); firstCharacter(line, scanner) === '"'; scanner.scan()) {
    isEmpty = false;
    const isWanted = scanner.getTokenValue() === key;
    // The colon.
    scanner.scan();
    const span = scanValue(line, scanner);
    if (isWanted) value = span;
    // The comma, or the closing brace.
    scanner.scan();
  }
  return { value, isEmpty };
}

/** Scans one value. It counts brackets instead of calling itself: a state may be nested deeper than the stack allows. */
function scanValue(line: string, scanner: JSONScanner): Span {
  scanner.scan();
  const start = scanner.getTokenOffset();
  let depth = depthChange(firstCharacter(line, scanner));
  while (depth > 0) {
    scanner.scan();
    depth += depthChange(firstCharacter(line, scanner));
  }
  return { start, end: scanner.getTokenOffset() + scanner.getTokenLength() };
}

/** The first character of a token identifies its kind. */
function firstCharacter(line: string, scanner: JSONScanner): string | undefined {
  return line[scanner.getTokenOffset()];
}

function depthChange(first: string | undefined): number {
  if (first === '{' || first === '[') return 1;
  return first === '}' || first === ']' ? -1 : 0;
}
