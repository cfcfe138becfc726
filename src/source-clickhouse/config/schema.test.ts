import { rootCertificates } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { checkJson } from '../../protocol/configuration/json-file.ts';
import { findSecrets } from '../../protocol/spec.ts';
import { type SourceConfiguration, sourceConfigurationSchema } from './schema.ts';

function read(configuration: Record<string, unknown>): SourceConfiguration {
  return checkJson('configuration', 'source.json', configuration, sourceConfigurationSchema);
}

test('requires only a host', () => {
  expect(read({ host: 'ch' })).toEqual({
    host: 'ch',
    port: 8123,
    database: 'default',
    username: 'default',
    password: '',
    ssl: false,
    cursor_column: 'last_updated_at',
    cursor_lag_seconds: 0,
    lookback_seconds: 300,
    queries: [],
    use_final: false,
  });
});

test('ignores unknown keys, which a platform may add', () => {
  expect(read({ host: 'ch', __injected: { id: 7 } })).toMatchObject({ __injected: { id: 7 } });
});

test('marks the password as a secret', () => {
  const configuration = read({ host: 'ch', username: 'reader', password: 'hunter2', table: 'events' });
  expect(findSecrets(configuration, sourceConfigurationSchema)).toEqual(['hunter2']);
});

test('marks the keys and passwords of an SSH tunnel and of TLS as secrets', () => {
  const tunnel = { tunnel_host: 'b', tunnel_user: 'u' };
  const secrets = (more: Record<string, unknown>): string[] =>
    findSecrets(read({ host: 'ch', ...more }), sourceConfigurationSchema).filter((secret) => secret !== '');
  expect(
    secrets({ tunnel_method: { ...tunnel, tunnel_method: 'SSH_PASSWORD_AUTH', tunnel_user_password: 'p' } }),
  ).toEqual(['p']);
  const byKey = { ...tunnel, tunnel_method: 'SSH_KEY_AUTH', ssh_key: 'k', ssh_key_passphrase: 'pp' };
  expect(secrets({ tunnel_method: byKey })).toEqual(['k', 'pp']);
  const tls = { client_key: 'k', client_key_passphrase: 'pp', ca_certificate: 'c' };
  expect(findSecrets({ tls }, sourceConfigurationSchema)).toEqual(['k', 'pp']);
});

test('a tunnel has port 22 by default, and may be NO_TUNNEL', () => {
  const tunnel_method = {
    tunnel_method: 'SSH_PASSWORD_AUTH',
    tunnel_host: 'b',
    tunnel_user: 'u',
    tunnel_user_password: 'p',
  };
  expect(read({ host: 'ch', tunnel_method }).tunnel_method).toEqual({ ...tunnel_method, tunnel_port: 22 });
  expect(read({ host: 'ch', tunnel_method: { tunnel_method: 'NO_TUNNEL' } }).tunnel_method).toEqual({
    tunnel_method: 'NO_TUNNEL',
  });
});

test('verifies certificates by default', () => {
  const tls = { ca_certificate: rootCertificates[0] };
  expect(read({ host: 'ch', ssl: true, tls }).tls).toEqual({ ...tls, verify: true });
});

test.each([{ tls: {} }, { tls: { verify: true } }, { tls: { verify: true }, ssl: true }, { partition: {} }])(
  'ignores an object without options: %j',
  (configuration) => {
    const { tls, partition } = read({ host: 'ch', ...configuration });
    expect([tls, partition]).toEqual([undefined, undefined]);
  },
);

test('a partition has an index and a count', () => {
  expect(read({ host: 'ch', partition: { index: 0, count: 4 } }).partition).toEqual({ index: 0, count: 4 });
});

test.each([
  'localhost',
  'abc123.eu-west-1.aws.clickhouse.cloud',
  'clickhouse_server',
  'ch.example.com.',
  'bücher.example',
  '10.0.0.1',
  '::1',
  '[::1]',
  'fe80::1:2',
])('accepts the host %s', (host) => {
  expect(read({ host })).toMatchObject({ host });
});

