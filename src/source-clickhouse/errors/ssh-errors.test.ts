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

describe('an SSH connection that fails to open', () => {
  // The messages and levels are those of ssh2.
  test.each<[string, { message: string; level?: string; code?: string }, SourceErrorCode, RegExp]>([
    ...[
      'Header line too long',
      'Invalid header: expected newline',
      'Max greeting lines exceeded',
      'Invalid identification string',
    ].map((message): [string, { message: string }, SourceErrorCode, RegExp] => [
      `because the server does not speak SSH (${message})`,
      { message },
      'ssh_address_wrong',
      /^The server at bastion:22 does not speak SSH 2 \(.+\)\. Check tunnel_host and tunnel_port/,
    ]),
    [
      'because the server closes the connection at once',
      { message: 'Connection lost before handshake', level: 'protocol' },
      'ssh_unreachable',
      /closed the connection before the tunnel was open \(Connection lost/,
    ],
    [
      'because there is no common algorithm',
      { message: 'Handshake failed: no matching host key format', level: 'handshake' },
      'ssh_handshake_failed',
      /have no encryption algorithm in common \(Handshake failed: no matching host key format\).+very old or very strict/,
    ],
    [
      'because the signature of the host key is wrong',
      { message: 'Handshake failed: signature verification failed', level: 'handshake' },
      'ssh_handshake_failed',
      /did not prove that it owns its host key \(.+\)\. Another server may be answering instead/,
    ],
    ...['EHOSTUNREACH', 'ENETUNREACH'].map(
      (code): [string, { message: string; level: string; code: string }, SourceErrorCode, RegExp] => [
        `because there is no route (${code})`,
        { message: `connect ${code} 10.0.0.1:22`, level: 'client-socket', code },
        'ssh_unreachable',
        /^There is no route from this machine to the SSH server bastion:22\. .+ Check tunnel_host and the network\.$/,
      ],
    ),
    [
      'because the key exchange is malformed',
      { message: 'Received malformed KEXINIT', level: 'handshake' },
      'ssh_handshake_failed',
      /did not follow the SSH key exchange \(Received malformed KEXINIT\)\. The server is faulty/,
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

describe("a private key that can't be read", () => {
  // The messages of ssh2 for keys from ssh-keygen and openssl.
  test.each<[string, words: string, hasPassphrase: boolean, RegExp]>([
    [
      'without a passphrase',
      'Encrypted OpenSSH private key detected, but no passphrase given',
      false,
      /is encrypted\. Set ssh_key_passphrase/,
    ],
    [
      'with an empty passphrase',
      'Encrypted private OpenSSH key detected, but no passphrase given',
      true,
      /is encrypted\. Set ssh_key_passphrase/,
    ],
    [
      'with a wrong passphrase',
      'OpenSSH key integrity check failed -- bad passphrase?',
      true,
      /does not decrypt ssh_key/,
    ],
    [
      'with a wrong passphrase, in PEM',
      'Malformed OpenSSH private key. Bad passphrase?',
      true,
      /does not decrypt ssh_key/,
    ],
    [
      'with a wrong passphrase, with AES-GCM',
      'Unsupported state or unable to authenticate data',
      true,
      /does not decrypt ssh_key/,
    ],
    [
      "with an empty passphrase that can't be used",
      'Failed to generate information to decrypt key',
      true,
      /does not decrypt ssh_key/,
    ],
    ...[true, false].map((hasPassphrase): [string, string, boolean, RegExp] => [
      `with an unsupported cipher, ${hasPassphrase ? 'with' : 'without'} a passphrase`,
      'Cipher (camellia-128-cbc) not supported for encrypted OpenSSH private key',
      hasPassphrase,
      /encrypted in a way that this connector does not support \(Cipher \(camellia-128-cbc\) not supported.+ssh-keygen -p/,
    ]),
    [
      'with an unsupported cipher, in the OpenSSH format',
      'Unsupported cipher for OpenSSH key: x',
      true,
      /encrypted in a way that this connector does not support/,
    ],
    ['with ChaCha20 and the correct passphrase', 'Invalid initialization vector', true, /does not support/],
    ['in an unknown format', 'Unsupported key format', true, /ssh_key is not a private key that can be used/],
  ])('%s', (_, words, hasPassphrase, advice) => {
    const explained = explainKeyError(new Error(words), hasPassphrase);
    expect(explained.message).toMatch(advice);
    expect(explained.code).toBe('ssh_key_unusable');
  });
});

test('explains a timeout of a forwarded connection', () => {
  const explained = explainForwardError(new ForwardTimeoutError(30_000), BY_PASSWORD, 'ch:8123');
  expect(explained.message).toMatch(/bastion:22 did not open a connection to ch:8123 \(no answer within 30 seconds\)/);
  expect(explained.code).toBe('ssh_target_unreachable');
});
