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
  const warning = await findExposedSecrets({ source: path });
  expect(warning).toEqual(
    isExposed ? `Every user of this machine can read the secrets in ${path}. Run:\n\n  chmod 600 ${path}` : undefined,
  );
});

test('warns once of both configurations, and of the file that contains both', async () => {
  const [source = '', destination = ''] = ['both s.json', 'both-d.json'].map((name) => join(FOLDER, name));
  writeFileSync(source, JSON.stringify({ host: 'h', password: 'secret' }), { mode: 0o644 });
  writeFileSync(destination, JSON.stringify({ project_key: 'project_1', rest_api_key: 'secret' }), { mode: 0o644 });
  expect(await findExposedSecrets({ source, destination })).toBe(
    `Every user of this machine can read the secrets in ${source} and ${destination}. Run:\n\n  chmod 600 '${source}' ${destination}`,
  );
  const inline = { name: 'a part', value: { host: 'h', password: 'secret' } };
  expect(await findExposedSecrets({ source: inline })).toBeUndefined();
  const other = { name: 'another part', value: { project_key: 'project_1', rest_api_key: 'secret' } };
  const both = { source: { ...inline, file: source }, destination: { ...other, file: source } };
  expect(await findExposedSecrets(both)).toMatch(
    / secrets in \S+both s\.json\. Run:\n\n {2}chmod 600 '\S+both s\.json'$/,
  );
});
