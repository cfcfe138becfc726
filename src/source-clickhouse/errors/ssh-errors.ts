import { type ConnectorError, codeOf, messageOf, rawMessageOf } from '../../protocol/errors.ts';
import type { TunnelOptions } from '../config/ssh-tunnel.ts';
import { type SourceErrorCode, sourceError } from './codes.ts';

type OpenContext = { options: TunnelOptions; at: string; words: string };

type OpenError = {
  /** The stage of the connection, according to the SSH library. */
  level?: string;
  /** Node's error codes. */
  codes?: readonly string[];
  /** Matches the message of the SSH library. */
  pattern?: RegExp;
  code: SourceErrorCode;
  explain: (context: OpenContext) => string;
};

/** Why an SSH connection can't be opened. The first entry that matches is used. */
const OPEN_ERRORS: readonly OpenError[] = [
  {
    // The first line is not from an SSH 2 server. The library sets no level for these errors.
    pattern: /^(?:Header line too long|Invalid header|Max greeting lines exceeded|Invalid identification)/,
    code: 'ssh_address_wrong',
    explain: ({ options: { tunnel_host, tunnel_port }, words }) =>
      `The server at ${tunnel_host}:${tunnel_port} does not speak SSH 2 (${words}). Check tunnel_host and tunnel_port; SSH usually uses port 22.`,
  },
  {
    level: 'client-authentication',
    code: 'ssh_login_refused',
    explain: ({ options: { tunnel_method, tunnel_user }, at }) =>
      tunnel_method === 'SSH_KEY_AUTH'
        ? `${at} refused the key of the user "${tunnel_user}". It does not accept the public key of ssh_key for this user, or the user does not exist. Check tunnel_user, and that the public key is in the user's authorized_keys on that server.`
        : `${at} refused the password of the user "${tunnel_user}". The password is wrong, the user does not exist, or the server only accepts keys. Check tunnel_user and tunnel_user_password, or use SSH_KEY_AUTH.`,
  },
  {
    level: 'client-timeout',
    code: 'ssh_unreachable',
    explain: ({ at }) =>
      `${at} did not complete the login in time. It is overloaded, or it is not an SSH server. If this continues, check tunnel_port.`,
  },
  {
    level: 'handshake',
    pattern: /no matching/,
    code: 'ssh_handshake_failed',
    explain: ({ at, words }) =>
      `${at} and this connector have no encryption algorithm in common (${words}). The server is very old or very strict. Update it, or enable an algorithm that OpenSSH enables by default.`,
  },
  {
    level: 'handshake',
    pattern: /signature verification failed/,
    code: 'ssh_handshake_failed',
    explain: ({ at, words }) =>
      `${at} did not prove that it owns its host key (${words}). Another server may be answering instead, or the server is faulty. Ask its administrator before you continue.`,
  },
  {
    level: 'handshake',
    code: 'ssh_handshake_failed',
    explain: ({ at, words }) =>
      `${at} did not follow the SSH key exchange (${words}). The server is faulty, or something in between changes its messages. Ask its administrator.`,
  },
  {
    codes: ['ENOTFOUND'],
    code: 'ssh_address_wrong',
    explain: ({ options: { tunnel_host } }) =>
      `The host name of the SSH server "${tunnel_host}" does not resolve. Check the spelling of tunnel_host.`,
  },
  {
    codes: ['EAI_AGAIN'],
    code: 'ssh_unreachable',
    explain: ({ options: { tunnel_host } }) =>
      `The host name of the SSH server "${tunnel_host}" could not be resolved: the DNS server does not answer. If this continues, check the network.`,
  },
  {
    codes: ['ECONNREFUSED'],
    code: 'ssh_unreachable',
    explain: ({ at }) =>
      `${at} does not accept connections (connection refused). The port may be wrong (SSH is 22) or the server is down. Check tunnel_host and tunnel_port.`,
  },
  {
    codes: ['EHOSTUNREACH', 'ENETUNREACH'],
    code: 'ssh_unreachable',
    explain: ({ options: { tunnel_host, tunnel_port } }) =>
      `There is no route from this machine to the SSH server ${tunnel_host}:${tunnel_port}. The address may be wrong, this machine may be on another network (for example without the VPN), or a firewall may reject the connection. Check tunnel_host and the network.`,
  },
  {
    codes: ['ETIMEDOUT'],
    code: 'ssh_unreachable',
    explain: ({ at }) =>
      `${at} did not answer in time. A firewall or an IP allow-list may drop the connection. If this continues, check the network.`,
  },
];

/** Explains why the SSH connection could not be opened. */
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
    `${at} closed the connection before the tunnel was open (${words}). It was restarted, has too many connections, or is not an SSH server. If this continues, check tunnel_port.`,
    error,
  );
}

/** The SSH server did not answer a request to open a connection. */
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

/**
 * Why an SSH server does not forward a connection: for a reason code of RFC 4254, section 5.1, or because it does not answer. The
 * first entry that matches is used.
 */
