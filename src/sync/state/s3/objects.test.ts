import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { forgetSecrets } from '../../../protocol/secrets.ts';
import { createS3Client } from './client.ts';
import { S3Objects } from './objects.ts';

const URL = 's3://bucket/state.json';

let server: Server | undefined;

beforeEach(() => {
  // Nothing of the machine that runs the tests.
  for (const name of Object.keys(process.env).filter((each) => each.startsWith('AWS_'))) vi.stubEnv(name, undefined);
  vi.stubEnv('AWS_CONFIG_FILE', '/nonexistent');
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/nonexistent');
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
});
afterEach(() => {
  forgetSecrets();
  vi.unstubAllEnvs();
  server?.closeAllConnections();
  server?.close();
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

function error(status: number, code: string, headers: Record<string, string> = {}): Answer {
  return (_, response) =>
    response.writeHead(status, headers).end(`<Error><Code>${code}</Code><Message>No.</Message></Error>`);
}

/** Starts a store; returns its address. */
async function start(answer: Answer): Promise<string> {
  server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Opens objects of a store that answers like this. */
async function objectsOf(answer: Answer, timeoutMs = 10_000): Promise<S3Objects> {
  vi.stubEnv('AWS_ENDPOINT_URL', await start(answer));
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'a-key');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'a-secret');
  return new S3Objects(await createS3Client(URL), { url: URL, bucket: 'bucket', key: 'state.json' }, timeoutMs);
}

describe('an error of the store says what to do:', () => {
  test.each<[string, Answer, string, RegExp]>([
    [
      'no bucket',
      error(404, 'NoSuchBucket'),
      'config_error',
      /The bucket does not exist. Check --state and AWS_ENDPOINT/,
    ],
    [
      'no permission',
      error(403, 'AccessDenied'),
      'config_error',
      /no permission. Grant it s3:GetObject and s3:PutObject/,
    ],
    ['an unknown key', error(403, 'InvalidAccessKeyId'), 'config_error', /Check AWS_ACCESS_KEY_ID/],
    ['a wrong secret', error(403, 'SignatureDoesNotMatch'), 'config_error', /Check AWS_SECRET_ACCESS_KEY/],
    ['expired credentials', error(400, 'ExpiredToken'), 'config_error', /have expired. Renew them/],
    ['another region', error(301, 'PermanentRedirect'), 'config_error', /in another region. Check AWS_REGION/],
    [
      'another region',
      error(400, 'AuthorizationHeaderMalformed'),
      'config_error',
      /in another region. Check AWS_REGION/,
    ],
    [
      'no S3',
      (_, response) => response.writeHead(404).end('Not here.'),
      'config_error',
      /refused the request. Check --state/,
    ],
    ['overload', error(503, 'SlowDown'), 'transient_error', /\(SlowDown, HTTP 503, No\.\)/],
    ['a conflict', error(409, 'ConditionalRequestConflict'), 'transient_error', /HTTP 409/],
    [
      'a cut connection',
      (request) => request.socket.destroy(),
      'transient_error',
      /Check AWS_ENDPOINT_URL and the network/,
    ],
    ['no condition', error(501, 'NotImplemented'), 'config_error', /does not support conditional writes/],
  ])('%s', async (_, answer, failureType, message) => {
    const objects = await objectsOf(answer);
    await expect(objects.write('state.json', '[]', { kind: 'absent' })).rejects.toMatchObject({
      failureType,
      message: expect.stringMatching(message),
    });
  });

  test.each<[string, Answer]>([
    ['no response', () => {}],
    ['half a response', (_, response) => response.writeHead(200, { 'content-length': 9 }).write('[')],
  ])('%s', async (_, answer) => {
    const objects = await objectsOf(answer, 50);
    await expect(objects.read('state.json')).rejects.toMatchObject({
      failureType: 'transient_error',
      message: expect.stringContaining(`${URL} (no response in time). The store is unreachable`),
    });
  });

  test('no credentials', async () => {
    vi.stubEnv('AWS_REGION', 'eu-west-1');
    await expect(createS3Client(URL)).rejects.toMatchObject({
      failureType: 'config_error',
      message: expect.stringContaining(
        'This machine has no credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.',
      ),
    });
  });

  test('no region', async () => {
    await expect(createS3Client(URL)).rejects.toMatchObject({
      failureType: 'config_error',
      message: expect.stringContaining('the region is not set. Set AWS_REGION'),
    });
  });
});

test('sends the condition of a write, and returns whether it was met', async () => {
  const headers: [unknown, unknown][] = [];
  const objects = await objectsOf((request, response) => {
    const { 'if-none-match': absent, 'if-match': match } = request.headers;
    headers.push([absent, match]);
    if (match === '"2"') error(412, 'PreconditionFailed')(request, response);
    else if (match === '"3"') error(404, 'NoSuchKey')(request, response);
    else response.writeHead(200, { etag: '"new"' }).end();
  });
  const write = (condition: Parameters<S3Objects['write']>[2]): Promise<unknown> => objects.write('k', '[]', condition);
  expect(await write({ kind: 'absent' })).toEqual({ kind: 'written', etag: '"new"' });
  expect(await write({ kind: 'unchanged', etag: '"1"' })).toEqual({ kind: 'written', etag: '"new"' });
  expect(await write({ kind: 'unchanged', etag: '"2"' })).toEqual({ kind: 'refused' });
  expect(await write({ kind: 'unchanged', etag: '"3"' })).toEqual({ kind: 'refused' });
  expect(headers).toEqual([
    ['*', undefined],
    [undefined, '"1"'],
    [undefined, '"2"'],
    [undefined, '"3"'],
  ]);
});

test('reads an object with its age by the clock of the store', async () => {
  const objects = await objectsOf((_, response) => {
    const date = 'Thu, 01 Jan 2026 00:01:00 GMT';
    response.writeHead(200, { etag: '"1"', date, 'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT' }).end('é');
  });
  expect(await objects.read('state.json')).toEqual({ text: 'é', etag: '"1"', ageMs: 60_000 });
});

test('uses the endpoint and the keys of a profile, and the path for the bucket', async () => {
  const seen: string[] = [];
  const endpoint = await start((request, response) => {
    seen.push(
      `${request.headers.host} ${request.url} ${/Credential=([^,]+)/.exec(request.headers.authorization ?? '')?.[1]}`,
    );
    error(404, 'NoSuchKey')(request, response);
  });
  const folder = mkdtempSync(join(tmpdir(), 's3-profile-'));
  const config = join(folder, 'config');
  const address = endpoint.replace('127.0.0.1', 'localhost');
  writeFileSync(
    config,
    `[profile other]\nregion = eu-west-3\nendpoint_url = ${address}\naws_access_key_id = k\naws_secret_access_key = s3cret-of-profile\n`,
  );
  vi.stubEnv('AWS_CONFIG_FILE', config);
  vi.stubEnv('AWS_PROFILE', 'other');
  const objects = new S3Objects(await createS3Client(URL), { url: URL, bucket: 'bucket', key: 'state.json' }, 10_000);
  expect(await objects.read('a b.json')).toBeUndefined();
  expect(seen).toEqual([
    expect.stringMatching(
      /^localhost:\d+ \/bucket\/a%20b\.json\?x-id=GetObject k\/\d{8}\/eu-west-3\/s3\/aws4_request$/,
    ),
  ]);
  rmSync(folder, { recursive: true });
});

test('no message contains the credentials that a store sends back', async () => {
  vi.stubEnv('AWS_SESSION_TOKEN', 'a-session-token');
  const objects = await objectsOf((_, response) =>
    response
      .writeHead(400)
      .end('<Error><Code>a-secret</Code><Message>a-secret and a-session-token are wrong</Message></Error>'),
  );
  await expect(objects.read('state.json')).rejects.toThrow(/\(\*{4}, HTTP 400, \*{4} and \*{4} are wrong\)/);
});
