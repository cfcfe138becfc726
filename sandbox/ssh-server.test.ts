import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { sendsData } from './ssh-server.ts';

let server: Server;

afterEach(() => server.close());

async function listening(connected: (socket: Socket) => void): Promise<number> {
  server = createServer(connected).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return address === null || typeof address === 'string' ? 0 : address.port;
}

test('a server that sends data answers', async () => {
  expect(await sendsData(await listening((socket) => socket.write('SSH-2.0-x\r\n')), 10_000)).toBe(true);
});

test('a server that closes the connection without data does not answer', async () => {
  expect(await sendsData(await listening((socket) => socket.end()), 10_000)).toBe(false);
});

test('a server that sends nothing does not answer in time', async () => {
  expect(await sendsData(await listening(() => {}), 50)).toBe(false);
});

test('a port without a listener does not answer', async () => {
  const port = await listening(() => {});
  server.close();
  expect(await sendsData(port, 10_000)).toBe(false);
});
