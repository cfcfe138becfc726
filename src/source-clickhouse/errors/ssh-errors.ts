import { type ConnectorError, codeOf, messageOf, rawMessageOf } from '../../protocol/errors.ts';
import type { TunnelOptions } from '../config/ssh-tunnel.ts';
import { type SourceErrorCode, sourceError } from './codes.ts';

/** Why an SSH server did not open what was asked for (RFC 4254, 5.1). */
const ADMINISTRATIVELY_PROHIBITED = 1;
const CONNECT_FAILED = 2;

/** What the SSH library says of a first line that no SSH server of today begins with. Such errors bear no level. */
const NOT_SSH_2 = /^(?:Header line too long|Invalid header|Max greeting lines exceeded|Invalid identification)/;

/** What it says of a key that is encrypted by a cipher which it doesn't have, in PEM and in the format of OpenSSH. */
const UNKNOWN_CIPHER = /^Cipher \(.+\) not supported|^Unsupported (?:cipher|kdf)|^Invalid initialization vector/;

/** A failure to open the SSH connection, in words that say what was seen, what it likely means and what to do. */
export function explainSshError(error: Error, options: TunnelOptions): ConnectorError {
  const { tunnel_host: host, tunnel_user: user } = options;
  const at = `The SSH server ${host}:${options.tunnel_port}`;
  const code = codeOf(error);
  const raw = rawMessageOf(error);
  const words = messageOf(error);
  if (NOT_SSH_2.test(raw)) {
    return createError(
      'ssh_address_wrong',
      `What answers at ${host}:${options.tunnel_port} is no SSH server of today (${words}). Check tunnel_host and tunnel_port; SSH usually has port 22.`,
      error,
    );
  }
  switch (readLevel(error)) {
    case 'client-authentication':
      return createError(
        'ssh_login_refused',
        options.tunnel_method === 'SSH_KEY_AUTH'
          ? `${at} refused the key of the user "${user}". The public key that belongs to ssh_key is not among those it accepts for this user, or there is no such user. Check tunnel_user, and that the public key stands in the user's authorized_keys there.`
          : `${at} refused the password of the user "${user}". It is wrong, there is no such user, or the server accepts keys alone. Check tunnel_user and tunnel_user_password, or use SSH_KEY_AUTH.`,
        error,
      );
    case 'client-timeout':
      return createError(
        'ssh_unreachable',
        `${at} did not let us in in time. It is overloaded, or something else than an SSH server listens there. Check tunnel_port, then try again.`,
        error,
      );
    case 'handshake':
      return createError('ssh_handshake_failed', `${at} ${explainHandshake(raw, words)}`, error);
  }
  if (code === 'ENOTFOUND') {
    return createError(
      'ssh_address_wrong',
      `The host name of the SSH server "${host}" is not known. Check the spelling of tunnel_host.`,
      error,
    );
  }
  if (code === 'EAI_AGAIN') {
    return createError(
      'ssh_unreachable',
      `The host name of the SSH server "${host}" could not be looked up: the name server does not answer. Try again, or check the network.`,
      error,
    );
  }
  if (code === 'ECONNREFUSED') {
    return createError(
      'ssh_unreachable',
      `${at} is not there (connection refused). The port may be wrong (SSH is 22) or the server is down. Check tunnel_host and tunnel_port.`,
      error,
    );
  }
  if (code === 'ETIMEDOUT' || code === 'EHOSTUNREACH' || code === 'ENETUNREACH') {
    return createError(
      'ssh_unreachable',
      `${at} did not answer in time. A firewall or an allow-list of addresses may drop the connection. Check the network, then try again.`,
      error,
    );
  }
  return createError(
    'ssh_unreachable',
    `${at} closed the connection before the tunnel was open (${words}). It was restarted, it has too many connections, or it is no SSH server. Try again, and check tunnel_port if it stays.`,
    error,
  );
}

/** What went wrong before anything was encrypted, and what to do about it. */
function explainHandshake(raw: string, words: string): string {
  if (/no matching/.test(raw)) {
    return `and this connector found no common way to encrypt (${words}). The server is very old or very strict. Update it, or allow an algorithm that OpenSSH has on by default.`;
  }
  if (/signature verification failed/.test(raw)) {
    return `did not prove that its host key is its own (${words}). Somebody else may answer in its place, or the server is faulty. Ask whoever runs it before you go on.`;
  }
  return `did not keep to the rules by which keys are agreed on (${words}). It is faulty, or something on the way changes what it says. Let its administrator look into it.`;
}

