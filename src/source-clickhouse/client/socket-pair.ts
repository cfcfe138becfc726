import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

const LOOPBACK = '127.0.0.1';

/**
 * Two sockets of this process that are connected to each other. What comes through a tunnel is no socket of the
 * operating system; with one in between, timeouts, keep-alive and TLS of Node work on it as on any other. Nobody else
 * gets in: a connection that is not ours is closed, and nothing listens once the two have found each other.
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
        // A stranger may break off before it is turned away; who takes the other looks after it.
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
