import { once } from 'node:events';
import ssh2, { type AcceptConnection, type Connection, type RejectConnection, type ServerChannel } from 'ssh2';

/** Handles a client's request to forward a connection to a host and port. */
export type OnForward = (accept: AcceptConnection<ServerChannel>, reject: RejectConnection) => void;

/**
 * An SSH server in this process, for behaviour that a real one can't show. It accepts every login and connects to nothing:
 * `onForward` decides what happens to a forwarding request.
 */
export class SmallSshServer {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly #server: InstanceType<typeof ssh2.Server>;
  readonly #connections: Connection[];

  private constructor(port: number, server: InstanceType<typeof ssh2.Server>, connections: Connection[]) {
    this.port = port;
    this.#server = server;
    this.#connections = connections;
  }

  static async start(onForward: OnForward): Promise<SmallSshServer> {
    const connections: Connection[] = [];
    // Not ed25519: the library can't read about one in some hundreds of the ed25519 keys that it generates.
    const hostKeys = [ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).private];
    const server = new ssh2.Server({ hostKeys }, (connection) => {
      connections.push(connection);
      // Clients may disconnect at any time.
      connection.on('error', () => {});
      connection.on('authentication', (attempt) => attempt.accept());
      connection.on('tcpip', onForward);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return new SmallSshServer(address.port, server, connections);
  }

  /** How many clients have connected so far. */
  get connections(): number {
    return this.#connections.length;
  }

  /** The tunnel options to connect through it. */
  tunnel(port = this.port): {
    tunnel_method: 'SSH_PASSWORD_AUTH';
    tunnel_host: string;
    tunnel_port: number;
    tunnel_user: string;
    tunnel_user_password: string;
  } {
    return {
      tunnel_method: 'SSH_PASSWORD_AUTH',
      tunnel_host: this.host,
      tunnel_port: port,
      tunnel_user: 'tunnel',
      tunnel_user_password: 'open sesame',
    };
  }

  stop(): void {
    for (const connection of this.#connections) connection.end();
    this.#server.close();
  }
}
