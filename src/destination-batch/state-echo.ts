import { type Node, parseTree } from 'jsonc-parser';
import type { Counts } from './ledger.ts';

/**
 * A STATE line as it came in, with destinationStats put into its `state`, and nothing else touched: the platform's own
 * keys, their order and every digit stay, which a parse and a stringify would not keep (9007199254740993, 2.0).
 *
 * Counts are written with a decimal point, as the protocol's schema asks. A line whose state is no object stays as it is.
 */
export function withDestinationStats(line: string, { accepted, rejected }: Counts): string {
  const state = valueAt(parseTree(line), 'state');
  if (state?.type !== 'object') return line;
  const stats = `{"recordCount":${accepted}.0,"rejectedRecordCount":${rejected}.0}`;
  const present = valueAt(state, 'destinationStats');
  if (present !== undefined) {
    return line.slice(0, present.offset) + stats + line.slice(present.offset + present.length);
  }
  const end = state.offset + state.length - 1;
  const comma = state.children?.length ? ',' : '';
  return `${line.slice(0, end)}${comma}"destinationStats":${stats}${line.slice(end)}`;
}

/** The value of a key of an object; of two equal keys the last one counts, as it does for who reads the line. */
function valueAt(object: Node | undefined, key: string): Node | undefined {
  return object?.children?.findLast(({ children }) => children?.[0]?.value === key)?.children?.[1];
}
