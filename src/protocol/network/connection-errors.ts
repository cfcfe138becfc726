import { codeOf } from '../errors.ts';

/** Why an answer can't be read. */
export const NOT_HTTP = 'what answers there does not speak HTTP';

/** What Node's codes of a failed connection mean. */
const REASONS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'the name does not resolve',
  EAI_AGAIN: 'the name server does not answer',
  ECONNREFUSED: 'nothing listens there (connection refused)',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ETIMEDOUT: 'it did not answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'it did not answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'it did not answer in time',
  UND_ERR_BODY_TIMEOUT: 'its answer stopped before its end',
  UND_ERR_SOCKET: 'the connection was closed before the answer was complete',
  ECONNRESET: 'the connection was closed before the answer was complete',
  EPIPE: 'the connection was closed before the answer was complete',
};

/** Why a connection failed, in words for a user; undefined for a failure that is not of the network. */
export function describeNetworkError(error: unknown): string | undefined {
  const code = codeOf(error);
  if (code.startsWith('HPE_')) return NOT_HTTP;
  return REASONS[code];
}
