import { findNodeAtLocation, parseTree } from 'jsonc-parser';
import type { Counts } from './ledger.ts';

/**
 * A STATE line as it came in, with destinationStats put into its `state`, and nothing else touched: the platform's own
 * keys, their order and every digit stay, which a parse and a stringify would not keep (9007199254740993, 2.0).
 *
 * Counts are written with a decimal point, as the protocol's schema asks.
 */
export function withDestinationStats(line: string, { accepted, rejected }: Counts): string {
  const tree = parseTree(line);
  const state = tree && findNodeAtLocation(tree, ['state']);
  if (tree === undefined || state === undefined) return line;
  const stats = `{"recordCount":${accepted}.0,"rejectedRecordCount":${rejected}.0}`;
  const present = findNodeAtLocation(tree, ['state', 'destinationStats']);
  if (present !== undefined) {
    return line.slice(0, present.offset) + stats + line.slice(present.offset + present.length);
  }
  const end = state.offset + state.length - 1;
  const comma = state.children?.length ? ',' : '';
  return `${line.slice(0, end)}${comma}"destinationStats":${stats}${line.slice(end)}`;
}
