import { buildConnector } from 'undici';
import type { HttpProxy } from '../../protocol/network/proxy.ts';
import { connectThroughProxy } from '../../protocol/network/proxy-tunnel.ts';

/**
 * Connections to Batch through a proxy, for undici. Its own EnvHttpProxyAgent says neither which variable named the proxy
 * nor what the proxy refused, and would send requests to this machine through it, the key in them.
 */
export function createProxyConnector(proxy: HttpProxy, options: buildConnector.BuildOptions): buildConnector.connector {
  const startTls = buildConnector(options);
  return (target, done) => {
    connectThroughProxy(proxy, target.hostname, Number(target.port || 443)).then(
      (httpSocket) => startTls({ ...target, httpSocket }, done),
      (error: Error) => done(error, null),
    );
  };
}
