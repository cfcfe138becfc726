import { errors } from 'undici';
import { ConnectorError, codeOf, messageOf } from '../../protocol/errors.ts';
import {
  describeCertificateFault,
  describeNetworkError,
  isWithoutTls,
  NOT_HTTP,
} from '../../protocol/network/connection-errors.ts';
import { ProxyError } from '../../protocol/network/proxy-tunnel.ts';
import { destinationError } from '../errors.ts';

/** The error of a call that can be retried. */
export class RetryableCallError extends Error {
  /** Whether Batch may have stored the updates of the call. */
  readonly outcomeUnknown: boolean;
  /** Whether Batch returned HTTP 429. */
  readonly isRateLimit: boolean;
  /** How long Batch asks the connector to wait, if the response says so. */
  readonly retryAfterMs: number | undefined;

  constructor(
    message: string,
    options: { outcomeUnknown: boolean; isRateLimit?: boolean; retryAfterMs?: number | undefined; cause?: unknown },
  ) {
    super(message, { cause: options.cause });
    this.name = 'RetryableCallError';
    this.outcomeUnknown = options.outcomeUnknown;
    this.isRateLimit = options.isRateLimit ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The error codes of a connection that was never established. After these errors, Batch can't have stored anything. */
const NEVER_CONNECTED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Converts a connection error to an error of the connector. If the error has a code, the messages of Node, OpenSSL and undici are
 * not shown, because they don't say what a user can do.
 *
 * @param address the address of Batch, such as `https://host`.
 */
export function explainConnectionError(error: unknown, address: string): Error {
  if (error instanceof ConnectorError) return error;
  if (error instanceof ProxyError) {
    // The full stop is removed, because the message becomes part of a longer sentence.
    return new RetryableCallError(error.message.replace(/\.$/, ''), { outcomeUnknown: false, cause: error });
  }
  const code = codeOf(error);
  const { host } = new URL(address);
  const certificateFault = describeCertificateFault(code);
  if (certificateFault !== undefined) {
    return destinationError(
      'batch_certificate_refused',
      `The certificate of ${address} is not accepted: ${certificateFault} (${code}). A proxy may be answering in place of Batch, or this machine's clock may be wrong. If the proxy is yours, set NODE_EXTRA_CA_CERTS to a file with the certificate of its authority.`,
      { cause: error },
    );
  }
  if (isWithoutTls(code)) {
    return destinationError(
      'batch_address_wrong',
      `api_url says https, but ${host} does not use TLS on that port. Check the host and the port of api_url. If they are right, a proxy may be answering in place of Batch.`,
      { cause: error },
    );
  }
  const options = { outcomeUnknown: !NEVER_CONNECTED.has(code), cause: error };
  if (code.startsWith('ERR_SSL_') || code === 'EPROTO') {
    return new RetryableCallError(`TLS with ${host} failed (${code})`, options);
  }
  const words = error instanceof errors.HTTPParserError ? NOT_HTTP : describeNetworkError(error);
  return NEVER_CONNECTED.has(code)
    ? new RetryableCallError(`Can't reach ${host}: ${words}`, options)
    : new RetryableCallError(
        `The request to ${host} failed: ${words ?? (code === '' ? messageOf(error) : `the connection failed (${code})`)}`,
        options,
      );
}
