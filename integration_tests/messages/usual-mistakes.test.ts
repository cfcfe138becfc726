import { chmodSync, existsSync, mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { VERSION } from '../../src/shared/package.ts';
import {
  clickHouseWith,
  destinationConfiguration,
  quickBatchApi,
  sourceConfiguration,
  temporaryFiles,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';
import { typeCommand } from '../support/typed-command.ts';
import { MISTAKES, type Setting } from './usual-mistakes.ts';

/** Wide enough that no message is wrapped. */
const COLUMNS = 2_000;

const ENVIRONMENT = { CI: undefined, CONNECTOR_ROLE: undefined, LC_ALL: 'C.UTF-8', TERM: 'xterm', UNSET: undefined };

/** A lock expires ten seconds after it was renewed. The command has five seconds to find the lock before it expires. */
const HALF_EXPIRED_MS = 5_000;

const DAY = 86_400;

const file = temporaryFiles();
const server = clickHouseWith('shop');
let batch: BatchApi;
/** The state after a run over `events`. */
let state: string;

beforeAll(async () => {
  batch = await quickBatchApi();
  const table = (name: string, columns: string, rows: string): string[] => [
    createTableSql(`shop.${name}`, columns, { cursor: 'DateTime' }),
    `INSERT INTO shop.${name} ${rows}`,
  ];
  const row = (more = ''): string => `SELECT 'u1', 'order_paid', now() - 600${more}`;
  await server().execute(
    'CREATE DATABASE stock',
    'CREATE DATABASE raw',
    ...table('events', 'event_time DateTime, item String', row(", now() - 600, 'shirt'")),
    ...table('empty', '', `${row()} WHERE 0`),
    ...table(
      'old',
      'event_time DateTime',
      `SELECT 'u1', 'order_paid', now() - ${30 * DAY}, now() - ${30 * DAY} FROM numbers(15)`,
    ),
    ...table('capitals', '', "SELECT 'u1', 'Order Paid', now() - 600"),
    ...table('json', 'details String', row(`, '{"a":1,}'`)),
    ...table('dates', 'date__birthday String', row(", '2026-04-17 10:00:00'")),
    ...table('times', 'event_time String', row(", '2026-04-17 10:00:00'")),
    ...table('sizes', 'sizes Array(UInt8)', row(', [36, 38]')),
    ...table('spaced', '', "SELECT ' u5 ', 'order_paid', now() - 600"),
    'CREATE TABLE shop.orders (id UInt64, user_id UInt64, status String, inserted_at DateTime) ORDER BY id',
    'CREATE TABLE raw.items (id UInt64, user_id UInt64, action String, created_at DateTime) ORDER BY id',
    createTableSql('stock.returns', 'reason String'),
  );
  const folder = writeFiles({});
  const { code, text } = await type(SYNC, folder);
  if (code !== 0) throw new Error(text);
  state = readFileSync(join(folder, 'st.json'), 'utf8');
});

afterAll(() => batch.close());

const SYNC = 'sync --source s.json --destination d.json --state st.json';

/** Writes the files of a setting into a folder of its own, and returns the folder. */
function writeFiles({
  source = {},
  destination = {},
  isPortOfBatch = false,
  hasState = false,
  lockedBy,
  mode = 0o600,
}: Setting): string {
  const port = isPortOfBatch ? { port: Number(new URL(batch.url).port) } : {};
  const good = sourceConfiguration(server(), 'shop', { table: 'events', ...port });
  const path = file('s.json', typeof source === 'string' ? source : { ...good, ...source });
  const folder = dirname(path);
  writeFileSync(join(folder, 'd.json'), JSON.stringify(destinationConfiguration(batch, destination)));
  for (const name of ['s.json', 'd.json']) chmodSync(join(folder, name), mode);
  if (hasState) writeFileSync(join(folder, 'st.json'), state);
  if (lockedBy !== undefined) {
    const lock = join(folder, 'st.json.lock');
    const owner = { pid: lockedBy, host: hostname(), since: '2026-04-17T04:25:00.000Z' };
    mkdirSync(lock);
    writeFileSync(`${lock}.json`, JSON.stringify(owner));
    if (lockedBy !== process.ppid) {
      const renewed = new Date(Date.now() - HALF_EXPIRED_MS);
      utimesSync(lock, renewed, renewed);
    }
  }
  return folder;
}

/** Types a command in a folder. After "| ", its output goes to a pipe. */
async function type(command: string, folder: string): Promise<{ code: number; text: string }> {
  const [, pipe, typed = ''] = /^(\| )?(.*)$/.exec(command) ?? [];
  const args = [...typed.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, word = '']) => quoted ?? word);
  const paths = args.map((arg) => (/\.json$/.test(arg) ? join(folder, arg) : arg));
  return typeCommand(paths, pipe === undefined ? { columns: COLUMNS } : 'pipe', ENVIRONMENT);
}

/** Replaces what differs in each run by names of the same length where columns are aligned. */
function withoutRun(text: string, folder: string): string[] {
  const replaced: [RegExp | string, string][] = [
    [`${folder}/`, ''],
    [new URL(batch.url).host, '127.0.0.1:BATCH'],
    [new URL(server().url).host, '127.0.0.1:CLICKHOUSE'],
    [/(?!2026-04-17)\d{4}-\d\d-\d\d(T| )\d\d:\d\d:\d\d/g, 'YYYY-MM-DD$1hh:mm:ss'],
    [/\b(Done in|Failed after) [\d.]+m?s/g, '$1 TIME'],
    [/ClickHouse works \([\d.]+/g, 'ClickHouse works (VERSION'],
    [`process ${process.ppid} on ${hostname()}`, 'process PID on HOST'],
    [hostname(), 'HOST'],
    [/"emitted_at":\d+/g, '"emitted_at":NOW'],
  ];
  return replaced.reduce((all, [found, name]) => all.replaceAll(found, name), text).split('\n');
}

describe.each(MISTAKES)('$row: $mistake', ({ runs, ...setting }) => {
  test.each(runs)('%s', async (command, code, lines) => {
    const folder = writeFiles(setting);
    const printed = await type(command, folder);
    expect(withoutRun(printed.text, folder)).toEqual(lines.map((line) => line.replace('PACKAGE_VERSION', VERSION)));
    expect(printed.code).toBe(code);
    expect(existsSync(join(folder, 'st.json.lock'))).toBe(setting.lockedBy === process.ppid);
  });
});
