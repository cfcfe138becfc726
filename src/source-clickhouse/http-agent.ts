import { type ClientRequestArgs, Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent, type RequestOptions } from 'node:https';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import type { SourceConfiguration } from './configuration.ts';
import type { SshTunnel } from './ssh-tunnel.ts';

/** Connections are kept for the next query, as many at a time as the client would open by itself. */
const POOL = { keepAlive: true, maxSockets: 10 };

/** What opens the way to a host and port. */
type Tunnel = Pick<SshTunnel, 'connect'>;

type Done = (error: Error | null, connection: Duplex) => void;

/**
 * What opens the connections to ClickHouse. It is our own and not the client's, whose `tls` option knows no way to leave
 * out the verification, and with a client certificate asks the server to forget the password.
 */
export function httpAgent({ ssl, tls }: SourceConfiguration, tunnel: Tunnel | undefined): HttpAgent {
  if (!ssl) return tunnel === undefined ? new HttpAgent(POOL) : new TunnelHttpAgent(tunnel);
  const options: ConnectionOptions = {
    ca: tls?.ca_certificate,
    cert: tls?.client_certificate,
    key: tls?.client_key,
    passphrase: tls?.client_key_passphrase,
    // Said also when it is on: an environment variable of Node would else turn it off in silence.
    rejectUnauthorized: tls?.verify ?? true,
  };
  return tunnel === undefined ? new HttpsAgent({ ...POOL, ...options }) : new TunnelHttpsAgent(tunnel, options);
}

class TunnelHttpAgent extends HttpAgent {
  readonly #tunnel: Tunnel;

  constructor(tunnel: Tunnel) {
    super(POOL);
    this.#tunnel = tunnel;
  }

  override createConnection(options: ClientRequestArgs, done?: Done): undefined {
    connectThrough(this.#tunnel, options, (socket) => socket, done);
  }
}

class TunnelHttpsAgent extends HttpsAgent {
  readonly #tunnel: Tunnel;

  constructor(tunnel: Tunnel, options: ConnectionOptions) {
    super({ ...POOL, ...options });
    this.#tunnel = tunnel;
  }

  // The name that the certificate must have, and that is asked for (SNI), stays that of the configured host.
  override createConnection(options: RequestOptions, done?: Done): undefined {
    const { host, servername } = options;
    const name = { ...(host == null ? {} : { host }), ...(servername === undefined ? {} : { servername }) };
    connectThrough(this.#tunnel, options, (socket) => connectTls({ ...this.options, ...name, socket }), done);
  }
}

function connectThrough(
  tunnel: Tunnel,
  { host, port }: { host?: string | null | undefined; port?: number | string | null | undefined },
  dress: (socket: Duplex) => Duplex,
  done: Done | undefined,
): void {
  tunnel
    .connect(host ?? '', Number(port))
    .then((socket) => {
      try {
        return dress(socket);
      } catch (error) {
        socket.destroy();
        throw error;
      }
    })
    .then(
      (connection) => done?.(null, connection),
      // With an error nobody looks at the connection, but the type asks for one.
      (error) => done?.(error, new Duplex()),
    );
}
