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

test('a server answers when it says a first word', async () => {
  expect(await sendsData(await listening((socket) => socket.write('SSH-2.0-x\r\n')), 10_000)).toBe(true);
});

test('a server that hangs up without a word does not answer', async () => {
  expect(await sendsData(await listening((socket) => socket.end()), 10_000)).toBe(false);
});

test('a server that says nothing does not answer in time', async () => {
  expect(await sendsData(await listening(() => {}), 50)).toBe(false);
});

test('nobody answers where nobody listens', async () => {
  const port = await listening(() => {});
  server.close();
  expect(await sendsData(port, 10_000)).toBe(false);
});
