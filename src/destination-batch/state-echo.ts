import { createScanner } from 'jsonc-parser';
import type { Counts } from './ledger.ts';

/**
 * A STATE line as it came in, with destinationStats put into its `state`, and nothing else touched: the platform's own
 * keys, their order and every digit stay, which a parse and a stringify would not keep (9007199254740993, 2.0).
 *
 * Counts are written with a decimal point, as the protocol's schema asks. A line whose state is no object stays as it is.
 *
 * @param line the JSON text of an object.
 */
export function withDestinationStats(line: string, { accepted, rejected }: Counts): string {
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
  const scanner = createScanner(line, true);
  scanner.setPosition(start);
  let value: Span | undefined;
  /** The key whose value is being read, and where that value starts. */
  let open: { isWanted: boolean; start: number | undefined } | undefined;
  let isEmpty = true;
  let depth = 0;
  let end = start;
  for (;;) {
    scanner.scan();
    const offset = scanner.getTokenOffset();
    // The first character tells the tokens of JSON apart; there is none at the end.
    const first = line[offset];
    const isOpening = first === '{' || first === '[';
    const isClosing = first === '}' || first === ']';
    if (depth === 1) {
      if (first === ',' || isClosing) {
        if (open?.isWanted && open.start !== undefined) value = { start: open.start, end };
        open = undefined;
      } else if (open === undefined) {
        open = { isWanted: scanner.getTokenValue() === key, start: undefined };
        isEmpty = false;
      } else if (first !== ':') {
        open.start ??= offset;
      }
    }
    if (isOpening) depth += 1;
    else if (isClosing) depth -= 1;
    if (depth === 0 || first === undefined) break;
    end = offset + scanner.getTokenLength();
  }
  return { value, isEmpty };
}
