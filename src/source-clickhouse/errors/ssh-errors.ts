import { type ConnectorError, codeOf, messageOf, rawMessageOf } from '../../protocol/errors.ts';
import type { TunnelOptions } from '../config/ssh-tunnel.ts';
import { type SourceErrorCode, sourceError } from './codes.ts';

type OpenContext = { options: TunnelOptions; at: string; words: string };

type OpenError = {
  /** Where in the opening of a connection the SSH library met the error. */
  level?: string;
  /** Node's codes. */
  codes?: readonly string[];
  /** What the library says. */
  pattern?: RegExp;
  code: SourceErrorCode;
  explain: (context: OpenContext) => string;
};

/** Why an SSH connection is not opened. The first that fits counts. */
const OPEN_ERRORS: readonly OpenError[] = [
  {
    // Of a first line that no SSH server of today begins with. Such errors bear no level.
    pattern: /^(?:Header line too long|Invalid header|Max greeting lines exceeded|Invalid identification)/,
    code: 'ssh_address_wrong',
    explain: ({ options: { tunnel_host, tunnel_port }, words }) =>
      `What answers at ${tunnel_host}:${tunnel_port} is no SSH server of today (${words}). Check tunnel_host and tunnel_port; SSH usually has port 22.`,
  },
  {
    level: 'client-authentication',
    code: 'ssh_login_refused',
    explain: ({ options: { tunnel_method, tunnel_user }, at }) =>
      tunnel_method === 'SSH_KEY_AUTH'
        ? `${at} refused the key of the user "${tunnel_user}". The public key that belongs to ssh_key is not among those it accepts for this user, or there is no such user. Check tunnel_user, and that the public key stands in the user's authorized_keys there.`
        : `${at} refused the password of the user "${tunnel_user}". It is wrong, there is no such user, or the server accepts keys alone. Check tunnel_user and tunnel_user_password, or use SSH_KEY_AUTH.`,
  },
  {
    level: 'client-timeout',
    code: 'ssh_unreachable',
    explain: ({ at }) =>
      `${at} did not let us in in time. It is overloaded, or something else than an SSH server listens there. Check tunnel_port, then try again.`,
  },
  {
    level: 'handshake',
    pattern: /no matching/,
    code: 'ssh_handshake_failed',
    explain: ({ at, words }) =>
      `${at} and this connector found no common way to encrypt (${words}). The server is very old or very strict. Update it, or allow an algorithm that OpenSSH has on by default.`,
  },
  {
    level: 'handshake',
    pattern: /signature verification failed/,
    code: 'ssh_handshake_failed',
    explain: ({ at, words }) =>
      `${at} did not prove that its host key is its own (${words}). Somebody else may answer in its place, or the server is faulty. Ask whoever runs it before you go on.`,
  },
  {
    level: 'handshake',
    code: 'ssh_handshake_failed',
    explain: ({ at, words }) =>
      `${at} did not keep to the rules by which keys are agreed on (${words}). It is faulty, or something on the way changes what it says. Let its administrator look into it.`,
  },
  {
    codes: ['ENOTFOUND'],
    code: 'ssh_address_wrong',
    explain: ({ options: { tunnel_host } }) =>
      `The host name of the SSH server "${tunnel_host}" is not known. Check the spelling of tunnel_host.`,
  },
  {
    codes: ['EAI_AGAIN'],
    code: 'ssh_unreachable',
    explain: ({ options: { tunnel_host } }) =>
      `The host name of the SSH server "${tunnel_host}" could not be looked up: the name server does not answer. Try again, or check the network.`,
  },
  {
    codes: ['ECONNREFUSED'],
    code: 'ssh_unreachable',
    explain: ({ at }) =>
      `${at} is not there (connection refused). The port may be wrong (SSH is 22) or the server is down. Check tunnel_host and tunnel_port.`,
  },
  {
    codes: ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
    code: 'ssh_unreachable',
    explain: ({ at }) =>
      `${at} did not answer in time. A firewall or an allow-list of addresses may drop the connection. Check the network, then try again.`,
  },
];

/** A failure to open the SSH connection, in words that say what was seen, what it likely means and what to do. */
export function explainSshError(error: Error, options: TunnelOptions): ConnectorError {
  const level = 'level' in error ? error.level : undefined;
  const raw = rawMessageOf(error);
  const known = OPEN_ERRORS.find(
    (each) =>
      (each.level === undefined || each.level === level) &&
      (each.codes === undefined || each.codes.includes(codeOf(error))) &&
      (each.pattern === undefined || each.pattern.test(raw)),
  );
  const at = describeServer(options);
  const words = messageOf(error);
  if (known !== undefined) return createError(known.code, known.explain({ options, at, words }), error);
  return createError(
    'ssh_unreachable',
    `${at} closed the connection before the tunnel was open (${words}). It was restarted, it has too many connections, or it is no SSH server. Try again, and check tunnel_port if it stays.`,
    error,
  );
}

