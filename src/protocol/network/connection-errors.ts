import { codeOf } from '../errors.ts';

/** The reason that is reported for a response that is not HTTP. */
export const NOT_HTTP = 'the server does not speak HTTP';

/** The reason that is reported for each of Node's codes for connection errors. */
const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the DNS server does not answer',
  ECONNREFUSED: 'nothing listens there (connection refused)',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ETIMEDOUT: 'it did not answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'it did not answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'it did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'the response stopped before it was complete',
  UND_ERR_SOCKET: 'the connection was closed before the response was complete',
  ECONNRESET: 'the connection was closed before the response was complete',
  EPIPE: 'the connection was closed before the response was complete',
};

/** Describes why a connection failed. Returns undefined for an error that is not a connection error. */
export function describeNetworkError(error: unknown): string | undefined {
  const code = codeOf(error);
  if (code.startsWith('HPE_')) return NOT_HTTP;
  return REASONS[code];
}

/**
 * Node's error codes for a certificate that is not accepted:
 * https://nodejs.org/api/tls.html#x509-certificate-error-codes
 */
const CERTIFICATE_FAULT = /^(ERR_TLS_CERT_|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH$|INVALID_)/;

/** What is wrong with the certificate. The keys are Node's error codes. */
const CERTIFICATE_WORDS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it is for another host name',
  HOSTNAME_MISMATCH: 'it is for another host name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'no known authority has signed it',
  SELF_SIGNED_CERT_IN_CHAIN: 'no known authority has signed it',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'no known authority has signed it',
  UNABLE_TO_GET_ISSUER_CERT: 'no known authority has signed it',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'no known authority has signed it',
};

/** Describes why a certificate is not accepted. Returns undefined for a code of another error. @param code of Node. */
export function describeCertificateFault(code: string): string | undefined {
  return CERTIFICATE_FAULT.test(code) ? (CERTIFICATE_WORDS[code] ?? "it can't be verified") : undefined;
}

/** Node's error codes for a server that does not respond with TLS. */
const NO_TLS: ReadonlySet<string> = new Set(['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG']);

/** Checks whether a connection failed because the server does not use TLS. @param code of Node. */
export function isWithoutTls(code: string): boolean {
  return NO_TLS.has(code);
}
