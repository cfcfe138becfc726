import type { Client, ClientChannel } from 'ssh2';
import type { TunnelOptions } from '../config/ssh-tunnel.ts';
import { explainForwardError, ForwardTimeoutError } from '../errors/ssh-errors.ts';

/**
 * How long the SSH server may take to connect to ClickHouse, in milliseconds. It normally takes a few milliseconds. If a firewall
 * drops the attempt, the SSH server reports that only after about two minutes. An SSH server that hangs never reports it.
 */
const OPEN_TIMEOUT_MS = 30_000;

/**
 * Opens a connection from the SSH server to a host and port as the SSH server sees them.
 *
 * @throws ConnectorError with the reason.
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
      // The SSH library throws if its connection has ended.
      clearTimeout(limit);
      fail(error);
    }
  });
}
