import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

const HOST = '127.0.0.1';

/**
 * Relays between a client and a server on this machine, and never closes a client's connection, whatever either side
 * does: like a frozen or a malicious machine.
 */
export class ClingingRelay {
  readonly port: number;
  readonly #server: Server;
  readonly #clients: Socket[];

  private constructor(port: number, server: Server, clients: Socket[]) {
    this.port = port;
    this.#server = server;
    this.#clients = clients;
  }

  /** @param server the port to relay to, or the greeting to send when there is no server. */
  static async start(server: { port: number } | { greeting: string }): Promise<ClingingRelay> {
    const clients: Socket[] = [];
    const relay = createServer({ allowHalfOpen: true }, (client) => {
      clients.push(client);
      client.on('error', () => {}).resume();
      if ('greeting' in server) {
        client.write(server.greeting);
        return;
      }
      const onward = connect(server.port, HOST).on('error', () => {});
      client.pipe(onward);
      onward.pipe(client, { end: false });
    });
    relay.listen(0, HOST);
    await once(relay, 'listening');
    const address = relay.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return new ClingingRelay(address.port, relay, clients);
  }

  /** Writes to all connected clients, even in the middle of what the server sends. */
  say(text: string): void {
    for (const client of this.#clients) client.write(text);
  }

  stop(): void {
    for (const client of this.#clients) client.destroy();
    this.#server.close();
  }
}
