import { type ClientRequestArgs, Agent as HttpAgent } from 'node:http';
import { type AgentOptions, Agent as HttpsAgent, type RequestOptions } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { findProxy, formatAddress, namesHttpsProxy } from './proxy.ts';
import { connectThroughProxy } from './proxy-tunnel.ts';

/** Opens connections to a host and port, through an SSH server or a proxy. */
export type Tunnel = { connect: (host: string, port: number) => Promise<Duplex> };

type Done = (error: Error | null, connection: Duplex) => void;

/** An agent for HTTP over connections that a tunnel opens. */
export class TunnelHttpAgent extends HttpAgent {
  readonly #tunnel: Tunnel;

  constructor(tunnel: Tunnel, options: AgentOptions) {
    super(options);
    this.#tunnel = tunnel;
  }

  override createConnection(options: ClientRequestArgs, done?: Done): undefined {
    connectThroughTunnel(this.#tunnel, options, (socket) => socket, done);
  }
}

/** An agent for HTTPS over connections that a tunnel opens. The TLS connection goes through the tunnel to the server. */
export class TunnelHttpsAgent extends HttpsAgent {
  readonly #tunnel: Tunnel;

  constructor(tunnel: Tunnel, options: AgentOptions) {
    super(options);
    this.#tunnel = tunnel;
  }

  // The name of the configured host is sent to the server (SNI), and the server's certificate must be valid for it.
  override createConnection(options: RequestOptions, done?: Done): undefined {
    const { host, servername } = options;
    const name = { ...(host == null ? {} : { host }), ...(servername === undefined ? {} : { servername }) };
    connectThroughTunnel(this.#tunnel, options, (socket) => connectTls({ ...this.options, ...name, socket }), done);
  }
}

/**
 * Creates an agent for HTTPS to any host, through the proxy that the environment variables name. Returns undefined if they name no
 * proxy for HTTPS.
 */
export function createEnvironmentHttpsAgent(): HttpsAgent | undefined {
  if (!namesHttpsProxy()) return undefined;
  const connect: Tunnel['connect'] = async (host, port) => {
    const proxy = findProxy(new URL(`https://${formatAddress(host, port)}`));
    return proxy === undefined ? connectTcp(port, host) : connectThroughProxy(proxy, host, port);
  };
  // Set explicitly: otherwise NODE_TLS_REJECT_UNAUTHORIZED in the environment could turn off the check of certificates.
  return new TunnelHttpsAgent({ connect }, { keepAlive: true, maxSockets: 50, rejectUnauthorized: true });
}

function connectThroughTunnel(
  tunnel: Tunnel,
  { host, port }: { host?: string | null | undefined; port?: number | string | null | undefined },
  wrap: (socket: Duplex) => Duplex,
  done: Done | undefined,
): void {
  tunnel
    .connect(host ?? '', Number(port))
    .then((socket) => {
      try {
        return wrap(socket);
      } catch (error) {
        socket.destroy();
        throw error;
      }
    })
    .then(
      (connection) => done?.(null, connection),
      // If there is an error, Node ignores the connection, but the type requires one.
      (error) => done?.(error, new Duplex()),
    );
}
