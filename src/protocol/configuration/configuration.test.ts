import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { log } from '../messages.ts';
import { MessageOutput } from '../output.ts';
import { forgetSecrets, redactForeign } from '../secrets.ts';
import { readConfiguration } from './configuration.ts';
import type { Environment } from './references.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'configuration-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(forgetSecrets);

const schema = z.looseObject({
  username: z.string().optional(),
  password: z.string().default('').meta({ airbyte_secret: true }),
  rest_api_key: z.string().optional().meta({ airbyte_secret: true }),
  tunnel: z
    .discriminatedUnion('method', [
      z.object({ method: z.literal('none') }),
      z.object({ method: z.literal('key'), key: z.string().meta({ airbyte_secret: true }) }),
    ])
    .optional(),
});

/** Reads a configuration, then redacts text from elsewhere, and returns both. */
async function readAndLog(
  configuration: unknown,
  text: string,
  environment?: Environment,
): Promise<{ configuration: Record<string, unknown>; logged: string }> {
  const path = join(folder, 'configuration.json');
  writeFileSync(path, JSON.stringify(configuration));
  const chunks: Buffer[] = [];
  const output = new MessageOutput(
    new Writable({
      write(chunk: Buffer, _, callback) {
        chunks.push(chunk);
        callback();
      },
    }),
  );
  const read = await readConfiguration(path, schema, { output, ...(environment && { environment }) });
  await output.write(log('INFO', redactForeign(text)));
  return { configuration: read, logged: JSON.parse(Buffer.concat(chunks).toString()).log.message };
}

test('reads a configuration and masks its secrets from then on', async () => {
  const given = { username: 'reader', password: 'hunter2', rest_api_key: 'key-1', extra: 1 };
  const { configuration, logged } = await readAndLog(given, 'reader: hunter2, key-1 and hunter3');
  expect(configuration).toEqual(given);
  expect(logged).toBe('reader: ****, **** and hunter3');
});

test('masks a secret in an HTTP Basic header of the configured user', async () => {
  const header = Buffer.from('reader:hunter2').toString('base64');
  const { logged } = await readAndLog({ username: 'reader', password: 'hunter2' }, `Authorization: Basic ${header}`);
  expect(logged).toBe('Authorization: Basic ****');
});

test('masks a secret of a variant that is no longer chosen', async () => {
  const tunnel = { method: 'none', key: 'hunter2' };
  const { configuration, logged } = await readAndLog({ tunnel }, 'once there was hunter2');
  expect(configuration).toMatchObject({ tunnel: { method: 'none' } });
  expect(logged).toBe('once there was ****');
});

test('masks nothing without a user and a password', async () => {
  const { configuration, logged } = await readAndLog({}, 'a text');
  expect(configuration).toEqual({ password: '' });
  expect(logged).toBe('a text');
});

test('names a wrong field, but not its value', async () => {
  const reading = readAndLog({ password: ['hunter2'] }, '');
  await expect(reading).rejects.toMatchObject({ name: 'ConnectorError', failureType: 'config_error' });
  await expect(reading).rejects.toThrow(/: password must/);
  await expect(reading).rejects.not.toThrow(/hunter2/);
});

describe('an unknown option', () => {
  const warningsOf = async (configuration: Record<string, unknown>): Promise<string[]> => {
    const written: string[] = [];
    const output = new MessageOutput(
      new Writable({
        write(chunk: Buffer, _, callback) {
          written.push(JSON.parse(chunk.toString()).log.message);
          callback();
        },
      }),
    );
    await readConfiguration({ name: 'your answers', value: configuration }, schema, { output }).catch(() => {});
    return written;
  };

  test('that is similar to an option is an error, with the others, and without its value', async () => {
    const configuration = { name: 'your answers', value: { rest_api_kye: 'hunter2', username: 7 } };
    const reading = readConfiguration(configuration, schema, { output: new MessageOutput(new PassThrough()) });
    await expect(reading).rejects.toMatchObject({
      code: 'configuration_invalid',
      message:
        'The configuration in your answers is not usable: it has no option "rest_api_kye" (did you mean "rest_api_key"?); username must be a string.',
    });
  });

  test('is a warning if the similar option is set, too', async () => {
    expect(await warningsOf({ pasword: 'hunter2', password: 'hunter3' })).toEqual([
      'The configuration in your answers has no option "pasword" (did you mean "password"?). It is ignored.',
    ]);
  });

  test('is ignored if no option is similar', async () => {
    expect(await warningsOf({ __injected_by_platform: {}, password: 'hunter2' })).toEqual([]);
  });
});

describe('references to the environment', () => {
  const configuration = { username: '${WHO}', password: 'a${SECRET}z' };

  test('are plain strings without --env-references', async () => {
    const { configuration: read } = await readAndLog(configuration, '');
    expect(read).toEqual(configuration);
  });

  test('are replaced, and their values are masked', async () => {
    const { configuration: read, logged } = await readAndLog(configuration, 'reader, hunter2 and ahunter2z', {
      WHO: 'reader',
      SECRET: 'hunter2',
    });
    expect(read).toEqual({ username: 'reader', password: 'ahunter2z' });
    expect(logged).toBe('****, **** and ****');
  });
});

test('masks the password of a proxy in the environment, also in its header', async () => {
  vi.stubEnv('HTTPS_PROXY', 'http://user:p%40ssword@proxy.example.com:3128');
  const header = Buffer.from('user:p@ssword').toString('base64');
  const { logged } = await readAndLog({}, `p@ssword, p%40ssword and Basic ${header}`);
  vi.unstubAllEnvs();
  expect(logged).toBe('****, **** and Basic ****');
});
