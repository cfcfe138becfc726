import type { ConnectorError } from '../protocol/errors.ts';
import { onAbort } from '../shared/abort.ts';
import type { ConnectorLogs } from '../sync/connector-logs.ts';
import type { SyncContext } from '../sync/context.ts';
import { textLines } from '../sync/relay.ts';
import { syncError } from './errors.ts';
import { type DiscoveredStream, parseMessage } from './messages.ts';
import { ConnectorProcess } from './process.ts';
import { processFailures } from './process-failure.ts';

/**
 * The streams that the source has, in the order in which it lists them.
 *
 * @param config the path of the source's configuration.
 * @throws ConnectorError that says why they can't be had.
 */
export async function discoverStreams(
  { program, stop }: Pick<SyncContext, 'program' | 'stop'>,
  config: string,
  logs: ConnectorLogs,
): Promise<readonly DiscoveredStream[]> {
  const errors: ConnectorError[] = [];
  let streams: readonly DiscoveredStream[] = [];
  const discover = new ConnectorProcess(program, ['discover', '--config', config, '--env-references']);
  // There is nothing to finish, and a question that the server does not answer would hold it up for minutes.
  const forget = onAbort(stop, () => discover.kill());
  const hear = async (): Promise<void> => {
    for await (const line of textLines(discover.stdout)) {
      const message = parseMessage(line);
      if (message.kind === 'catalog') streams = message.streams;
      else if (message.kind === 'destination_catalog') errors.push(destinationInPlaceOfSource(config));
      else if (message.kind === 'error') errors.push(message.error);
      else if (message.kind === 'log') logs.fromSource(message.level, message.message);
    }
  };
  try {
    discover.stdin.end();
    const [end] = await Promise.all([discover.ended, hear(), logs.fromStderr('source', discover.stderr)]);
    const [failure] = stop.aborted ? [] : processFailures('source', end, errors, false);
    if (failure !== undefined) throw failure;
    logs.streamsAreKnown();
    return streams;
  } finally {
    forget();
  }
}

function destinationInPlaceOfSource(config: string): ConnectorError {
  return syncError(
    'configuration_invalid',
    `${config} is the configuration of a destination, and --source needs that of a source, with a "host". The two files may be swapped. Give each to its own option.`,
  );
}

/** Of a source's streams, so many are named in a message. */
const MOST_NAMED = 20;

/**
 * Those of the streams that were asked for; all of them, if none was.
 *
 * @throws ConnectorError (config_error) when one is not there, or there is none at all.
 */
export function chosenStreams<Stream extends { name: string }>(
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
      `The source has no stream ${unknown.map((name) => `"${name}"`).join(', ')}. It has: ${namesOf(there)}. Choose with --stream.`,
    );
  }
  return names.length === 0 ? streams : streams.filter(({ name }) => names.includes(name));
}

/**
 * The failure of a command that needs a choice among several streams, and got none.
 *
 * @param advice how to choose.
 */
export function severalStreams(streams: readonly { name: string }[], advice: string): ConnectorError {
  const names = streams.map(({ name }) => name);
  return syncError('stream_unknown', `The source has ${names.length} streams: ${namesOf(names)}. ${advice}`);
}

function namesOf(names: readonly string[]): string {
  const others = names.length - MOST_NAMED;
  return others <= 0 ? names.join(', ') : `${names.slice(0, MOST_NAMED).join(', ')} and ${others} more`;
}

/** The configured catalog that has both connectors take part in a sync of these streams. */
export function catalogOf(
  streams: readonly DiscoveredStream[],
  syncMode: 'incremental' | 'full_refresh',
): Record<string, unknown> {
  return { streams: streams.map((stream) => ({ stream, sync_mode: syncMode, destination_sync_mode: 'append' })) };
}
