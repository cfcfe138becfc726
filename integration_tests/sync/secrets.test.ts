import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { promisify } from 'node:util';
import { parseError } from '@clickhouse/client';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { launcherPath, type PrintedMessage } from '../../sandbox/launcher.ts';
import { BatchApi } from '../../src/destination-batch/batch/api.ts';
import { UPDATE } from '../../src/destination-batch/batch/endpoints.ts';
import { asConnectorError } from '../../src/protocol/errors.ts';
import { forgetSecrets, redactForeign, redactMessage, registerSecrets } from '../../src/protocol/secrets.ts';
import { type SourceConfiguration, sourceConfigurationSchema } from '../../src/source-clickhouse/config/schema.ts';
import { explainClickHouseError } from '../../src/source-clickhouse/errors/explain.ts';
import { explainForwardError, explainSshError } from '../../src/source-clickhouse/errors/ssh-errors.ts';
import { clickHouseWith, sourceConfiguration, temporaryFiles } from '../support/support.ts';

afterEach(forgetSecrets);

const file = temporaryFiles();
const server = clickHouseWith('shop');

/** Answers like Batch, with the responses of a test. */
let answer = { status: 200, body: '' };
let standIn: Server;
let api: BatchApi;

beforeAll(async () => {
  standIn = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(answer.status).end(answer.body));
  }).listen(0, '127.0.0.1');
  await once(standIn, 'listening');
  const address = standIn.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  api = new BatchApi({
    api_url: `http://127.0.0.1:${port}`,
    api_version: '2.11',
    rest_api_key: 'k',
    project_key: 'project_1',
  });
});
afterAll(async () => {
  await api.close();
  standIn.closeAllConnections();
  standIn.close();
});

const source: SourceConfiguration = sourceConfigurationSchema.parse({ host: 'ch.example.com', username: 'reader' });
const tunnel = {
  tunnel_method: 'SSH_PASSWORD_AUTH',
  tunnel_host: 'bastion',
  tunnel_port: 22,
  tunnel_user: 'tunnel',
  tunnel_user_password: 'unused',
} as const;

const ofServer =
  (code: number, name: string) =>
  (words: string): string =>
    explainClickHouseError(parseError(`Code: ${code}. DB::Exception: ${words}. (${name})`), source).message;

async function ofBatch(status: number, body: unknown): Promise<string> {
  answer = { status, body: typeof body === 'string' ? body : JSON.stringify(body) };
  try {
    const result = await api.post(UPDATE, Buffer.from('[]'), new AbortController().signal);
    if (result.kind === 'accepted')
      return result.errors.map(({ attribute, reason }) => `${attribute}: ${reason}`).join();
    return result.kind === 'refused' ? result.reason : result.detail;
  } catch (error) {
    return error instanceof Error ? error.message : '';
  }
}

/** Builds a message that quotes other people's words. */
const MESSAGES: [string, (words: string) => string | Promise<string>][] = [
  ['an unknown table', ofServer(60, 'UNKNOWN_TABLE')],
  ['a missing right', ofServer(497, 'ACCESS_DENIED')],
  ['a limit', ofServer(241, 'MEMORY_LIMIT_EXCEEDED')],
  ['any other error', ofServer(48, 'NOT_IMPLEMENTED')],
  ['a response that is not from ClickHouse', (words) => explainClickHouseError(new Error(words), source).message],
  [
    'a failure of TLS',
    (words) =>
      explainClickHouseError(Object.assign(new Error(words), { code: 'ERR_SSL_OTHER' }), { ...source, ssl: true })
        .message,
  ],
  [
    'a certificate',
    (words) =>
      explainClickHouseError(Object.assign(new Error(words), { code: 'CERT_REVOKED' }), { ...source, ssl: true })
        .message,
  ],
  ['an SSH server', (words) => explainSshError(new Error(words), tunnel).message],
  [
    'a forwarded connection',
    (words) => explainForwardError(Object.assign(new Error(words), { reason: 2 }), tunnel, 'h:1').message,
  ],
  ['an internal error', (words) => asConnectorError(new Error(words)).message],
  ['a refused key', (words) => ofBatch(401, { error_code: 'X', error_message: words })],
  ['a page instead of a response', (words) => ofBatch(404, words)],
  ['a server error of Batch', (words) => ofBatch(500, { error_code: 'X', error_message: words })],
  ['a refused request', (words) => ofBatch(400, { error_code: 'X', error_message: words })],
  [
    'a partial error',
    (words) => ofBatch(202, { code: 'X', errors: [{ bulk_index: 0, attribute: words, reason: words }] }),
  ],
  ['a response that cannot be parsed', (words) => ofBatch(202, words)],
];

const MARK = 'Zzqx';

/** Common words, some of which are in our messages, and any others. */
const secrets = fc.oneof(
  fc.constantFrom(
    'a',
    'is',
    'the',
    'user',
    'wrong',
    'table',
    'password',
    'ClickHouse',
    'Batch',
    'HTTP',
    'reader',
    '404',
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((text) => /^[^\s.]+$/u.test(text)),
);

test.each(MESSAGES)(
  'I9: masks a secret in what a server said about %s, whatever the secret, and leaves our own words',
  async (_, message) => {
    forgetSecrets();
    const pattern = await message(MARK);
    await fc.assert(
      fc.asyncProperty(secrets, async (secret) => {
        const words = `Qq${secret}Qq`;
        forgetSecrets();
        registerSecrets([secret], ['reader']);
        const said = redactForeign(words);
        // A code of the server is before its words and is masked with them.
        const expected = pattern.replaceAll(/X: Zzqx/g, redactForeign(`X: ${words}`)).replaceAll(MARK, said);
        expect(said).toMatch(/^(Qq)?\*{4}(Qq)?$/);
        expect(await message(words)).toBe(expected);
      }),
      { numRuns: 60 },
    );
  },
);

test('I9: no message contains the unfiltered text of an error', () => {
  const folder = new URL('../../src/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) =>
    /(?<!\.test)\.ts$/.test(path),
  );
  const shown = files.filter((path) => /\$\{[^}]*rawMessageOf/.test(readFileSync(new URL(path, folder), 'utf8')));
  expect(files.length).toBeGreaterThan(100);
  expect(shown).toEqual([]);
});

describe('a password that is a word of the message about it', () => {
  // Not with the launcher of the tests, which searches the output for the password.
  const checked = async (password: string): Promise<string> => {
    const config = file('source.json', sourceConfiguration(server(), 'shop', { password }));
    const { stdout } = await promisify(execFile)(launcherPath('source-clickhouse'), ['check', '--config', config]);
    const message: PrintedMessage = JSON.parse(stdout);
    return message.connectionStatus?.message ?? stdout;
  };

  test('leaves the message as it is with any other', async () => {
    const message = await checked('none-of-these-words');
    expect(message).toMatch(/^ClickHouse refused the user "\w+": the password is wrong/);
    expect(redactMessage(message)).toBe(message);
    for (const password of ['a', 'user', 'password', 'wrong']) expect(await checked(password)).toBe(message);
  });
});
