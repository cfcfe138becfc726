import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { forgetSecrets, redactForeign } from '../../protocol/secrets.ts';
import { type FileOptions, readSyncFile } from './read.ts';

const ENVIRONMENT = { FOLDER: 'there-it-is', KEY: 'hunter2' };

const NONE: FileOptions = {
  source: undefined,
  destination: undefined,
  state: undefined,
  streams: { stream: undefined, allStreams: undefined },
  schedule: { every: undefined, cron: undefined },
  staleAfter: undefined,
  alert: {},
  metrics: {},
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sync-file-test-'));
  mkdirSync(join(folder, 'conf'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(forgetSecrets);

async function read(content: unknown): Promise<FileOptions> {
  const path = join(folder, 'conf', 'sync.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return readSyncFile(path, ENVIRONMENT);
}

describe('reads', () => {
  test.each<[string, Record<string, unknown>, () => Partial<FileOptions>]>([
    ['nothing', { $schema: 'spec/sync.json' }, () => ({})],
    [
      'paths, which start at its folder',
      { source: 'a/source.json', destination: '/etc/d.json', state: '../state.json' },
      () => ({
        source: join(folder, 'conf/a/source.json'),
        destination: '/etc/d.json',
        state: join(folder, 'state.json'),
      }),
    ],
    ['a location in S3', { state: 's3://bucket/${FOLDER}/key' }, () => ({ state: 's3://bucket/there-it-is/key' })],
    ['references in paths', { state: '${FOLDER}/s.json' }, () => ({ state: join(folder, 'conf/there-it-is/s.json') })],
    [
      'configurations, whose references stay as they are',
      { source: { host: 'h', password: '${KEY}$${' } },
      () => ({
        source: {
          name: `"source" of ${join(folder, 'conf/sync.json')}`,
          value: { host: 'h', password: '${KEY}$${' },
          folder: join(folder, 'conf'),
          file: join(folder, 'conf/sync.json'),
        },
      }),
    ],
    ['names of streams', { streams: ['a', 'b'] }, () => ({ streams: { stream: ['a', 'b'], allStreams: undefined } })],
    ['all streams', { streams: 'all' }, () => ({ streams: { stream: undefined, allStreams: true } })],
    ['an interval', { schedule: { every: '5m' } }, () => ({ schedule: { every: '5m', cron: undefined } })],
    [
      'metrics',
      { metrics: { port: 9464, host: '::1', file: 'a.prom' } },
      () => ({
        metrics: { metricsPort: '9464', metricsHost: '::1', metricsFile: join(folder, 'conf/a.prom') },
      }),
    ],
    [
      'alerts, whose references stay as they are',
      { alert: { url: '${KEY}', headers: { A: 'x ${KEY}', B: 'y' }, rejected: 0 }, stale_after: '2h' },
      () => ({
        alert: { alertUrl: '${KEY}', alertHeaders: ['A: x ${KEY}', 'B: y'], alertRejected: '0' },
        staleAfter: '2h',
      }),
    ],
    [
      'a cron pattern',
      { schedule: { cron: '0 3 * * *' } },
      () => ({ schedule: { every: undefined, cron: '0 3 * * *' } }),
    ],
  ])('%s', async (_, content, expected) => {
    expect(await read(content)).toEqual({ ...NONE, ...expected() });
  });

  test('a reference, and masks its value', async () => {
    await read({ source: { password: '${KEY}' } });
    expect(redactForeign('is hunter2')).toBe('is ****');
  });
});

describe('names what is wrong, but no value:', () => {
  test.each<[string, unknown, RegExp]>([
    ['no JSON', '{"source": ', /^The configuration file \S+sync\.json is not valid JSON/],
    ['no object', [], /sync\.json is not usable: it must be an object\.$/],
    ['a misspelt option', { sourec: 'hunter2' }, / it has no option "sourec" \(did you mean "source"\?\)\.$/],
    ['an unknown option', { limit: 5 }, /has no option "limit" \(the options are source, destination, state, /],
    [
      'a misspelt option of a group',
      { schedule: { evrey: '5m' } },
      /schedule has no option "evrey" \(did you mean "every"/,
    ],
    ['two schedules', { schedule: { every: '5m', cron: '* * * * *' } }, /schedule must have either "every" or "cron"/],
    ['no schedule', { schedule: {} }, /schedule must have either/],
    ['a number for a path', { state: 7 }, /state must be a string/],
    ['an empty path', { state: '' }, /state must have at least 1 character/],
    ['no streams', { streams: [] }, /: streams must be a list of names, or "all"\.$/],
    ['a list for a configuration', { source: [] }, /: source must be the path of a file, or an object with the conf/],
    ['a header that is not a string', { alert: { headers: { A: 7 } } }, /: alert\.headers\.A must be a string\.$/],
    ['no number of rows', { alert: { rejected: -1 } }, /alert\.rejected must be a share such as "1%", or a number/],
    [
      'a port in quotes',
      { metrics: { port: '9464' } },
      /: metrics\.port must be a whole number, without quotes: 9464\.$/,
    ],
    ['a port that is too high', { metrics: { port: 65_536 } }, /: metrics\.port must be at most 65535\.$/],
    ['several', { state: 7, source: 7 }, /source must be .*; state must be a string\.$/],
    [
      'a missing variable',
      { destination: { rest_api_key: '${X}' } },
      /destination\.rest_api_key refers to .* X, which/,
    ],
  ])('%s', async (_, content, message) => {
    const reading = read(content);
    await expect(reading).rejects.toMatchObject({
      code: 'configuration_invalid',
      message: expect.stringMatching(message),
    });
    await expect(reading).rejects.not.toThrow(/hunter2/);
  });
});
