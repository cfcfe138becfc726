import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { HttpProxyAgent } from 'http-proxy-agent';
import type { HttpProxy } from '../../protocol/network/proxy.ts';
import { connectThroughProxy, explainProxyError } from '../../protocol/network/proxy-tunnel.ts';
import { type Tunnel, TunnelHttpAgent, TunnelHttpsAgent } from '../../protocol/network/tunnel-agent.ts';
import type { SourceConfiguration } from '../config/schema.ts';

/** Connections are kept for the next query, as many at a time as the client would open by itself. */
const POOL = { keepAlive: true, maxSockets: 10 };

/**
 * What opens the connections to ClickHouse. It is our own and not the client's, whose `tls` option knows no way to leave
 * out the verification, and with a client certificate asks the server to forget the password.
 *
 * @param proxy is asked for HTTPS to open a connection, and for HTTP to send each request on.
 */
export function createHttpAgent(
  { ssl, tls }: SourceConfiguration,
  ssh: Tunnel | undefined,
  proxy: HttpProxy | undefined,
): HttpAgent {
  if (!ssl) {
    if (ssh !== undefined) return new TunnelHttpAgent(ssh, POOL);
    return proxy === undefined ? new HttpAgent(POOL) : new ForwardingAgent(proxy);
  }
  const options: ConnectionOptions = {
    ca: tls?.ca_certificate,
    cert: tls?.client_certificate,
    key: tls?.client_key,
    passphrase: tls?.client_key_passphrase,
    // Said also when it is on: an environment variable of Node would else turn it off in silence.
    rejectUnauthorized: tls?.verify ?? true,
  };
  const tunnel = ssh ?? (proxy && { connect: (host, port) => connectThroughProxy(proxy, host, port) });
  return tunnel === undefined
    ? new HttpsAgent({ ...POOL, ...options })
    : new TunnelHttpsAgent(tunnel, { ...POOL, ...options });
}

/** HTTP to a proxy, which sends each request on. */
class ForwardingAgent extends HttpProxyAgent<string> {
  readonly #proxy: HttpProxy;

  constructor(proxy: HttpProxy) {
    const { address, authorization } = proxy;
    super(address, {
      ...POOL,
      // Of the proxy, if its own address begins with https://.
      rejectUnauthorized: true,
      ...(authorization === undefined ? {} : { headers: { 'proxy-authorization': authorization } }),
    });
    this.#proxy = proxy;
  }

  override async connect(
    ...given: Parameters<HttpProxyAgent<string>['connect']>
  ): ReturnType<HttpProxyAgent<string>['connect']> {
    try {
      return await super.connect(...given);
    } catch (error) {
      throw explainProxyError(this.#proxy, error);
    }
  }
}
