import { buildConnector } from 'undici';
import type { HttpProxy } from './proxy.ts';
import { connectThroughProxy } from './proxy-tunnel.ts';

/**
 * Creates connections through a proxy, for undici. undici's own EnvHttpProxyAgent is not used, for two reasons. Its errors
 * contain neither the variable that names the proxy nor the reason why the proxy refused. And it would send requests to loopback
 * addresses such as localhost, with their secrets, through the proxy.
 */
export function createProxyConnector(proxy: HttpProxy, options: buildConnector.BuildOptions): buildConnector.connector {
  const startTls = buildConnector(options);
  return (target, done) => {
    const isTls = target.protocol === 'https:';
    connectThroughProxy(proxy, target.hostname, Number(target.port || (isTls ? 443 : 80))).then(
      (httpSocket) => (isTls ? startTls({ ...target, httpSocket }, done) : done(null, httpSocket)),
      (error: Error) => done(error, null),
    );
  };
}
