import { once } from 'node:events';
import { connect, Server, Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { createSocketPair } from './socket-pair.ts';

afterEach(() => vi.restoreAllMocks());

test('the two sockets are connected', async () => {
  const [near, far] = await createSocketPair();
  near.write('there');
  expect(String((await once(far, 'data'))[0])).toBe('there');
  far.end('and back');
  expect(String((await once(near, 'data'))[0])).toBe('and back');
});

test('ignores a foreign connection that comes first', async () => {
  const listen = vi.spyOn(Server.prototype, 'listen');
  const connectSocket = Socket.prototype.connect;
  // The pair's own connection waits until the stranger has come and gone.
  vi.spyOn(Socket.prototype, 'connect').mockImplementationOnce(function (this: Socket, ...args) {
    comeAndBreakOff(listen.mock.contexts[0]).then(() => connectSocket.apply(this, args));
    return this;
  });
  const [near, far] = await createSocketPair();
  expect(far.remotePort).toBe(near.localPort);
  near.destroy();
});

async function comeAndBreakOff(server: unknown): Promise<void> {
  const address = server instanceof Server ? server.address() : null;
  if (!(server instanceof Server) || address === null || typeof address === 'string') throw new Error('no server');
  // Not with once() of node:events, which would also reject on the error event.
  const gone = new Promise((resolve) => {
    server.once('connection', (socket) => socket.once('close', resolve));
  });
  const stranger = connect(address.port, '127.0.0.1');
  await Promise.all([once(stranger, 'connect'), once(server, 'connection')]);
  stranger.resetAndDestroy();
  await gone;
}
