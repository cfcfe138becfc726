import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { parseArgs } from 'node:util';

/** The ports of the two servers. */
export type Ports = { clickhouse: number; batch: number };

/** Those of `npm run sandbox`. ClickHouse's own port for HTTP, and the next one. */
export const DEFAULT_PORTS: Ports = { clickhouse: 8123, batch: 8124 };

export const USAGE = `Usage: npm run sandbox -- [--clickhouse-port ${DEFAULT_PORTS.clickhouse}] [--batch-port ${DEFAULT_PORTS.batch}]`;

const HOST = '127.0.0.1';
const LAST_PORT = 65_535;

/** How far the proposed ports are from those that were asked for. */
const STEP = 10_000;

/** The sandbox can't listen on a port. */
export class PortNotFree extends Error {
  override readonly name = 'PortNotFree';
  readonly port: number;
  /** False if this user may not listen on it. */
  readonly isTaken: boolean;

  constructor(port: number, isTaken: boolean) {
    super(isTaken ? `Port ${port} is already in use` : `Port ${port} needs the rights of an administrator`);
    this.port = port;
    this.isTaken = isTaken;
  }
}

/** Reads the arguments of `npm run sandbox`. Returns what is wrong with them as a string. */
export function readPorts(args: readonly string[]): Ports | string {
  const option = { type: 'string' } as const;
  const { positionals, values } = parseArgs({
    args: [...args],
    options: { 'clickhouse-port': option, 'batch-port': option },
    allowPositionals: true,
    strict: false,
  });
  const { 'clickhouse-port': clickhouse, 'batch-port': batch, ...unknown } = values;
  const [stray] = [...Object.keys(unknown).map((name) => `--${name}`), ...positionals];
  if (stray !== undefined) return `Unknown argument: ${stray}`;
  const ports = {
    clickhouse: toPort(clickhouse, DEFAULT_PORTS.clickhouse),
    batch: toPort(batch, DEFAULT_PORTS.batch),
  };
  if (ports.clickhouse === undefined) return '--clickhouse-port must be a number from 1 to 65535.';
  if (ports.batch === undefined) return '--batch-port must be a number from 1 to 65535.';
  if (ports.clickhouse === ports.batch) return 'The two ports must differ.';
  return { clickhouse: ports.clickhouse, batch: ports.batch };
}

function toPort(text: string | boolean | undefined, otherwise: number): number | undefined {
  if (text === undefined) return otherwise;
  const port = typeof text === 'string' && /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= LAST_PORT ? port : undefined;
}

/** Says which port is not free, and how to start the sandbox on others. */
export function explainPortNotFree({ isTaken, message, port }: PortNotFree, ports: Ports): string {
  const owner = port === DEFAULT_PORTS.clickhouse ? 'your own ClickHouse' : 'another sandbox';
  const likely = isTaken ? `, probably by ${owner}` : '';
  const other = (asked: number): number => (asked + STEP > LAST_PORT ? asked - STEP : asked + STEP);
  return `${message}${likely}. Start the sandbox on other ports:

  npm run sandbox -- --clickhouse-port ${other(ports.clickhouse)} --batch-port ${other(ports.batch)}`;
}

/**
 * Checks that the sandbox can listen on a port.
 *
 * @throws {PortNotFree} if it can't.
 */
export async function requireFreePort(port: number): Promise<void> {
  // On macOS, one can listen on 127.0.0.1 although another server listens on the port of all addresses.
  if (await isAnswered(port)) throw new PortNotFree(port, true);
  const probe = createServer().listen(port, HOST);
  try {
    await once(probe, 'listening');
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    throw new PortNotFree(port, isTaken);
  }
  probe.close();
  await once(probe, 'close');
}

async function isAnswered(port: number): Promise<boolean> {
  const socket = connect(port, HOST);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
