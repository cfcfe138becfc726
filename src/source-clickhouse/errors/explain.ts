import { ClickHouseError } from '@clickhouse/client';
import { ConnectorError, codeOf, messageOf } from '../../protocol/errors.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { sourceError } from './codes.ts';
import { CUT_CODES, explainNetworkError } from './network-errors.ts';
import { GatewayError } from './response-errors.ts';
import { explainServerError } from './server-errors.ts';
import { redactServerMessage } from './server-message.ts';

/**
 * Whether an error can come from a ClickHouse server that is waking up. Errors of the SSH server can't. The error of a cut
 * connection can, but only with TLS, because services that go to sleep are reached over HTTPS. Without TLS, a cut connection
 * probably means that the configured port is an HTTPS port.
 */
export function mayBeWakingUp(error: ConnectorError, { ssl }: SourceConfiguration): boolean {
  const { cause, code } = error;
  if (code.startsWith('ssh_')) return false;
  return cause instanceof GatewayError || (ssl && CUT_CODES.includes(codeOf(cause)));
}

/** Whether an error means that no ClickHouse listens at the address: nothing does, or something that does not speak HTTP. */
export function isRefused({ cause }: ConnectorError): boolean {
  const code = codeOf(cause);
  return code === 'ECONNREFUSED' || code.startsWith('HPE_');
}

/**
 * Explains an error of ClickHouse, or of the connection to it: what was seen, what it likely means and what to do. The server's
 * own message becomes the internal message, without secrets and without values of rows.
 */
export function explainClickHouseError(error: unknown, configuration: SourceConfiguration): ConnectorError {
  if (error instanceof ConnectorError) return error;
  const isOfServer = error instanceof ClickHouseError;
  const { code, message } = isOfServer
    ? explainServerError(error, configuration)
    : explainNetworkError(error, configuration);
  const internalMessage = isOfServer ? redactServerMessage(error) : messageOf(error);
  return sourceError(code, message, { internalMessage, cause: error });
}
