import { once } from 'node:events';
import ssh2, { type AcceptConnection, type Connection, type RejectConnection, type ServerChannel } from 'ssh2';

/** What is done with a client's wish to reach a host and port. */
export type OnForward = (accept: AcceptConnection<ServerChannel>, reject: RejectConnection) => void;

/**
 * An SSH server of this process, for what a real one can't be brought to do. It lets everybody in and connects to
 * nothing: what becomes of a client's wish to be connected, it is told.
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
    // Of its keys of ed25519, one in some hundreds can't be read by the library that made it.
    const hostKeys = [ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 }).private];
    const server = new ssh2.Server({ hostKeys }, (connection) => {
      connections.push(connection);
      // Clients go away as they like.
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

  /** Options of a tunnel through it. */
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
