import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { freePort } from './free-port.ts';
import { DEFAULT_PORTS, explainPortNotFree, PortNotFree, type Ports, readPorts, requireFreePort } from './ports.ts';

const cases: [string, Ports | string][] = [
  ['', DEFAULT_PORTS],
  ['--clickhouse-port 18123 --batch-port=18124', { clickhouse: 18_123, batch: 18_124 }],
  ['--batch-port 9', { ...DEFAULT_PORTS, batch: 9 }],
  ['--batch-port 0', '--batch-port must be a number from 1 to 65535.'],
  ['--clickhouse-port 65536', '--clickhouse-port must be a number from 1 to 65535.'],
  ['--clickhouse-port abc', '--clickhouse-port must be a number from 1 to 65535.'],
  ['--clickhouse-port', '--clickhouse-port must be a number from 1 to 65535.'],
  ['--batch-port 8123', 'The two ports must differ.'],
  ['--port 1', 'Unknown argument: --port'],
  ['--port', 'Unknown argument: --port'],
  ['9000', 'Unknown argument: 9000'],
];
test.each(cases)('the arguments "%s"', (args, expected) => {
  expect(readPorts(args.split(' ').filter((arg) => arg !== ''))).toEqual(expected);
});

test('a port is free if nothing listens on it', async () => {
  await requireFreePort(await freePort());
});

test.each(['127.0.0.1', '0.0.0.0'])('explains that a server on %s has the port', async (host) => {
  const server = createServer().listen(0, host);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await expect(requireFreePort(port)).rejects.toThrow(new PortNotFree(port, true));
});

test('proposes other ports', () => {
  expect(explainPortNotFree(new PortNotFree(8123, true), DEFAULT_PORTS)).toBe(
    `Port 8123 is already in use, probably by your own ClickHouse. Start the sandbox on other ports:

  npm run sandbox -- --clickhouse-port 18123 --batch-port 18124`,
  );
  expect(explainPortNotFree(new PortNotFree(80, false), { clickhouse: 60_000, batch: 80 })).toBe(
    `Port 80 needs the rights of an administrator. Start the sandbox on other ports:

  npm run sandbox -- --clickhouse-port 50000 --batch-port 10080`,
  );
});
