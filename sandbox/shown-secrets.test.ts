import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { secretsShown } from './shown-secrets.ts';

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
  ['what is no secret', 'an open host', []],
  ['a secret', 'refused: r3ader"secret', ['password']],
  ['a secret in JSON', String.raw`{"message":"r3ader\"secret"}`, ['password']],
  ['a secret of a tunnel', '<tunnel secret>', ['tunnel_user_password']],
  ['a secret of a store, in base64', Buffer.from('bucket secret').toString('base64'), ['secret_access_key']],
])('%s', (_, printed, expected) => {
  expect(secretsShown(args, printed)).toEqual(expected);
});

test('without a configuration there is none', () => {
  expect(secretsShown(['spec'], 'r3ader"secret')).toEqual([]);
  expect(secretsShown(['check', '--config', join(folder, 'nothing.json')], 'r3ader"secret')).toEqual([]);
});

test('of each process of a pipe', () => {
  expect(secretsShown(['-c', `'read' '--config' '/nothing' | 'write' '--config' '${path}'`], 'tunnel secret')).toEqual([
    'tunnel_user_password',
  ]);
});
