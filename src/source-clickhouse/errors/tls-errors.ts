import { redactForeign } from '../../protocol/secrets.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { parseOpensslReason } from '../config/tls.ts';
import type { Explanation, SourceErrorCode } from './codes.ts';

/** In OpenSSL's message, the alert by which the server ended TLS; or the words of nginx's page in place of one. */
const ALERT = /alert (?!number)[a-z ]+[a-z]|No required SSL certificate was sent|The SSL certificate error/i;

/** What an explanation is made of: the server's address, that its certificate is refused, what was said, what the configuration gives. */
type Context = { at: string; refused: string; code: string; words: string; hasCa: boolean; hasCertificate: boolean };

type TlsError = {
  /** Without it, any other error is meant. */
  pattern?: RegExp;
  code: SourceErrorCode;
  explain: (context: Context) => string;
};

const explainOldVersion = ({ at }: Context): string =>
  `${at} speaks no version of TLS that is safe today (1.2 or later is needed). Update the server.`;

/**
 * What is wrong with the server's certificate, by Node's codes for OpenSSL's results of verification. The first that fits
 * counts. https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
export const CERTIFICATE_ERRORS: readonly { codes: readonly string[]; explain: (context: Context) => string }[] = [
  {
    codes: ['CERT_HAS_EXPIRED'],
    explain: ({ refused }) =>
      `${refused}: it has expired. Let its administrator renew it; if it is still valid, the clock of this machine is wrong.`,
  },
  {
    codes: ['CERT_NOT_YET_VALID'],
    explain: ({ refused }) => `${refused}: it is not valid yet. The clock of this machine or of the issuer is wrong.`,
  },
  {
    codes: ['ERR_TLS_CERT_ALTNAME_INVALID', 'HOSTNAME_MISMATCH'],
    explain: ({ refused, words }) =>
      `${refused}: it is for another name (${words}). Connect by the name in the certificate, or let the administrator add this one to it.`,
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
        ? `${refused} (${code}): it does not come from the authority in tls.ca_certificate. Give the certificate of the authority that signed the one of the server, and of those above it.`
        : `${refused} (${code}): it does not come from a known authority. If the authority is your own, give its certificate in tls.ca_certificate; else the server may leave out a certificate between its own and the authority's.`,
  },
];

/** Others that are about it. */
const OTHER_CERTIFICATE_ERROR = /CERT|SIGNATURE|ISSUER|_CRL_/;

/** What a server says to end the connection, which mostly is about our certificate. The first that fits counts. */
const ALERTS: readonly TlsError[] = [
  { pattern: /version/, code: 'tls_not_agreed', explain: explainOldVersion },
  {
    pattern: /internal error/,
    code: 'clickhouse_cut_off',
    explain: ({ at, words }) =>
      `${at} ended TLS by a fault of its own (${words}). It may be starting or overloaded. Try again; if it stays, its log says why.`,
  },
  {
    // Servers say this of a certificate that they miss or refuse, and before that of ciphers that they don't have.
    pattern: /handshake failure/,
    code: 'tls_client_certificate_refused',
    explain: ({ at, words, hasCertificate }) =>
      hasCertificate
        ? `${at} refused TLS (${words}). It does not accept the client certificate, or has no cipher or signature in common with this connector. Check tls.client_certificate, and the TLS settings of the server.`
        : `${at} refused TLS (${words}). It wants a client certificate, or has no cipher or signature in common with this connector. Give tls.client_certificate and tls.client_key if it asks for one; else check the TLS settings of the server.`,
  },
  {
    pattern: /certificate|unknown ca|access denied/,
    code: 'tls_client_certificate_refused',
    explain: ({ at, words, hasCertificate }) =>
      hasCertificate
        ? `${at} refused the client certificate (${words}). It has expired, or comes from an authority that the server does not know. Check tls.client_certificate, with the certificates between it and its authority.`
        : `${at} wants a client certificate (${words}). Give tls.client_certificate and tls.client_key.`,
  },
  {
    code: 'tls_not_agreed',
    explain: ({ at, words }) =>
      `${at} ended TLS (${words}). Check host, port and tls; the log of the server says why it did.`,
  },
];

/** What OpenSSL finds wrong with the way TLS is spoken. The first that fits counts. */
const PROTOCOL_ERRORS: readonly TlsError[] = [
  {
    pattern: /wrong version number|packet length too long/,
    code: 'tls_not_spoken',
    explain: ({ at }) =>
      `${at} does not speak TLS, but "ssl" is on. Turn ssl off, or give the HTTPS port (usually 8443).`,
  },
  { pattern: /unsupported protocol|version too low/, code: 'tls_not_agreed', explain: explainOldVersion },
  {
    code: 'tls_not_agreed',
    explain: ({ at, words }) =>
      `TLS with ${at} failed: ${words}. The server, or a proxy before it, speaks TLS in a way that is not safe or not right. Check host and port; let its administrator look into its TLS settings.`,
  },
];

/**
 * What a failure of TLS means and what to do about it; undefined when it is none.
 *
 * @param code Node's: OpenSSL's results of verification, or its errors behind ERR_SSL_.
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
      message: `${context.at} hung up before TLS began. Either it does not speak TLS, but "ssl" is on: turn ssl off, or give the HTTPS port (usually 8443); or the server is waking up or restarting: try again.`,
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
    message: `${context.refused} (${code}): ${context.words}. Let its administrator mend it.`,
  };
}

/** The first error whose pattern is in a text. */
function explainFirst(errors: readonly TlsError[], text: string, context: Context): Explanation | undefined {
  const known = errors.find(({ pattern }) => pattern === undefined || pattern.test(text));
  return known && { code: known.code, message: known.explain(context) };
}
