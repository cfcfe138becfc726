import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { LargeReadAgent, READ_BYTES } from './large-read-agent.ts';

const BODY = randomBytes(32 * 1024 * 1024);

/** The maximum number of bytes that are read ahead for a paused response. */
const MAX_READ_AHEAD_BYTES = 4 * READ_BYTES;

const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanUp of cleanups.splice(0)) cleanUp();
});

/** Starts a server and an agent. Returns a function that sends a request. */
async function startServer(respond: RequestListener): Promise<() => Promise<IncomingMessage>> {
  const server = createServer(respond).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new LargeReadAgent({ keepAlive: true, maxSockets: 1 });
  cleanups.push(() => {
    agent.destroy();
    server.closeAllConnections();
    server.close();
  });
  // The name has two addresses on most machines, and the server listens on one of them.
  const { port } = server.address() as AddressInfo;
  return async () => {
    const [response] = await once(get({ host: 'localhost', port, agent }), 'response');
    return response;
  };
}

async function readBody(response: IncomingMessage): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  return chunks;
}

test('delivers a response in chunks of more than 64 KiB', async () => {
  const request = await startServer((_, response) => response.end(BODY));
  const chunks = await readBody(await request());
  expect(Math.max(...chunks.map(({ length }) => length))).toBeGreaterThan(64 * 1024);
  expect(Buffer.concat(chunks).equals(BODY)).toBe(true);
});

test('reads no bytes into a chunk that was delivered', async () => {
  const request = await startServer((_, response) => response.end(BODY));
  const response = await request();
  const delivered: Buffer[] = [];
  const copies: Buffer[] = [];
  response.socket.on('data', (chunk: Buffer) => {
    delivered.push(chunk);
    copies.push(Buffer.from(chunk));
  });
  await readBody(response);
  expect(delivered.length).toBeGreaterThan(10);
  expect(Buffer.concat(delivered).equals(Buffer.concat(copies))).toBe(true);
});

test('stops reading while the response is paused', async () => {
  const request = await startServer((_, response) => response.end(BODY));
  const response = await request();
  await sleep(200);
  expect(response.socket.bytesRead).toBeLessThan(MAX_READ_AHEAD_BYTES);
  expect(Buffer.concat(await readBody(response)).equals(BODY)).toBe(true);
});

test('sends the next request over the same connection', async () => {
  const request = await startServer((_, response) => response.end('a'));
  const ports: unknown[] = [];
  for (const _ of [1, 2]) {
    const response = await request();
    ports.push(response.socket.localPort);
    expect(Buffer.concat(await readBody(response)).toString()).toBe('a');
  }
  expect(ports[0]).toBe(ports[1]);
});
