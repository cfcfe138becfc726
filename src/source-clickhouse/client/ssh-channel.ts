import type { Client, ClientChannel } from 'ssh2';
import type { TunnelOptions } from '../config/ssh-tunnel.ts';
import { explainForwardError, ForwardTimeoutError } from '../errors/ssh-errors.ts';

/**
 * How long the SSH server may take to connect to ClickHouse, in milliseconds. In a network that is a matter of
 * milliseconds. If a firewall drops the attempt, the server would tell after some two minutes; a stuck one never does.
 */
const OPEN_TIMEOUT_MS = 30_000;

/**
 * A connection from the SSH server to a host and port as it sees them.
 *
 * @throws ConnectorError that says why there is none.
 */
export function openChannel(
  client: Client,
  options: TunnelOptions,
  { host, port }: { host: string; port: number },
  timeoutMs = OPEN_TIMEOUT_MS,
): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(explainForwardError(error, options, `${host}:${port}`));
    let isLate = false;
    const limit = setTimeout(() => {
      isLate = true;
      fail(new ForwardTimeoutError(timeoutMs));
    }, timeoutMs);
    try {
      client.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
        clearTimeout(limit);
        if (error !== undefined) fail(error);
        else if (isLate) channel.destroy();
        else resolve(channel);
      });
    } catch (error) {
      // So the library says that the connection has ended meanwhile.
      clearTimeout(limit);
      fail(error);
    }
  });
}