/** No word of the SSH server about a connection that it was asked to open. */
export class ForwardTimeoutError extends Error {
  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs / 1000} seconds`);
    this.name = 'ForwardTimeoutError';
  }
}

type ForwardContext = { user: string; at: string; target: string; reason: string };

type ForwardError = {
  matches: (error: unknown) => boolean;
  code: SourceErrorCode;
  explain: (context: ForwardContext) => string;
};

/** Why an SSH server does not forward a connection, by the numbers of RFC 4254, 5.1. The first that fits counts. */
const FORWARD_ERRORS: readonly ForwardError[] = [
  {
    matches: (error) => readReasonNumber(error) === 1, // SSH_OPEN_ADMINISTRATIVELY_PROHIBITED
    code: 'ssh_forwarding_forbidden',
    explain: ({ user, at, target }) =>
      `${at} let "${user}" in, but forbids to forward a connection to ${target}. Let its administrator allow it (AllowTcpForwarding and PermitOpen in sshd_config, and the restrictions of the key in authorized_keys).`,
  },
  {
    matches: (error) => readReasonNumber(error) === 2, // SSH_OPEN_CONNECT_FAILED
    code: 'ssh_target_unreachable',
    explain: ({ at, target, reason }) =>
      `${at} could not connect to ClickHouse at ${target} (${reason}). With a tunnel, host and port are those of ClickHouse as the SSH server sees them: check them from there, and that ClickHouse is up and lets that server in.`,
  },
  {
    matches: (error) => error instanceof ForwardTimeoutError,
    code: 'ssh_target_unreachable',
    explain: ({ at, target, reason }) =>
      `${at} did not open the way to ${target} (${reason}). A firewall between the two may drop the connection, or that server is stuck. With a tunnel, host and port are those of ClickHouse as the SSH server sees them: check them from there, then try again.`,
  },
];

/** A failure of an open SSH connection to reach ClickHouse, which is `target` as the SSH server sees it. */
export function explainForwardError(error: unknown, options: TunnelOptions, target: string): ConnectorError {
  const known = FORWARD_ERRORS.find(({ matches }) => matches(error));
  const at = describeServer(options);
  // Without what the library puts before the words of the server.
  const reason = messageOf(error).replace(/^\(SSH\) Channel open failure: /, '') || 'it gave no reason';
  if (known !== undefined)
    return createError(known.code, known.explain({ user: options.tunnel_user, at, target, reason }), error);
  return createError(
    'ssh_target_unreachable',
    `${at} did not open the way to ${target} (${reason}). The tunnel broke, or the server has too many connections. Try again.`,
    error,
  );
}

function readReasonNumber(error: unknown): unknown {
  return error instanceof Error && 'reason' in error ? error.reason : undefined;
}

type KeyError = {
  /** What the SSH library says. */
  pattern: RegExp;
  /** Whether it is meant only when there is a passphrase. */
  needsPassphrase?: boolean;
  explain: (words: string) => string;
};

/** Why a private key can't be used. The first that fits counts. */
const KEY_ERRORS: readonly KeyError[] = [
  {
    // A cipher that the library doesn't have, in PEM and in the format of OpenSSH.
    pattern: /^Cipher \(.+\) not supported|^Unsupported (?:cipher|kdf)|^Invalid initialization vector/,
    explain: (words) =>
      `The key in ssh_key is encrypted in a way that this connector can't undo (${words}). Let \`ssh-keygen -p -f file\` write it anew, or give a key without a passphrase.`,
  },
  {
    pattern: /no passphrase given/,
    explain: () => 'The key in ssh_key is encrypted. Give its passphrase in ssh_key_passphrase, or a key without one.',
  },
  {
    pattern: /passphrase|decrypt|integrity|unable to authenticate/i,
    needsPassphrase: true,
    explain: () => 'The passphrase does not open ssh_key. Check ssh_key_passphrase.',
  },
];

/** @param hasPassphrase whether a passphrase was given to open the key. */
export function explainKeyError(error: Error, hasPassphrase: boolean): ConnectorError {
  const raw = rawMessageOf(error);
  const known = KEY_ERRORS.find(
    ({ pattern, needsPassphrase = false }) => pattern.test(raw) && (hasPassphrase || !needsPassphrase),
  );
  if (known !== undefined) return createError('ssh_key_unusable', known.explain(messageOf(error)), error);
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
    `${describeServer(options)} has the host key ${seen}, but tunnel_host_key is ${expected}. It got a new key, tunnel_host_key is of another of its keys, or somebody else answers in its place. Ask whoever runs it for its fingerprint before you change tunnel_host_key.`,
  );
}

function describeServer({ tunnel_host, tunnel_port }: TunnelOptions): string {
  return `The SSH server ${tunnel_host}:${tunnel_port}`;
}

function createError(code: SourceErrorCode, message: string, error: unknown): ConnectorError {
  return sourceError(code, message, { internalMessage: messageOf(error), cause: error });
}
