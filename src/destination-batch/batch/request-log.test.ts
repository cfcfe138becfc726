import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { forgetSecrets, registerSecrets } from '../../protocol/secrets.ts';
import { RequestLog, type RequestLogMode, type SentRequest } from './request-log.ts';

const NOW = Date.parse('2026-01-31T03:00:01.000Z');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'request-log-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(forgetSecrets);

let files = 0;

function newPath(): string {
  files += 1;
  return join(folder, `${files}.ndjson`);
}

const ACCEPTED: SentRequest = {
  path: '/2.11/profiles/update',
  body: Buffer.from('[{"n":9007199254740993}]'),
  attempt: 1,
  milliseconds: 120.4,
  received: { status: 202, text: '{"code": "SUCCESS"}', retryAfter: undefined },
  result: { kind: 'accepted', errors: [] },
};

const PARTIAL: SentRequest = {
  ...ACCEPTED,
  result: { kind: 'accepted', errors: [{ bulkIndex: 0, attribute: undefined, reason: 'why' }] },
};

const REFUSED: SentRequest = {
  ...ACCEPTED,
  received: { status: 400, text: '<p>no</p>', retryAfter: undefined },
  result: { kind: 'refused', reason: 'no' },
};

const FAILED: SentRequest = {
  ...ACCEPTED,
  attempt: 2,
  received: new Error("Can't reach api.batch.com"),
  result: new Error("Can't reach api.batch.com"),
};

/** Logs requests, all at the same time, and returns the lines. */
async function logged(mode: RequestLogMode, requests: readonly SentRequest[], path = newPath()): Promise<string[]> {
  const log = await RequestLog.open(
    { path, mode },
    () => NOW,
    (message) => expect.fail(message),
  );
  await Promise.all(requests.map((request) => log.add(request)));
  await log.close();
  return readFileSync(path, 'utf8').trimEnd().split('\n');
}

test('writes a line for each request, with its response, and the body unchanged', async () => {
  const path = newPath();
  expect(await logged({ kind: 'all' }, [ACCEPTED, REFUSED, FAILED], path)).toEqual([
    '{"at":"2026-01-31T03:00:00.879Z","path":"/2.11/profiles/update","attempt":1,"milliseconds":120,"status":202,"response":{"code":"SUCCESS"},"body":[{"n":9007199254740993}]}',
    '{"at":"2026-01-31T03:00:00.879Z","path":"/2.11/profiles/update","attempt":1,"milliseconds":120,"status":400,"response":"<p>no</p>","body":[{"n":9007199254740993}]}',
    `{"at":"2026-01-31T03:00:00.879Z","path":"/2.11/profiles/update","attempt":2,"milliseconds":120,"status":null,"error":"Can't reach api.batch.com","body":[{"n":9007199254740993}]}`,
  ]);
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test.each<[string, RequestLogMode, readonly number[]]>([
  ['errors', { kind: 'errors' }, [1, 2, 3]],
  ['the first ones', { kind: 'first', requests: 2 }, [0, 1]],
  ['all', { kind: 'all' }, [0, 1, 2, 3]],
])('logs %s', async (_, mode, expected) => {
  const requests = [ACCEPTED, PARTIAL, REFUSED, FAILED].map((request, index) => ({ ...request, attempt: index }));
  const lines = await logged(mode, requests);
  expect(lines.map((line) => JSON.parse(line).attempt)).toEqual(expected);
});

test('masks a secret that a server repeats', async () => {
  registerSecrets(['the-key-1234']);
  const received = { status: 401, text: '{"error_message": "the-key-1234 is unknown"}', retryAfter: undefined };
  const [line] = await logged({ kind: 'all' }, [{ ...ACCEPTED, received }]);
  expect(line).toContain('"response":{"error_message":"**** is unknown"}');
});

test('keeps the lines of large requests apart', async () => {
  const bodies = ['a', 'b', 'c', 'd'].map((letter) => Buffer.from(JSON.stringify([letter.repeat(1_500_000)])));
  const lines = await logged(
    { kind: 'all' },
    bodies.map((body) => ({ ...ACCEPTED, body })),
  );
  expect(lines.map((line) => JSON.parse(line).body[0].replace(/(.)\1+/, '$1'))).toEqual(['a', 'b', 'c', 'd']);
});

test('appends to a file, after a line that a full disk has truncated', async () => {
  const path = newPath();
  writeFileSync(path, '{"at":1}\n{"at":2,"bo');
  expect(await logged({ kind: 'all' }, [ACCEPTED], path)).toEqual([
    '{"at":1}',
    '{"at":2,"bo',
    expect.stringMatching(/^\{"at":"2026/),
  ]);
});

test("fails before anything is sent if the file can't be written", async () => {
  const opening = RequestLog.open({ path: join(folder, 'no/such'), mode: { kind: 'all' } }, Date.now, () => {});
  await expect(opening).rejects.toMatchObject({
    code: 'request_log_unwritable',
    failureType: 'config_error',
    message: expect.stringMatching(
      /^Can't write the request log \S+no\/such: the folder \S+\/no does not exist\. Create it \(/,
    ),
  });
});

test.runIf(process.platform === 'linux')('warns once if the disk is full later', async () => {
  const warnings: string[] = [];
  const log = await RequestLog.open({ path: '/dev/full', mode: { kind: 'all' } }, Date.now, (message) =>
    warnings.push(message),
  );
  await Promise.all([log.add(ACCEPTED), log.add(ACCEPTED)]);
  await log.add(ACCEPTED);
  await log.close();
  expect(warnings).toEqual([
    expect.stringMatching(/^Can't write the request log \/dev\/full: no space left on device/),
  ]);
});
