import { describe, expect, test } from 'vitest';
import { ConnectorError } from '../errors.ts';
import { findProxy, readProxyCredentials } from './proxy.ts';

const PROXY = 'http://proxy.example.com:3128';

function isProxied(target: string, noProxy: string): boolean {
  const environment = { HTTP_PROXY: PROXY, HTTPS_PROXY: PROXY, NO_PROXY: noProxy };
  return findProxy(new URL(target), environment) !== undefined;
}

describe('the variable', () => {
  test.each<[string, string, Record<string, string>, string | undefined]>([
    ['of HTTPS', 'https://a.test', { HTTPS_PROXY: PROXY, HTTP_PROXY: 'http://other' }, 'HTTPS_PROXY'],
    ['of HTTP', 'http://a.test', { HTTPS_PROXY: 'http://other', HTTP_PROXY: PROXY }, 'HTTP_PROXY'],
    ['in lower case comes first', 'https://a.test', { HTTPS_PROXY: 'http://other', https_proxy: PROXY }, 'https_proxy'],
    ['that is empty does not count', 'https://a.test', { https_proxy: ' ', HTTPS_PROXY: PROXY }, 'HTTPS_PROXY'],
    ['of HTTP is not that of HTTPS', 'https://a.test', { HTTP_PROXY: PROXY }, undefined],
    ['is not set', 'https://a.test', {}, undefined],
  ])('%s', (_, target, environment, variable) => {
    const proxy = findProxy(new URL(target), environment);
    expect(proxy?.variable).toBe(variable);
    expect(proxy?.address).toBe(variable && PROXY);
  });

  test.each(['http://u:s3cret@', 'socks5://u:s3cret@proxy:1080', 'http://u:s3cret/x@proxy', 'proxy:port'])(
    'that is not the address of an HTTP proxy (%s) is a config_error with its name and without its value',
    (value) => {
      const use = (): unknown => findProxy(new URL('https://a.test'), { HTTPS_PROXY: value });
      expect(use).toThrow(ConnectorError);
      expect(use).toThrow(/^HTTPS_PROXY is not the address of an HTTP proxy/);
      expect(use).not.toThrow(/s3cret/);
    },
  );

  test('may be invalid if NO_PROXY excludes the target', () => {
    expect(findProxy(new URL('https://a.test'), { HTTPS_PROXY: 'socks5://x', NO_PROXY: 'a.test' })).toBeUndefined();
  });
});

test.each([
  ['proxy.example.com:3128', PROXY, undefined],
  [`http://user:p%40ss@proxy.example.com:3128/`, PROXY, 'user:p@ss'],
  ['http://user:100%@proxy.example.com:3128', PROXY, 'user:100%'],
  ['https://[::1]:3129', 'https://[::1]:3129', undefined],
])('shows the address of %s without credentials, which go into a header', (value, address, credentials) => {
  const proxy = findProxy(new URL('https://a.test'), { HTTPS_PROXY: value });
  expect(proxy).toMatchObject({ address });
  expect(proxy?.authorization).toBe(credentials && `Basic ${Buffer.from(credentials).toString('base64')}`);
});

describe('NO_PROXY', () => {
  test.each<[string, string, boolean]>([
    ['', 'https://a.test', true],
    ['*', 'https://a.test', false],
    ['b.test', 'https://a.test', true],
    ['b.test a.test', 'https://a.test', false],
    ['b.test,a.test', 'https://a.test', false],
    ['A.test', 'https://a.TEST', false],
    ['a.test', 'https://x.a.test', false],
    ['.a.test', 'https://x.a.test', false],
    ['*.a.test', 'https://x.a.test', false],
    ['.a.test', 'https://a.test', false],
    ['a.test', 'https://xa.test', true],
    ['a.test:443', 'https://a.test', false],
    ['a.test:80', 'http://a.test', false],
    ['a.test:8443', 'https://a.test', true],
    ['a.test:8443', 'https://a.test:8443', false],
    ['10.1.2.3', 'https://10.1.2.3:8443', false],
    ['10.0.0.0/8', 'https://10.1.2.3:8443', false],
    ['10.0.0.0/8', 'https://11.1.2.3:8443', true],
    ['10.0.0.0/8', 'https://a.test', true],
    ['10.0.0.0/99', 'https://10.1.2.3', true],
    ['fd00::/8', 'https://[fd12::1]:8443', false],
    ['fd00::/8', 'https://[fe12::1]:8443', true],
    ['fd12::1', 'https://[fd12::1]:8443', false],
    ['[fd12::1]:8443', 'https://[fd12::1]:8443', false],
  ])('%j: a request to %s goes through the proxy: %s', (noProxy, target, expected) => {
    expect(isProxied(target, noProxy)).toBe(expected);
  });
});

test.each(['http://localhost:8123', 'http://127.0.0.1:8123', 'http://127.1.2.3', 'https://[::1]:8443'])(
  'a request to this machine (%s) does not go through a proxy',
  (target) => {
    expect(isProxied(target, '')).toBe(false);
  },
);

test('reads the credentials of all proxies, used or not', () => {
  const environment = { https_proxy: 'http://u:p%40ss@a', HTTP_PROXY: 'v:q-ss@b:1', HTTPS_PROXY: 'http://' };
  const { passwords, usernames } = readProxyCredentials(environment);
  expect(passwords).toEqual(expect.arrayContaining(['p@ss', 'p%40ss', 'q-ss']));
  expect(usernames).toEqual(expect.arrayContaining(['u', 'v']));
});
