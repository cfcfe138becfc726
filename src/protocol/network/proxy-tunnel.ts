import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { type ConnectorError, codeOf, protocolError } from '../errors.ts';
import { describeNetworkError } from './connection-errors.ts';
import { formatAddress, type HttpProxy } from './proxy.ts';

/** The timeout for opening a connection through a proxy, in milliseconds. Most proxies give up after 30 seconds or less. */
const OPENING_MS = 60_000;

/** Thrown when a proxy can't be reached, or when the proxy can't reach the target. The caller may retry. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError';
}

/**
 * Opens a connection to a host and port through a proxy, with the HTTP method CONNECT (RFC 9110, section 9.3.6).
 *
 * @throws ProxyError if a retry may help; ConnectorError (config_error) if the proxy refuses the connection.
 */
export function connectThroughProxy(proxy: HttpProxy, host: string, port: number): Promise<Socket> {
  const target = formatAddress(host, port);
  const { url, authorization } = proxy;
  const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(new URL(url.origin), {
    method: 'CONNECT',
    path: target,
    headers: { host: target, ...(authorization === undefined ? {} : { 'proxy-authorization': authorization }) },
    agent: false,
    // The proxy's certificate must be valid for this name. By default, Node would use the target's name, from the Host header.
    servername: isIP(url.hostname.replace(/^\[|\]$/g, '')) === 0 ? url.hostname : '',
    // Set explicitly: otherwise NODE_TLS_REJECT_UNAUTHORIZED in the environment could turn off the check of certificates.
    rejectUnauthorized: true,
    timeout: OPENING_MS,
  });
  return new Promise((resolve, reject) => {
    request.once('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
      if (statusCode >= 200 && statusCode < 300) {
        socket.setTimeout(0);
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(explainProxyStatus(proxy, target, statusCode));
    });
    // A proxy that does not support CONNECT may send an ordinary response, with a body.
    request.once('response', (response) => {
      response.destroy();
      reject(explainProxyStatus(proxy, target, response.statusCode ?? 0));
    });
    request.once('timeout', () => request.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })));
    request.on('error', (error) => reject(explainProxyError(proxy, error)));
    request.end();
  });
}

/** Explains why a proxy can't be reached. */
export function explainProxyError({ address, variable }: HttpProxy, cause: unknown): ProxyError {
  const code = codeOf(cause);
  const why = describeNetworkError(cause) ?? `the connection to it failed${code === '' ? '' : ` (${code})`}`;
  return new ProxyError(
    `The proxy ${address} (${variable}) can't be reached: ${why}. Check ${variable}, or add the host to NO_PROXY to connect without the proxy.`,
    { cause },
  );
}

/** Explains an HTTP status that comes from the proxy itself, not from the target. */
export function explainProxyStatus(proxy: HttpProxy, target: string, status: number): ProxyError | ConnectorError {
  const { url, address, variable, authorization } = proxy;
  const at = `The proxy ${address} (${variable})`;
  if (status === 407) {
    return protocolError(
      'proxy_refused',
      authorization === undefined
        ? `${at} requires a user and a password (HTTP 407), but ${variable} has none. Set ${variable} to ${url.protocol}//USER:PASSWORD@${url.host}.`
        : `${at} refuses the user and the password in ${variable} (HTTP 407). Check both; special characters must be percent-encoded (@ is %40, / is %2F).`,
    );
  }
  if (status >= 500 || status === 408 || status === 429) {
    return new ProxyError(
      `${at} could not connect to ${target} (HTTP ${status}). The host may be down, or the proxy may be overloaded or unable to resolve the name. Check the host name, or add the host to NO_PROXY to connect without the proxy.`,
    );
  }
  return protocolError(
    'proxy_refused',
    `${at} does not allow a connection to ${target} (HTTP ${status}). Ask its administrator to allow this host and port, or add the host to NO_PROXY to connect without the proxy.`,
  );
}
