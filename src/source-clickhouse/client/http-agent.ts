import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { HttpProxyAgent } from 'http-proxy-agent';
import type { HttpProxy } from '../../protocol/network/proxy.ts';
import { connectThroughProxy, explainProxyError } from '../../protocol/network/proxy-tunnel.ts';
import { type Tunnel, TunnelHttpAgent, TunnelHttpsAgent } from '../../protocol/network/tunnel-agent.ts';
import type { SourceConfiguration } from '../config/schema.ts';

/** Connections are kept for the next query, as many as the client would open itself. */
const POOL = { keepAlive: true, maxSockets: 10 };

/**
 * Opens the connections to ClickHouse. It replaces the client's agent, because the client's `tls` option can't turn the
 * verification off, and with a client certificate ignores the password.
 *
 * @param proxy opens a connection for HTTPS, and forwards each request for HTTP.
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
    // Set even if it is the default: otherwise an environment variable of Node could silently turn it off.
    rejectUnauthorized: tls?.verify ?? true,
  };
  const tunnel = ssh ?? (proxy && { connect: (host, port) => connectThroughProxy(proxy, host, port) });
  return tunnel === undefined
    ? new HttpsAgent({ ...POOL, ...options })
    : new TunnelHttpsAgent(tunnel, { ...POOL, ...options });
}

/** HTTP to a proxy, which forwards each request. */
class ForwardingAgent extends HttpProxyAgent<string> {
  readonly #proxy: HttpProxy;

  constructor(proxy: HttpProxy) {
    const { address, authorization } = proxy;
    super(address, {
      ...POOL,
      // The proxy's certificate, if its address begins with https://.
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
