import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { findExposedSecrets } from './exposed-secrets.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'clickhouse-to-batch-secrets-'));

afterAll(() => rmSync(FOLDER, { recursive: true }));

test.each<[string, object, number, boolean]>([
  ['a password that everyone can read', { host: 'h', password: 'secret' }, 0o644, true],
  ['a password that only its owner can read', { host: 'h', password: 'secret' }, 0o600, false],
  ['a password that a group can read', { host: 'h', password: 'secret' }, 0o640, false],
  ['a reference', { host: 'h', password: '${CLICKHOUSE_PASSWORD}' }, 0o644, false],
  ['no password', { host: 'h', password: '' }, 0o644, false],
  [
    'a key in a group of options',
    { host: 'h', tunnel_method: { tunnel_method: 'SSH_KEY_AUTH', ssh_key: 'k' } },
    0o604,
    true,
  ],
])('of a file with %s', async (_, content, mode, isExposed) => {
  const path = join(FOLDER, 'source.json');
  writeFileSync(path, JSON.stringify(content));
  chmodSync(path, mode);
  const warning = await findExposedSecrets('source', path);
  expect(warning).toEqual(
    isExposed ? `Every user of this machine can read the secrets in ${path}. Run:\n\n  chmod 600 ${path}` : undefined,
  );
});
