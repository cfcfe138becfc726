import { ClickHouseError } from '@clickhouse/client';
import { ConnectorError, codeOf, messageOf } from '../../protocol/errors.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { sourceError } from './codes.ts';
import { CUT_CODES, explainNetworkError } from './network-errors.ts';
import { GatewayError } from './response-errors.ts';
import { explainServerError } from './server-errors.ts';
import { redactServerMessage } from './server-message.ts';

/**
 * Whether a failure is one that a server makes which is about to be there. Without TLS a cut connection is none: it is
 * rather an HTTPS port, and a service that sleeps is reached by HTTPS. One that an SSH server cut has not reached it.
 */
export function mayBeWakingUp(error: ConnectorError, { ssl }: SourceConfiguration): boolean {
  const { cause, code } = error;
  if (code.startsWith('ssh_')) return false;
  return cause instanceof GatewayError || (ssl && CUT_CODES.includes(codeOf(cause)));
}

/**
 * A failure of ClickHouse, or of the way to it, in words that say what was seen, what it likely means and what to do.
 * The server's own words go into the internal message, as far as they may be shown.
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
