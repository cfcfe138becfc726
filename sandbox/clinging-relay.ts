import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

const HOST = '127.0.0.1';

/**
 * Passes on what a client and a server on this machine say to each other, and closes no connection of a client whatever
 * either side does: as a machine that is frozen, or that means ill.
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

  /** @param server the port that it passes on to, or what it says itself when there is none. */
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

  /** Says something of its own to the clients that are there, in the midst of what the server says. */
  say(text: string): void {
    for (const client of this.#clients) client.write(text);
  }

  stop(): void {
    for (const client of this.#clients) client.destroy();
    this.#server.close();
  }
}