const FORWARD_ERRORS: readonly ForwardError[] = [
  {
    matches: (error) => readReasonNumber(error) === 1, // SSH_OPEN_ADMINISTRATIVELY_PROHIBITED
    code: 'ssh_forwarding_forbidden',
    explain: ({ user, at, target }) =>
      `${at} accepted the user "${user}", but does not allow this user to forward a connection to ${target}. Ask its administrator to allow it (AllowTcpForwarding and PermitOpen in sshd_config, and the restrictions of the key in authorized_keys).`,
  },
  {
    matches: (error) => readReasonNumber(error) === 2, // SSH_OPEN_CONNECT_FAILED
    code: 'ssh_target_unreachable',
    explain: ({ at, target, reason }) =>
      `${at} could not connect to ClickHouse at ${target} (${reason}). With a tunnel, host and port are the address of ClickHouse as seen from the SSH server. Check that this address works from the SSH server, that ClickHouse is running, and that it accepts connections from the SSH server.`,
  },
  {
    matches: (error) => error instanceof ForwardTimeoutError,
    code: 'ssh_target_unreachable',
    explain: ({ at, target, reason }) =>
      `${at} did not open a connection to ${target} (${reason}). A firewall between the two may drop the connection, or the SSH server may be stuck. With a tunnel, host and port are the address of ClickHouse as seen from the SSH server. Check that this address works from the SSH server.`,
  },
];

/**
 * Explains why ClickHouse could not be reached through an open SSH connection.
 *
 * @param target the address of ClickHouse as the SSH server sees it.
 */
export function explainForwardError(error: unknown, options: TunnelOptions, target: string): ConnectorError {
  const known = FORWARD_ERRORS.find(({ matches }) => matches(error));
  const at = describeServer(options);
  // Remove the prefix that the SSH library adds.
  const reason = messageOf(error).replace(/^\(SSH\) Channel open failure: /, '') || 'no reason given';
  if (known !== undefined)
    return createError(known.code, known.explain({ user: options.tunnel_user, at, target, reason }), error);
  return createError(
    'ssh_target_unreachable',
    `${at} did not open a connection to ${target} (${reason}). The tunnel was closed, or the server has too many connections. If this continues, ask its administrator.`,
    error,
  );
}

function readReasonNumber(error: unknown): unknown {
  return error instanceof Error && 'reason' in error ? error.reason : undefined;
}

type KeyError = {
  /** Matches the message of the SSH library. */
  pattern: RegExp;
  /** Whether the entry only applies if there is a passphrase. */
  needsPassphrase?: boolean;
  explain: (words: string) => string;
};

/** Why a private key can't be used. The first entry that matches is used. */
const KEY_ERRORS: readonly KeyError[] = [
  {
    // The library does not support the cipher. Its message differs between PEM and the OpenSSH format.
    pattern: /^Cipher \(.+\) not supported|^Unsupported (?:cipher|kdf)|^Invalid initialization vector/,
    explain: (words) =>
      `The key in ssh_key is encrypted in a way that this connector does not support (${words}). Rewrite it with \`ssh-keygen -p -f file\`, or use a key without a passphrase.`,
  },
  {
    pattern: /no passphrase given/,
    explain: () => 'The key in ssh_key is encrypted. Set ssh_key_passphrase, or use a key without a passphrase.',
  },
  {
    pattern: /passphrase|decrypt|integrity|unable to authenticate/i,
    needsPassphrase: true,
    explain: () => 'The passphrase does not decrypt ssh_key. Check ssh_key_passphrase.',
  },
];

/** Explains why a private key can't be used. @param hasPassphrase whether ssh_key_passphrase is set. */
export function explainKeyError(error: Error, hasPassphrase: boolean): ConnectorError {
  const raw = rawMessageOf(error);
  const known = KEY_ERRORS.find(
    ({ pattern, needsPassphrase = false }) => pattern.test(raw) && (hasPassphrase || !needsPassphrase),
  );
  if (known !== undefined) return createError('ssh_key_unusable', known.explain(messageOf(error)), error);
  return createError(
    'ssh_key_unusable',
    'ssh_key is not a private key that can be used. It may be a public key, have lost its line breaks, or be in another format. ' +
      'Use the whole content of the file, from the -----BEGIN line to the -----END line, in the OpenSSH format (BEGIN OPENSSH PRIVATE KEY) or in PEM (BEGIN RSA or EC PRIVATE KEY). `ssh-keygen -p -f file` converts other formats to the OpenSSH format.',
    error,
  );
}

export function explainHostKeyMismatch(options: TunnelOptions, expected: string, seen: string): ConnectorError {
  return sourceError(
    'ssh_host_key_wrong',
    `${describeServer(options)} has the host key ${seen}, but tunnel_host_key is ${expected}. Its key has changed, tunnel_host_key belongs to another of its keys, or another server is answering instead. Ask its administrator for the fingerprint before you change tunnel_host_key.`,
  );
}

function describeServer({ tunnel_host, tunnel_port }: TunnelOptions): string {
  return `The SSH server ${tunnel_host}:${tunnel_port}`;
}

function createError(code: SourceErrorCode, message: string, error: unknown): ConnectorError {
  return sourceError(code, message, { internalMessage: messageOf(error), cause: error });
}
