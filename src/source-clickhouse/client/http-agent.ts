import type { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { ConnectionOptions } from 'node:tls';
import { HttpProxyAgent } from 'http-proxy-agent';
import type { HttpProxy } from '../../protocol/network/proxy.ts';
import { connectThroughProxy, explainProxyError } from '../../protocol/network/proxy-tunnel.ts';
import { type Tunnel, TunnelHttpAgent, TunnelHttpsAgent } from '../../protocol/network/tunnel-agent.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { LargeReadAgent } from './large-read-agent.ts';

/** Keeps connections open for the next query. `maxSockets` is the default of the ClickHouse client. */
const POOL = { keepAlive: true, maxSockets: 10 };

/**
 * Creates the agent that opens the connections to ClickHouse. It replaces the client's own agent, because the client's `tls`
 * option can't turn the verification off, and because the client ignores the password if there is a client certificate.
 *
 * @param proxy with HTTPS, the proxy opens a connection to ClickHouse; with HTTP, it forwards each request.
 */
export function createHttpAgent(
  { ssl, tls }: SourceConfiguration,
  ssh: Tunnel | undefined,
  proxy: HttpProxy | undefined,
): HttpAgent {
  if (!ssl) {
    if (ssh !== undefined) return new TunnelHttpAgent(ssh, POOL);
    return proxy === undefined ? new LargeReadAgent(POOL) : new ForwardingAgent(proxy);
  }
  const options: ConnectionOptions = {
    ca: tls?.ca_certificate,
    cert: tls?.client_certificate,
    key: tls?.client_key,
    passphrase: tls?.client_key_passphrase,
    // Always set, because otherwise an environment variable of Node could silently turn the verification off.
    rejectUnauthorized: tls?.verify ?? true,
  };
  const tunnel = ssh ?? (proxy && { connect: (host, port) => connectThroughProxy(proxy, host, port) });
  return tunnel === undefined
    ? new HttpsAgent({ ...POOL, ...options })
    : new TunnelHttpsAgent(tunnel, { ...POOL, ...options });
}

/** Sends HTTP requests to a proxy, which forwards them. */
class ForwardingAgent extends HttpProxyAgent<string> {
  readonly #proxy: HttpProxy;

  constructor(proxy: HttpProxy) {
    const { address, authorization } = proxy;
    super(address, {
      ...POOL,
      // Applies to the proxy's certificate, if the proxy's address begins with https://.
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
