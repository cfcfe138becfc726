import type { ConnectorError } from '../protocol/errors.ts';
import { formatList } from '../shared/format.ts';
import { formatChoice, suggestNames } from '../shared/suggest.ts';
import { syncError } from './errors.ts';
import type { DiscoveredStream } from './messages.ts';

/** The maximum number of streams that a message lists. */
const MAX_NAMED = 20;

/**
 * Selects the streams with the given names, or all streams if no names are given.
 *
 * @throws ConnectorError (config_error) if any of the names matches no stream.
 */
export function chooseStreams<Stream extends { name: string }>(
  streams: readonly Stream[],
  names: readonly string[],
): readonly Stream[] {
  const existing = [...new Set(streams.map(({ name }) => name))];
  const unknown = names.filter((name) => !existing.includes(name));
  if (unknown.length > 0) {
    const near = suggestNames(unknown[0] ?? '', existing);
    const advice =
      near.length > 0 ? `Did you mean ${formatChoice(near)}?` : `It has: ${formatList(existing, MAX_NAMED)}.`;
    throw syncError(
      'stream_unknown',
      `The source has no stream ${unknown.map((name) => `"${name}"`).join(', ')}. ${advice} Choose with --stream.`,
    );
  }
  return names.length === 0 ? streams : streams.filter(({ name }) => names.includes(name));
}

/**
 * Explains that the user must choose a stream, because the source has several.
 *
 * @param advice how to choose.
 */
export function explainSeveralStreams(streams: readonly { name: string }[], advice: string): ConnectorError {
  const names = streams.map(({ name }) => name);
  return syncError(
    'stream_unknown',
    `The source has ${names.length} streams: ${formatList(names, MAX_NAMED)}. ${advice}`,
  );
}

/** Builds the configured catalog for these streams. Both connectors use the same catalog. */
export function buildCatalog(
  streams: readonly DiscoveredStream[],
  syncMode: 'incremental' | 'full_refresh',
): Record<string, unknown> {
  return { streams: streams.map((stream) => ({ stream, sync_mode: syncMode, destination_sync_mode: 'append' })) };
}
