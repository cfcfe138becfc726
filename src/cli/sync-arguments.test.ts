import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SyncOptions } from '../sync/sync.ts';
import { parseSyncArguments } from './sync-arguments.ts';

const FILE = {
  source: '/s.json',
  destination: '/d.json',
  state: '/state.json',
  streams: ['a'],
  schedule: { every: '5m' },
  alert: { url: 'https://example.com/one', headers: { Authorization: 'Bearer one' }, rejected: '1%' },
  metrics: { port: 9464 },
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sync-arguments-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function parse(file: object, ...args: string[]): Promise<SyncOptions | undefined> {
  const path = join(folder, 'sync.json');
  writeFileSync(path, JSON.stringify(file));
  return parseSyncArguments('clickhouse-to-batch', ['--config', path, ...args]);
}

test('adds the options of the file of --config', async () => {
  expect(await parse(FILE, '--limit', '5')).toMatchObject({
    source: '/s.json',
    destination: '/d.json',
    state: '/state.json',
    streams: ['a'],
    allStreams: false,
    limit: 5,
    every: '5m',
    cron: undefined,
    alert: {
      alertUrl: 'https://example.com/one',
      alertHeaders: ['Authorization: Bearer one'],
      alertRejected: '1%',
    },
    metrics: { metricsPort: '9464', metricsFile: undefined },
  });
});

describe('options on the command line take precedence over those of the file:', () => {
  test.each<[string, string[], Partial<SyncOptions>]>([
    ['a path, relative to the working folder', ['--state', 'other.json'], { state: 'other.json', source: '/s.json' }],
    ['a cron pattern over an interval', ['--cron', '0 3 * * *'], { every: undefined, cron: '0 3 * * *' }],
    ['all streams over names', ['--all-streams'], { streams: [], allStreams: true }],
    [
      'a file for metrics, in addition to the port',
      ['--metrics-file', 'a.prom'],
      { metrics: { metricsPort: '9464', metricsHost: undefined, metricsFile: 'a.prom' } },
    ],
    ['names of streams', ['--stream', 'b', 'c'], { streams: ['b', 'c'], allStreams: false }],
    [
      'the URL of alerts, without the token for the URL of the file',
      ['--alert-url', 'https://example.com/two'],
      {
        alert: {
          alertUrl: 'https://example.com/two',
          alertHeaders: undefined,
          alertRejected: '1%',
        },
      },
    ],
  ])('%s', async (_, args, expected) => {
    expect(await parse(FILE, ...args)).toMatchObject(expected);
  });
});

test('names the options that neither the command line nor the file contains', async () => {
  await expect(parse({ source: '/s.json' }, '--state', 'x')).rejects.toMatchObject({
    code: 'command_invalid',
    message: `Missing required argument: destination. Add it to ${folder}/sync.json. Run \`clickhouse-to-batch sync --help\`.`,
  });
});

describe('the request log', () => {
  test.each<[string, string[], readonly string[]]>([
    ['is off by default', [], []],
    [
      'gets a path relative to the working folder',
      ['--request-log', 'a.ndjson'],
      ['--request-log', resolve('a.ndjson')],
    ],
    [
      'gets a mode',
      ['--request-log', '/a', '--request-log-mode', 'first:10'],
      ['--request-log', '/a', '--request-log-mode', 'first:10'],
    ],
  ])('%s', async (_, args, expected) => {
    expect(await parse(FILE, ...args)).toMatchObject({ requestLogArguments: expected });
  });

  test.each([
    ['without a file', ['--request-log-mode', 'all'], /^--request-log-mode has no effect without --request-log\. /],
    ['with an unknown mode', ['--request-log', 'a', '--request-log-mode', 'first'], /must be errors, all or first:N/],
    ['with no requests', ['--request-log', 'a', '--request-log-mode', 'first:0'], /must be errors, all or first:N/],
  ])('is refused %s', async (_, args, message) => {
    await expect(parse(FILE, ...args)).rejects.toMatchObject({
      code: 'command_invalid',
      message: expect.stringMatching(message),
    });
  });
});
