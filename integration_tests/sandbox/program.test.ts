import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { eventually } from '../support/support.ts';

// `npm run sandbox`, and what it does when ClickHouse can't run.

const PROGRAM = fileURLToPath(new URL('../../sandbox/main.ts', import.meta.url));

/** Linux lists the children of a process. */
const hasChildren = process.platform === 'linux';

function startProgram(...args: string[]): ChildProcess {
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), PROGRAM, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill());
  return child;
}

describe.runIf(hasChildren)('npm run sandbox', () => {
  test('prints values that work, and ends with a message and exit code 1 when its ClickHouse crashes', async () => {
    const ports = [await freePort(), await freePort()] as const;
    const child = startProgram('--clickhouse-port', `${ports[0]}`, '--batch-port', `${ports[1]}`);
    let printed = '';
    child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
      printed += piece;
    });
    await eventually(() => expect(printed).toContain('Press Ctrl-C'));
    expect(printed).toContain(`bin/clickhouse-to-batch init --api-url http://127.0.0.1:${ports[1]}\n`);
    const [source, destination] = [...printed.matchAll(/^\{.+\}$/gm)].map(([line]) => JSON.parse(line));
    expect(destination).toEqual({
      api_url: `http://127.0.0.1:${ports[1]}`,
      project_key: 'project_sandbox',
      rest_api_key: 'sandbox-rest-key',
    });
    const { database, host, password, port, username } = source;
    const answer = await fetch(`http://${host}:${port}/?database=${database}&query=SELECT%201`, {
      headers: { 'x-clickhouse-user': username, 'x-clickhouse-key': password },
    });
    expect(await answer.text()).toBe('1\n');

    const [engine] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ').map(Number);
    process.kill(engine ?? 0, 'SIGKILL');
    await once(child, 'close');
    expect(child.exitCode).toBe(1);
    expect(printed).toMatch(/The sandbox's ClickHouse has crashed, and its tables are gone\. .*npm run sandbox\n$/);
  });
});

test('a ClickHouse does not mistake another server on its port for itself', async () => {
  const other = createServer((_, response) => response.end('Ok.\n')).listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  await expect(ClickHouseServer.start(port)).rejects.toThrow('ended while it started');
});