/** No word of the SSH server about a connection that it was asked to open. */
export class ForwardTimeoutError extends Error {
  constructor(limitMs: number) {
    super(`no answer within ${limitMs / 1000} seconds`);
    this.name = 'ForwardTimeoutError';
  }
}

/** A failure of an open SSH connection to reach ClickHouse, which is `target` as the SSH server sees it. */
export function explainForwardError(error: unknown, options: TunnelOptions, target: string): ConnectorError {
  const server = `The SSH server ${options.tunnel_host}:${options.tunnel_port}`;
  const reason = error instanceof Error && 'reason' in error ? error.reason : undefined;
  if (reason === ADMINISTRATIVELY_PROHIBITED) {
    return createError(
      'ssh_forwarding_forbidden',
      `${server} let "${options.tunnel_user}" in, but forbids to forward a connection to ${target}. Let its administrator allow it (AllowTcpForwarding and PermitOpen in sshd_config, and the restrictions of the key in authorized_keys).`,
      error,
    );
  }
  if (reason === CONNECT_FAILED) {
    return createError(
      'ssh_target_unreachable',
      `${server} could not connect to ClickHouse at ${target} (${describeReason(error)}). With a tunnel, host and port are those of ClickHouse as the SSH server sees them: check them from there, and that ClickHouse is up and lets that server in.`,
      error,
    );
  }
  if (error instanceof ForwardTimeoutError) {
    return createError(
      'ssh_target_unreachable',
      `${server} did not open the way to ${target} (${error.message}). A firewall between the two may drop the connection, or that server is stuck. With a tunnel, host and port are those of ClickHouse as the SSH server sees them: check them from there, then try again.`,
      error,
    );
  }
  return createError(
    'ssh_target_unreachable',
    `${server} did not open the way to ${target} (${describeReason(error)}). The tunnel broke, or the server has too many connections. Try again.`,
    error,
  );
}

/** @param hasPassphrase whether a passphrase was given to open the key. */
export function explainKeyError(error: Error, hasPassphrase: boolean): ConnectorError {
  const raw = rawMessageOf(error);
  if (UNKNOWN_CIPHER.test(raw)) {
    return createError(
      'ssh_key_unusable',
      `The key in ssh_key is encrypted in a way that this connector can't undo (${messageOf(error)}). Let \`ssh-keygen -p -f file\` write it anew, or give a key without a passphrase.`,
      error,
    );
  }
  if (/no passphrase given/.test(raw)) {
    return createError(
      'ssh_key_unusable',
      'The key in ssh_key is encrypted. Give its passphrase in ssh_key_passphrase, or a key without one.',
      error,
    );
  }
  if (hasPassphrase && /passphrase|decrypt|integrity|unable to authenticate/i.test(raw)) {
    return createError('ssh_key_unusable', 'The passphrase does not open ssh_key. Check ssh_key_passphrase.', error);
  }
  return createError(
    'ssh_key_unusable',
    'The text in ssh_key is no private key that can be used. It may be a public key, have lost its line breaks, or be in another format. ' +
      'Give the text of the file from -----BEGIN to the END line, in the format of OpenSSH (BEGIN OPENSSH PRIVATE KEY) or in PEM (BEGIN RSA or EC PRIVATE KEY); `ssh-keygen -p -f file` turns others into the first.',
    error,
  );
}

export function explainHostKeyMismatch(options: TunnelOptions, expected: string, seen: string): ConnectorError {
  return sourceError(
    'ssh_host_key_wrong',
    `The SSH server ${options.tunnel_host}:${options.tunnel_port} has the host key ${seen}, but tunnel_host_key is ${expected}. It got a new key, tunnel_host_key is of another of its keys, or somebody else answers in its place. Ask whoever runs it for its fingerprint before you change tunnel_host_key.`,
  );
}

/** What the SSH server said, without what its library puts before it. */
function describeReason(error: unknown): string {
  return messageOf(error).replace(/^\(SSH\) Channel open failure: /, '') || 'it gave no reason';
}

/** Where in the opening of a connection the SSH library met a failure. */
function readLevel(error: Error): string {
  return 'level' in error && typeof error.level === 'string' ? error.level : '';
}

function createError(code: SourceErrorCode, message: string, error: unknown): ConnectorError {
  return sourceError(code, message, { internalMessage: messageOf(error), cause: error });
}
