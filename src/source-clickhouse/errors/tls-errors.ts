import { redactForeign } from '../../protocol/secrets.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { parseOpensslReason } from '../config/tls.ts';
import type { Explanation, SourceErrorCode } from './codes.ts';

/** Matches the alert with which the server ended TLS, in OpenSSL's message, or the text of the page that nginx sends instead. */
const ALERT = /alert (?!number)[a-z ]+[a-z]|No required SSL certificate was sent|The SSL certificate error/i;

/** The input for an explanation. */
type Context = {
  /** The server's address. */
  at: string;
  /** The beginning of a sentence, which says that the server's certificate is not accepted. */
  refused: string;
  /** Node's error code. */
  code: string;
  /** The words of the error: its message, the server's alert or OpenSSL's reason. */
  words: string;
  /** Whether the configuration has tls.ca_certificate. */
  hasCa: boolean;
  /** Whether the configuration has tls.client_certificate. */
  hasCertificate: boolean;
};

type TlsError = {
  /** Without a pattern, all errors match. */
  pattern?: RegExp;
  code: SourceErrorCode;
  explain: (context: Context) => string;
};

const explainOldVersion = ({ at }: Context): string =>
  `${at} only supports versions of TLS that are no longer safe. Update the server: this connector needs TLS 1.2 or later.`;

/**
 * What is wrong with the server's certificate, by Node's codes for OpenSSL's verification results. The first entry that
 * matches is used. https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
export const CERTIFICATE_ERRORS: readonly { codes: readonly string[]; explain: (context: Context) => string }[] = [
  {
    codes: ['CERT_HAS_EXPIRED'],
    explain: ({ refused }) =>
      `${refused}: it has expired. Ask the server's administrator to renew it. If it is still valid, the clock of this machine is wrong.`,
  },
  {
    codes: ['CERT_NOT_YET_VALID'],
    explain: ({ refused }) => `${refused}: it is not valid yet. The clock of this machine or of the issuer is wrong.`,
  },
  {
    codes: ['ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH'],
    explain: ({ refused, words }) =>
      `${refused}: it is valid for another name (${words}). Use a name from the certificate as host, or ask the administrator to add this name to it.`,
  },
  {
    codes: [
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'SELF_SIGNED_CERT_IN_CHAIN',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'UNABLE_TO_GET_ISSUER_CERT',
      'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    ],
    explain: ({ refused, code, hasCa }) =>
      hasCa
        ? `${refused} (${code}): it is not signed by the authority in tls.ca_certificate. Use the certificate of the authority that signed the server's certificate, followed by the certificates of the authorities above it.`
        : `${refused} (${code}): it is not signed by a known authority. If it is signed by your own authority, set tls.ca_certificate to the authority's certificate. Otherwise the server is probably not sending an intermediate certificate.`,
  },
];

/** Matches all other codes about the certificate. */
const OTHER_CERTIFICATE_ERROR = /CERT|SIGNATURE|ISSUER|_CRL_/;

/** The alerts of servers. Most of them are about our client certificate. The first entry that matches is used. */
const ALERTS: readonly TlsError[] = [
  { pattern: /version/, code: 'tls_not_agreed', explain: explainOldVersion },
  {
    pattern: /internal error/,
    code: 'clickhouse_cut_off',
    explain: ({ at, words }) =>
      `${at} ended the TLS connection because of an internal error (${words}). It may be starting or overloaded. If this continues, see the log of the server.`,
  },
  {
    // Servers send this if the client certificate is missing or refused, and also if they share no cipher with the client.
    pattern: /handshake failure/,
    code: 'tls_client_certificate_refused',
    explain: ({ at, words, hasCertificate }) =>
      hasCertificate
        ? `${at} refused the TLS connection (${words}). It does not accept the client certificate, or shares no cipher or signature algorithm with this connector. Check tls.client_certificate and the TLS settings of the server.`
        : `${at} refused the TLS connection (${words}). It requires a client certificate, or shares no cipher or signature algorithm with this connector. Set tls.client_certificate and tls.client_key if it requires one; otherwise check the TLS settings of the server.`,
  },
  {
    pattern: /certificate|unknown ca|access denied/,
    code: 'tls_client_certificate_refused',
    explain: ({ at, words, hasCertificate }) =>
      hasCertificate
        ? `${at} refused the client certificate (${words}). It has expired, or its authority is not known to the server. Check that tls.client_certificate includes the intermediate certificates.`
        : `${at} requires a client certificate (${words}). Set tls.client_certificate and tls.client_key.`,
  },
  {
    code: 'tls_not_agreed',
    explain: ({ at, words }) =>
      `${at} ended the TLS connection (${words}). Check host, port and tls, and the log of the server.`,
  },
];

/** Protocol errors that OpenSSL detects. The first entry that matches is used. */
const PROTOCOL_ERRORS: readonly TlsError[] = [
  {
    pattern: /wrong version number|packet length too long/,
    code: 'tls_not_spoken',
    explain: ({ at }) =>
      `${at} does not speak TLS, but "ssl" is on. Turn ssl off, or set port to the HTTPS port (usually 8443).`,
  },
  { pattern: /unsupported protocol|version too low/, code: 'tls_not_agreed', explain: explainOldVersion },
  {
    code: 'tls_not_agreed',
    explain: ({ at, words }) =>
      `TLS with ${at} failed: ${words}. The TLS settings of the server, or of a proxy in front of it, are unsafe or wrong. Check host and port, and ask the administrator to check the TLS settings.`,
  },
];

/**
 * Explains a TLS error. Returns undefined for other errors.
 *
 * @param code Node's error code: a verification result of OpenSSL, or ERR_SSL_ followed by an OpenSSL error.
 */
export function explainTlsError(
  code: string,
  message: string,
  { host, port, tls }: SourceConfiguration,
): Explanation | undefined {
  const context: Context = {
    at: `${host}:${port}`,
    refused: `The certificate of ${host}:${port} is not accepted`,
    code,
    words: redactForeign(message),
    hasCa: tls?.ca_certificate !== undefined,
    hasCertificate: tls?.client_certificate !== undefined,
  };
  const certificateError = CERTIFICATE_ERRORS.find(({ codes }) => codes.includes(code));
  if (certificateError !== undefined)
    return { code: 'tls_certificate_refused', message: certificateError.explain(context) };
  const [alert] = ALERT.exec(message) ?? [];
  if (alert !== undefined) return explainFirst(ALERTS, alert, { ...context, words: redactForeign(alert) });
  if (message.includes('before secure TLS connection')) {
    return {
      code: 'clickhouse_port_wrong',
      message: `${context.at} closed the connection before TLS began. It does not speak TLS, or the server is waking up or restarting. If this continues, turn ssl off, or set port to the HTTPS port (usually 8443).`,
    };
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) {
    const reason = parseOpensslReason(message);
    const all = `${reason} ${code.replace('ERR_SSL_', '').replaceAll('_', ' ').toLowerCase()}`;
    return explainFirst(PROTOCOL_ERRORS, all, { ...context, words: redactForeign(reason) });
  }
  if (!OTHER_CERTIFICATE_ERROR.test(code)) return undefined;
  return {
    code: 'tls_certificate_refused',
    message: `${context.refused} (${code}): ${context.words}. Ask the server's administrator to fix it.`,
  };
}

/** Returns the explanation of the first entry whose pattern matches a string. */
function explainFirst(errors: readonly TlsError[], text: string, context: Context): Explanation | undefined {
  const known = errors.find(({ pattern }) => pattern === undefined || pattern.test(text));
  return known && { code: known.code, message: known.explain(context) };
}
