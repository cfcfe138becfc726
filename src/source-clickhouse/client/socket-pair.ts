import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

const LOOPBACK = '127.0.0.1';

/**
 * Creates two sockets of this process that are connected to each other. They are for SSH tunnels: an SSH channel is not a socket
 * of the operating system, but with a real socket in between, Node's timeouts, keep-alive and TLS work as usual. The sockets
 * connect through a local port, which is then closed. Connections of other processes to this port are closed, too.
 */
export async function createSocketPair(): Promise<[Socket, Socket]> {
  const server = createServer();
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  try {
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('A loopback socket has no port.');
    const accepted: Socket[] = [];
    const accepting = new Promise<void>((resolve) => {
      server.on('connection', (socket) => {
        // Ignore errors: the connection of another process may break off before it is closed below. The caller handles the
        // errors of our connection.
        socket.on('error', () => {});
        accepted.push(socket);
        resolve();
      });
    });
    const near = connect(address.port, LOOPBACK);
    await Promise.all([once(near, 'connect'), accepting]);
    const isOurs = (socket: Socket): boolean => socket.remotePort === near.localPort;
    while (!accepted.some(isOurs)) await once(server, 'connection');
    for (const stranger of accepted.filter((socket) => !isOurs(socket))) stranger.destroy();
    const far = accepted.find(isOurs);
    if (far === undefined) throw new Error('A loopback connection was not accepted.');
    return [near, far];
  } finally {
    server.close();
  }
}
