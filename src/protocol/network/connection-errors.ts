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
