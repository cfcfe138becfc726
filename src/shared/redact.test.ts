import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRedactor } from './redact.ts';

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

const SECRET = 'p/ss wörd&"é';

describe('a secret is masked', () => {
  test.each<[string, string]>([
    ['as it is', SECRET],
    ['in JSON', JSON.stringify(SECRET).slice(1, -1)],
    ['in a URL', 'p%2Fss%20w%C3%B6rd%26%22%C3%A9'],
    ['in base64', base64(SECRET)],
    ['in the base64 of an HTTP Basic header, after its user', base64(`batch_reader:${SECRET}`)],
    ['after another user', base64(`default:${SECRET}`)],
  ])('%s', (_, form) => {
    const { redactForeign } = createRedactor([SECRET], ['batch_reader', 'default']);
    expect(redactForeign(`before ${form} after`)).toBe('before **** after');
  });
});

describe('masks every line of a key in PEM', () => {
  const LINES = [
    'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEA',
    'AoIBAQC7VJTUt9Us8cKjMzEfYyjiWA4R4/M2bS1GB4t7',
    'NXp98C3SC6dVMvDu',
  ];
  const KEY = `-----BEGIN PRIVATE KEY-----\n${LINES.join('\n')}\n-----END PRIVATE KEY-----\n`;

  test.each<[string, string]>([
    ['as it is', KEY],
    ['in JSON', JSON.stringify({ client_key: KEY })],
    ['in JSON in JSON', JSON.stringify(JSON.stringify({ client_key: KEY }))],
    ['as Node shows objects', inspect({ client_key: KEY })],
    ['with the line ends of Windows', KEY.replaceAll('\n', '\r\n')],
    ['on one line', KEY.replaceAll('\n', ' ')],
    ['without its first and last line', LINES.join('\n')],
    ['in one line of it', `unexpected ${LINES[1]} in the key`],
    ['in a URL', encodeURIComponent(KEY)],
    ['in base64', base64(KEY)],
  ])('%s', (_, text) => {
    for (const secret of [KEY, KEY.replaceAll('\n', '\r\n'), KEY.replaceAll('\n', '\\n')]) {
      const masked = createRedactor([KEY, secret]).redactForeign(text);
      for (const line of LINES) expect(masked).not.toContain(line);
      expect(masked).not.toContain(base64(LINES.join('\n')).slice(4, 40));
    }
  });

  test('but not the name of the format', () => {
    expect(createRedactor([KEY]).redactForeign('-----BEGIN PRIVATE KEY----- is missing')).toBe(
      '-----BEGIN PRIVATE KEY----- is missing',
    );
  });
});

test('masks every occurrence', () => {
  expect(createRedactor(['ykey']).redactForeign('ykey, ykey and aykeyb')).toBe('****, **** and a****b');
});

test('does not change a string without a secret', () => {
  expect(createRedactor(['secret'], ['user']).redactForeign('user has a Secret, and %73ecret')).toBe(
    'user has a Secret, and %73ecret',
  );
});

test('an empty secret masks nothing', () => {
  expect(createRedactor(['', 'text'], ['user', '']).redactForeign('user: text')).toBe('user: ****');
});

test('masks nothing without secrets', () => {
  expect(createRedactor([], ['user']).redactForeign('user:')).toBe('user:');
});

test('treats special characters of regular expressions and replacements literally', () => {
  const { redactForeign } = createRedactor(['a.*b$&(c']);
  expect(redactForeign('a.*b$&(c')).toBe('****');
  expect(redactForeign('aXXb$&(c')).toBe('aXXb$&(c');
});

test.each([[['abcd', 'abcdefg']], [['abcdefg', 'abcd']]])(
  'of secrets that hold one another (%j) no part of the longer one is left',
  (secrets) => {
    expect(createRedactor(secrets).redactForeign('-abcdefg-abcd-')).toBe('-****-****-');
  },
);

test('masks the whole of a longer secret that contains another one in a URL', () => {
  expect(createRedactor(['%2Fb', 'aa/b']).redactForeign('aa%2Fb')).toBe('****');
});

test('masks secrets that overlap', () => {
  const masked = createRedactor(['abcd', 'cdef']).redactForeign('abcdef');
  expect(masked).not.toContain('abcd');
  expect(masked).not.toContain('cdef');
});

test('a secret of asterisks does not grow', () => {
  expect(createRedactor(['*****', '****']).redactForeign('a*****b')).toMatch(/^a\*+b$/);
});

test('masks a secret with lone surrogates', () => {
  const secret = JSON.parse('"broken\\ud800pair"');
  expect(createRedactor([secret], ['user']).redactForeign(`password ${secret}!`)).toBe('password ****!');
});

test('masks each form of any secret and user, and keeps the rest', () => {
  const secrets = fc
    .string({ unit: 'grapheme', minLength: 4, maxLength: 30 })
    .filter((secret) => !secret.includes('*'));
  fc.assert(
    fc.property(secrets, fc.string({ unit: 'grapheme' }), (secret, username) => {
      const { redactForeign } = createRedactor([secret], [username]);
      for (const form of [
        secret,
        JSON.stringify(secret).slice(1, -1),
        encodeURIComponent(secret),
        base64(secret),
        base64(`${username}:${secret}`),
      ]) {
        expect(redactForeign(`\u0001${form}\u0002`)).toBe('\u0001****\u0002');
      }
    }),
  );
});

describe('a secret of one to three characters', () => {
  test.each(['a', 'on', 'key', '1', 'é'])(
    '(%s) hides the whole of a text that holds it, which would show it',
    (secret) => {
      const { redactForeign } = createRedactor([secret, 'longer-secret']);
      expect(redactForeign(`before ${secret} after`)).toBe('****');
      expect(redactForeign('?!')).toBe('?!');
    },
  );
});

describe('in a whole message', () => {
  test.each(['a', 'user', 'password', 'wrong', 'ClickHouse', 'last_updated_at', 'api.batch.com', '8123', '12345678'])(
    'does not mask a secret that may be a word of our messages: %s',
    (secret) => {
      const text = `ClickHouse refused the user "batch_reader": ${secret} is wrong. a 8123 12345678`;
      expect(createRedactor([secret]).redactMessage(text)).toBe(text);
    },
  );

  test.each(['rest-key-2024', 'Tr0ub4dor', '0f9a8b7c6d5e'])(
    "masks a secret that can't be a word of our messages: %s",
    (secret) => {
      expect(createRedactor([secret]).redactMessage(`before ${secret} after`)).toBe('before **** after');
      expect(createRedactor([secret], ['u']).redactMessage(base64(`u:${secret}`))).toBe('****');
    },
  );
});
