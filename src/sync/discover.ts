import type { GivenConfiguration } from '../protocol/configuration/configuration.ts';
import type { ConnectorError } from '../protocol/errors.ts';
import { callWithConfiguration } from '../runner/call-with-configuration.ts';
import { type DiscoveredStream, parseMessage } from '../runner/messages.ts';
import { ConnectorProcess, explainProcessEnd } from '../runner/process.ts';
import { onAbort } from '../shared/abort.ts';
import type { ConnectorLogs } from './connector-logs.ts';
import type { SyncContext } from './context.ts';
import { readTextLines } from './relay.ts';

/**
 * Lists the streams of the source, in the order in which `discover` returns them.
 *
 * @param config the source's configuration.
 * @param options `failFast`: don't retry if no ClickHouse answers at the address.
 * @throws ConnectorError that explains why the streams can't be listed.
 */
export async function discoverStreams(
  { program, stop }: Pick<SyncContext, 'program' | 'stop'>,
  config: GivenConfiguration,
  { logs, failFast }: { logs: ConnectorLogs; failFast: boolean },
): Promise<readonly DiscoveredStream[]> {
  const errors: ConnectorError[] = [];
  let streams: readonly DiscoveredStream[] = [];
  const options = ['--require-streams', ...(failFast ? ['--fail-fast'] : [])];
  const discover = await ConnectorProcess.start(program, callWithConfiguration('discover', config, options));
  // `discover` is killed immediately: it has no work to finish, and if a server doesn't respond, it could take minutes to end.
  const removeListener = onAbort(stop, () => discover.kill());
  const readMessages = async (): Promise<void> => {
    for await (const line of readTextLines(discover.stdout)) {
      const message = parseMessage(line);
      if (message.kind === 'catalog') streams = message.streams;
      else if (message.kind === 'error') errors.push(message.error);
      else if (message.kind === 'log') logs.fromSource(message.level, message.message);
    }
  };
  try {
    discover.stdin.end();
    const [end] = await Promise.all([discover.ended, readMessages(), logs.fromStderr('source', discover.stderr)]);
    const [error] = stop.aborted ? [] : explainProcessEnd('source', end, errors, false);
    if (error !== undefined) throw error;
    logs.streamsAreKnown();
    return streams;
  } finally {
    removeListener();
  }
}