// If a URL ignored an invalid host, the source would send the password to the host of the URL's template.
describe('rejects the host', () => {
  test.each([
    '',
    ' ',
    'https://ch.example.com',
    'http://ch.example.com/',
    'ch.example.com:8443',
    '10.0.0.1:8123',
    'cafe:8123',
    'localhost/path',
    // A URL without a path also ends with this slash.
    'localhost/',
    '127.0.0.1/',
    'abc123.eu-west-1.aws.clickhouse.cloud/',
    '[::1]/',
    'ch?',
    'ch#',
    '@ch',
    'ch\\',
    'user@ch.example.com',
    'ch example',
    // Copied with the characters after it.
    'ch.example.com ',
    'ch.example.com\u0000',
    'ch?x=1',
    'ch#x',
    '[::1',
    '::1]',
    '[10.0.0.1]',
    '256.1.1.1',
    '1.2.3.4.5',
    // A URL parses a name whose last part is a number as an IPv4 address.
    'ch.1',
    'ch.0x7f',
    'ch.1.',
    'a%b',
    'a<b',
    'a\\b',
  ])('%j', (host) => {
    expect(() => read({ host })).toThrow(/^The configuration in source\.json is not usable: host /);
  });
});

describe('names the wrong field:', () => {
  test.each<[Record<string, unknown>, string]>([
    [{}, 'host'],
    [{ host: null }, 'host'],
    [{ host: 'ch', port: '8123' }, 'port'],
    [{ host: 'ch', port: 0 }, 'port'],
    [{ host: 'ch', port: 65_536 }, 'port'],
    [{ host: 'ch', port: 81.5 }, 'port'],
    [{ host: 'ch', database: '' }, 'database'],
    [{ host: 'ch', username: 7 }, 'username'],
    [{ host: 'ch', password: 7 }, 'password'],
    [{ host: 'ch', ssl: 'true' }, 'ssl'],
    [{ host: 'ch', table: '' }, 'table'],
    [{ host: 'ch', table: ['events'] }, 'table'],
    [{ host: 'ch', where: 'a = 1' }, 'where'],
    [{ host: 'ch', table: 'events', where: 'a = 1) OR (1' }, 'where'],
    [{ host: 'ch', queries: [{ name: 'a', sql: 'DROP TABLE a' }] }, 'queries.0.sql'],
    [{ host: 'ch', queries: [{ name: '', sql: 'SELECT 1' }] }, 'queries.0.name'],
    [{ host: 'ch', queries: ['a', 'b', 'a'].map((name) => ({ name, sql: 'SELECT 1' })) }, 'queries.2.name'],
    [{ host: 'ch', table: 'a', queries: [{ name: 'a', sql: 'SELECT 1' }] }, 'queries.0.name'],
    [{ host: 'ch', use_final: true, queries: [{ name: 'a', sql: 'SELECT 1' }] }, 'use_final'],
    [{ host: 'ch', partition: { index: 0 } }, 'partition.count'],
    [{ host: 'ch', partition: { count: 4 } }, 'partition.index'],
    [{ host: 'ch', partition: { index: 4, count: 4 } }, 'partition'],
    [{ host: 'ch', partition: { index: -1, count: 4 } }, 'partition.index'],
    [{ host: 'ch', tls: { ca_certificate: rootCertificates[0] } }, 'tls'],
    [{ host: 'ch', tls: { verify: false } }, 'tls'],
    [{ host: 'ch', tls: { verify: 'no' }, ssl: true }, 'tls.verify'],
    [{ host: 'ch', tunnel_method: { tunnel_method: 'SSH' } }, 'tunnel_method.tunnel_method'],
    [
      { host: 'ch', tunnel_method: { tunnel_method: 'SSH_KEY_AUTH', tunnel_user: 'u', ssh_key: 'k' } },
      'tunnel_method.tunnel_host',
    ],
  ])('%j', (configuration, field) => {
    expect(() => read(configuration)).toThrow(`The configuration in source.json is not usable: ${field} `);
  });
});
