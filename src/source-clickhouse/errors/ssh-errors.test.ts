import { describe, expect, test } from 'vitest';
import type { SourceErrorCode } from './codes.ts';
import { explainForwardError, explainKeyError, explainSshError, ForwardTimeoutError } from './ssh-errors.ts';

const BY_PASSWORD = {
  tunnel_method: 'SSH_PASSWORD_AUTH',
  tunnel_host: 'bastion',
  tunnel_port: 22,
  tunnel_user: 'tunnel',
  tunnel_user_password: 'hunter2',
} as const;

describe('an SSH connection that is not opened', () => {
  // The words and levels are those of ssh2.
  test.each<[string, { message: string; level?: string; code?: string }, SourceErrorCode, RegExp]>([
    ...[
      'Header line too long',
      'Invalid header: expected newline',
      'Max greeting lines exceeded',
      'Invalid identification string',
    ].map((message): [string, { message: string }, SourceErrorCode, RegExp] => [
      `as the other side begins otherwise (${message})`,
      { message },
      'ssh_address_wrong',
      /^The server at bastion:22 does not speak SSH 2 \(.+\)\. Check tunnel_host and tunnel_port/,
    ]),
    [
      'as the other side goes away before its first word',
      { message: 'Connection lost before handshake', level: 'protocol' },
      'ssh_unreachable',
      /closed the connection before the tunnel was open \(Connection lost/,
    ],
    [
      'as no algorithm is known to both',
      { message: 'Handshake failed: no matching host key format', level: 'handshake' },
      'ssh_handshake_failed',
      /have no encryption algorithm in common \(Handshake failed: no matching host key format\).+very old or very strict/,
    ],
    [
      'as the server has a key that it can not use',
      { message: 'Handshake failed: signature verification failed', level: 'handshake' },
      'ssh_handshake_failed',
      /did not prove that its host key is its own \(.+\)\. Another server may be answering instead/,
    ],
    [
      'as the server breaks a rule',
      { message: 'Received malformed KEXINIT', level: 'handshake' },
      'ssh_handshake_failed',
      /did not follow the SSH key exchange \(Received malformed KEXINIT\)\. It is faulty/,
    ],
  ])('%s', (_, { message, ...marks }, expected, advice) => {
    const error = Object.assign(new Error(message), marks);
    const explained = explainSshError(error, BY_PASSWORD);
    expect(explained.message).toMatch(advice);
    expect(explained.code).toBe(expected);
    expect(explained.internalMessage).toBe(message);
    expect(explained.message).not.toContain('hunter2');
  });
});

describe('a private key that is not read', () => {
  // What ssh2 says of keys that ssh-keygen and openssl wrote.
  test.each<[string, words: string, hasPassphrase: boolean, RegExp]>([
    [
      'for want of a passphrase',
      'Encrypted OpenSSH private key detected, but no passphrase given',
      false,
      /is encrypted\. Set ssh_key_passphrase/,
    ],
    [
      'for want of a passphrase that is not empty',
      'Encrypted private OpenSSH key detected, but no passphrase given',
      true,
      /is encrypted\. Set ssh_key_passphrase/,
    ],
    ['for a wrong one', 'OpenSSH key integrity check failed -- bad passphrase?', true, /does not open ssh_key/],
    [
      'for a wrong one of a key in PEM',
      'Malformed OpenSSH private key. Bad passphrase?',
      true,
      /does not open ssh_key/,
    ],
    [
      'for a wrong one under AES-GCM',
      'Unsupported state or unable to authenticate data',
      true,
      /does not open ssh_key/,
    ],
    ['for an empty one', 'Failed to generate information to decrypt key', true, /does not open ssh_key/],
    ...[true, false].map((hasPassphrase): [string, string, boolean, RegExp] => [
      `for its cipher, ${hasPassphrase ? 'with' : 'without'} a passphrase`,
      'Cipher (camellia-128-cbc) not supported for encrypted OpenSSH private key',
      hasPassphrase,
      /encrypted in a way that this connector does not support \(Cipher \(camellia-128-cbc\) not supported.+ssh-keygen -p/,
    ]),
    [
      'for a cipher of the format of OpenSSH',
      'Unsupported cipher for OpenSSH key: x',
      true,
      /encrypted in a way that this connector does not support/,
    ],
    ['for ChaCha20, right as the passphrase is', 'Invalid initialization vector', true, /does not support/],
    ['for what it is', 'Unsupported key format', true, /ssh_key is not a private key that can be used/],
  ])('%s', (_, words, hasPassphrase, advice) => {
    const explained = explainKeyError(new Error(words), hasPassphrase);
    expect(explained.message).toMatch(advice);
    expect(explained.code).toBe('ssh_key_unusable');
  });
});

test('a way to ClickHouse that is not opened in time is told as such', () => {
  const explained = explainForwardError(new ForwardTimeoutError(30_000), BY_PASSWORD, 'ch:8123');
  expect(explained.message).toMatch(/bastion:22 did not open a connection to ch:8123 \(no answer within 30 seconds\)/);
  expect(explained.code).toBe('ssh_target_unreachable');
});
