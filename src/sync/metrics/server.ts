import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ConnectorError, codeOf, messageOf } from '../../protocol/errors.ts';
import { syncError } from '../../runner/errors.ts';
import type { ListenAddress } from './options.ts';
import type { Readiness } from './readiness.ts';

/** What the server answers with. */
export type MetricsPages = {
  /** Returns the metrics in Prometheus' text format. */
  formatMetrics: () => Promise<string>;
  decideReadiness: () => Readiness;
};

/** A server that listens. `url` has no path. */
export type MetricsServer = { url: string; close: () => Promise<void> };

/** The content type of Prometheus' text format. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const TEXT_TYPE = 'text/plain; charset=utf-8';

/** Why the server can't listen and what to do, by the code of Node's error. */
const LISTEN_ERRORS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use, perhaps by another sync. Choose another port with --metrics-port.',
  EACCES: 'the system allows only privileged users to listen on this port. Choose a port of 1024 or more.',
  EADDRNOTAVAIL:
    'this machine does not have this address. Set --metrics-host to one that it has, or to 0.0.0.0 for all.',
  ENOTFOUND: 'the name does not resolve. Set --metrics-host to an address of this machine, or to 0.0.0.0 for all.',
  EAI_AGAIN: 'the DNS server does not answer. Set --metrics-host to an address of this machine, or to 0.0.0.0 for all.',
};

/**
 * Serves /metrics, /healthz and /readyz. The server doesn't keep the process alive.
 *
 * @throws ConnectorError (config_error) if it can't listen on the address.
 */
export async function serveMetrics(address: ListenAddress, pages: MetricsPages): Promise<MetricsServer> {
  const server = createServer(createRequestListener(pages));
  const bound = await listen(server, address);
  server.unref();
  return {
    url: `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, address: ListenAddress): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    // The listener stays, because an error without a listener ends the process, and a connection may fail at any time.
    server.on('error', (cause) => reject(explainListenError(address, cause)));
    server.listen(address, () => {
      const bound = server.address();
      if (typeof bound === 'object' && bound !== null) resolve(bound);
    });
  });
}

function explainListenError({ host, port }: ListenAddress, cause: unknown): ConnectorError {
  const reason =
    LISTEN_ERRORS[codeOf(cause)] ?? `${messageOf(cause)}. Choose another --metrics-port or --metrics-host.`;
  return syncError('metrics_unusable', `Can't serve metrics on port ${port} of ${host}: ${reason}`, { cause });
}

function createRequestListener(pages: MetricsPages): RequestListener {
  return ({ method, url = '/' }, response) => {
    if (method !== 'GET' && method !== 'HEAD') {
      respond(response, 405, 'Only GET and HEAD are supported.\n');
      return;
    }
    const [path] = url.split('?');
    if (path === '/metrics') {
      pages.formatMetrics().then(
        (text) => respond(response, 200, text, METRICS_TYPE),
        (error: unknown) => respond(response, 500, `${messageOf(error)}\n`),
      );
    } else if (path === '/healthz') {
      respond(response, 200, 'ok\n');
    } else if (path === '/readyz') {
      const { isReady, reason } = pages.decideReadiness();
      respond(response, isReady ? 200 : 503, `${reason}\n`);
    } else {
      respond(response, 404, 'This server has /metrics, /healthz and /readyz.\n');
    }
  };
}

function respond(response: ServerResponse, status: number, text: string, type = TEXT_TYPE): void {
  response.writeHead(status, { 'content-type': type }).end(text);
}
