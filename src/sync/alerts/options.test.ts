import { afterEach, describe, expect, test } from 'vitest';
import { ConnectorError } from '../../protocol/errors.ts';
import { forgetSecrets, redactForeign } from '../../protocol/secrets.ts';
import { type AlertArguments, type AlertOptions, parseAlertOptions } from './options.ts';

afterEach(forgetSecrets);

const URL_TEXT = 'https://hooks.example.com/services/T0/B0/secret-of-hook';
const ENVIRONMENT = { HOOK: URL_TEXT, TOKEN: 's3cret-token\n', BAD: 'two\nlines' };

function parse(given: AlertArguments, environment: Record<string, string> = ENVIRONMENT): AlertOptions | undefined {
  return parseAlertOptions(given, 7_200_000, environment);
}

test('there are no alerts without --alert-url', () => {
  expect(parse({})).toBeUndefined();
});

test('URL and headers may contain references; afterwards all of them are masked', () => {
  const options = parse({
    alertUrl: '${HOOK}?a=1',
    alertHeaders: ['Authorization: Bearer ${TOKEN}', 'X-Team:data'],
    alertRejected: '0.5%',
  });
  expect(options).toEqual({
    target: {
      url: new URL(`${URL_TEXT}?a=1`),
      headers: { Authorization: 'Bearer s3cret-token', 'X-Team': 'data' },
      proxy: undefined,
    },
    limits: { rejected: { kind: 'percent', percent: 0.5 }, staleAfterMs: 7_200_000 },
  });
  for (const secret of [URL_TEXT, '/services/T0/B0/secret-of-hook?a=1', 's3cret-token', 'data']) {
    expect(redactForeign(`<${secret}>`)).not.toContain(secret);
  }
});

test('URL and headers are masked without references, too', () => {
  parse({ alertUrl: URL_TEXT, alertHeaders: ['Authorization: Basic dXNlcjpwYXNz'] });
  expect(redactForeign('no /services/T0/B0/secret-of-hook for dXNlcjpwYXNz')).toBe('no **** for ****');
});

test('a proxy is found by the rules of other requests', () => {
  const environment = { HTTPS_PROXY: 'http://proxy.example.com:3128', NO_PROXY: 'b.test' };
  expect(parse({ alertUrl: 'https://a.test' }, environment)?.target.proxy).toMatchObject({ variable: 'HTTPS_PROXY' });
  expect(parse({ alertUrl: 'https://b.test' }, environment)?.target.proxy).toBeUndefined();
});

test.each([
  ['0', { kind: 'rows', rows: 0 }],
  ['250', { kind: 'rows', rows: 250 }],
  ['1%', { kind: 'percent', percent: 1 }],
  ['0%', { kind: 'percent', percent: 0 }],
])('--alert-rejected accepts %s', (alertRejected, rejected) => {
  expect(parse({ alertUrl: URL_TEXT, alertRejected })?.limits.rejected).toEqual(rejected);
});

describe('is a config_error without any secret:', () => {
  test.each<[string, AlertArguments, RegExp]>([
    ['an option without --alert-url', { alertRejected: '1%' }, /^--alert-rejected has no effect without --alert-url/],
    [
      'a header without --alert-url',
      { alertHeaders: ['A: secret'] },
      /^--alert-header has no effect without --alert-url/,
    ],
    ['no URL', { alertUrl: 'secret' }, /^--alert-url must be an address that begins with https/],
    ['another protocol', { alertUrl: 'ftp://secret' }, /^--alert-url must be an address that begins with https/],
    [
      'a URL with a password',
      { alertUrl: 'https://user:secret@host' },
      /^--alert-url must not contain a user or a password/,
    ],
    [
      'a missing variable',
      { alertUrl: 'https://secret/${NONE}' },
      /--alert-url refers to the environment variable NONE, which is not set/,
    ],
    [
      'a header with a missing variable',
      header('A: secret${NONE}'),
      /--alert-header A refers to .* NONE, which is not set/,
    ],
    ['a header without a colon', header('secret'), /^--alert-header must be a name and a value with a colon/],
    ['a header with an invalid name', header('a b: secret'), /^--alert-header must be a name and a value/],
    ['a header with a line break', header('A: ${BAD} secret'), /^--alert-header A has a value with a line break/],
    ['a header of the client', header('Content-Length: 9secret'), /^--alert-header can't set Content-Length/],
    [
      'a header twice',
      { alertUrl: URL_TEXT, alertHeaders: ['A: secret', 'a: secret'] },
      /^--alert-header gives a twice/,
    ],
    ['no share', { alertUrl: URL_TEXT, alertRejected: '100%' }, /^--alert-rejected 100% is neither .* Write 1%/],
    ['a negative number', { alertUrl: URL_TEXT, alertRejected: '-1' }, /^--alert-rejected -1 is neither/],
  ])('%s', (_, more, expected) => {
    const parsing = (): unknown => parse(more);
    expect(parsing).toThrow(ConnectorError);
    expect(parsing).toThrow(expected);
    expect(parsing).not.toThrow(/secret/);
  });
});

function header(text: string): AlertArguments {
  return { alertUrl: URL_TEXT, alertHeaders: [text] };
}
