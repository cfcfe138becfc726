import { createScanner, type JSONScanner } from 'jsonc-parser';
import type { Counts } from './checkpoints.ts';

/**
 * Returns a STATE line with destinationStats added to its `state`. All other bytes stay the same. The line is not
 * parsed and serialized again, because that would change numbers such as 9007199254740993 and 2.0.
 *
 * The counts are written with a decimal point, as the schema of the protocol requires. A line whose state is not an
 * object is returned unchanged.
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
 * Finds the value of a key in the first object at or after `start`, and whether this object is empty. If the key occurs
 * several times, the last value is returned, as JSON.parse would do.
 */
function findMember(line: string, start: number, key: string): { value: Span | undefined; isEmpty: boolean } {
  const scanner = createScanner(line, true);
  scanner.setPosition(start);
  let value: Span | undefined;
  let isEmpty = true;
  // Skip the opening brace.
  scanner.scan();
  for (scanner.scan(); firstCharacter(line, scanner) === '"'; scanner.scan()) {
    isEmpty = false;
    const isWanted = scanner.getTokenValue() === key;
    // Skip the colon.
    scanner.scan();
    const span = scanValue(line, scanner);
    if (isWanted) value = span;
    // Skip the comma or the closing brace.
    scanner.scan();
  }
  return { value, isEmpty };
}

/**
 * Scans one value. It counts brackets instead of recursing, because a state may be nested more deeply than the stack
 * allows.
 */
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

/** Returns the first character of the current token, which identifies the kind of the token. */
function firstCharacter(line: string, scanner: JSONScanner): string | undefined {
  return line[scanner.getTokenOffset()];
}

function depthChange(first: string | undefined): number {
  if (first === '{' || first === '[') return 1;
  return first === '}' || first === ']' ? -1 : 0;
}
