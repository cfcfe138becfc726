import type { ConnectorError } from '../protocol/errors.ts';
import { syncError } from './errors.ts';
import type { DiscoveredStream } from './messages.ts';

/** Of a source's streams, so many are named in a message. */
const MAX_NAMED = 20;

/**
 * Those of the streams that were asked for; all of them, if none was.
 *
 * @throws ConnectorError (config_error) when one is not there, or there is none at all.
 */
export function chooseStreams<Stream extends { name: string }>(
  streams: readonly Stream[],
  names: readonly string[],
): readonly Stream[] {
  const there = [...new Set(streams.map(({ name }) => name))];
  if (there.length === 0) {
    throw syncError(
      'stream_unknown',
      'The source has no table or view that can be read: none has all the columns that are needed, or the user may not see it. Run check with the configuration of the source: it says what is missing.',
    );
  }
  const unknown = names.filter((name) => !there.includes(name));
  if (unknown.length > 0) {
    throw syncError(
      'stream_unknown',
      `The source has no stream ${unknown.map((name) => `"${name}"`).join(', ')}. It has: ${listNames(there)}. Choose with --stream.`,
    );
  }
  return names.length === 0 ? streams : streams.filter(({ name }) => names.includes(name));
}

/**
 * The failure of a command that needs a choice among several streams, and got none.
 *
 * @param advice how to choose.
 */
export function explainSeveralStreams(streams: readonly { name: string }[], advice: string): ConnectorError {
  const names = streams.map(({ name }) => name);
  return syncError('stream_unknown', `The source has ${names.length} streams: ${listNames(names)}. ${advice}`);
}

function listNames(names: readonly string[]): string {
  const others = names.length - MAX_NAMED;
  return others <= 0 ? names.join(', ') : `${names.slice(0, MAX_NAMED).join(', ')} and ${others} more`;
}

/** The configured catalog that has both connectors take part in a sync of these streams. */
export function buildCatalog(
  streams: readonly DiscoveredStream[],
  syncMode: 'incremental' | 'full_refresh',
): Record<string, unknown> {
  return { streams: streams.map((stream) => ({ stream, sync_mode: syncMode, destination_sync_mode: 'append' })) };
}
