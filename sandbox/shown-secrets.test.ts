import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { findShownSecrets, watchForSecrets } from './shown-secrets.ts';

const folder = mkdtempSync(join(tmpdir(), 'clickhouse-to-batch-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const path = join(folder, 'config.json');
writeFileSync(
  path,
  JSON.stringify({
    host: 'an open host',
    password: 'r3ader"secret',
    tunnel_method: { tunnel_method: 'SSH_PASSWORD_AUTH', tunnel_user_password: 'tunnel secret' },
    rejected_rows: { storage_type: 'S3', secret_access_key: 'bucket secret' },
  }),
);
const args = ['check', '--config', path];

test.each<[string, string, string[]]>([
  ['nothing', '', []],
  ['a value that is not secret', 'an open host', []],
  ['a secret', 'refused: r3ader"secret', ['password']],
  ['a secret in JSON', String.raw`{"message":"r3ader\"secret"}`, ['password']],
  ['a secret of a tunnel', '<tunnel secret>', ['tunnel_user_password']],
  ['a secret of a store, in base64', Buffer.from('bucket secret').toString('base64'), ['secret_access_key']],
])('%s', (_, printed, expected) => {
  expect(findShownSecrets(args, printed)).toEqual(expected);
});

test('finds no secret without a configuration', () => {
  expect(findShownSecrets(['spec'], 'r3ader"secret')).toEqual([]);
  expect(findShownSecrets(['check', '--config', join(folder, 'nothing.json')], 'r3ader"secret')).toEqual([]);
});

test('finds the secrets of each process of a pipe', () => {
  expect(
    findShownSecrets(['-c', `'read' '--config' '/nothing' | 'write' '--config' '${path}'`], 'tunnel secret'),
  ).toEqual(['tunnel_user_password']);
});

describe('watchForSecrets', () => {
  /** Starts a process with the arguments of a command. It prints the next of these pieces for each input. */
  const printing = (...pieces: string[]) =>
    spawn(process.execPath, [
      '-e',
      'const pieces = JSON.parse(process.argv[1]); process.stdin.on("data", () => process.stdout.write(pieces.shift() ?? ""))',
      JSON.stringify(pieces),
      ...args,
    ]);

  test.each([
    ['in one piece', ['nothing yet', 'it is r3ader"secret.']],
    ['across two', ['it is r3ader', '"secret.']],
  ])('finds a secret %s while the process prints it, without a reader', async (_, pieces) => {
    const child = printing(...pieces);
    const shown = new Promise<unknown>((resolve) => {
      watchForSecrets(child);
      const { push } = child.stdout;
      child.stdout.push = (chunk, encoding) => {
        try {
          return push(chunk, encoding);
        } catch (error) {
          resolve(error);
          return false;
        } finally {
          child.stdin.write('next');
        }
      };
    });
    child.stdin.write('first');
    expect(await shown).toMatchObject({ message: expect.stringMatching(/contains its password\.$/) });
    child.kill();
    await once(child, 'exit');
  });

  test('passes on output without a secret unchanged', async () => {
    const child = printing('an open ', 'host');
    watchForSecrets(child);
    let printed = '';
    child.stdout.on('data', (piece) => {
      printed += piece;
      child.stdin.write('next');
    });
    child.stdin.write('first');
    while (printed !== 'an open host') await once(child.stdout, 'data');
    child.kill();
    await once(child, 'exit');
  });
});
