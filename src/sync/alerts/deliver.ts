import { type Dispatcher, errors, Pool } from 'undici';
import { ConnectorError, codeOf, messageOf } from '../../protocol/errors.ts';
import {
  describeCertificateFault,
  describeNetworkError,
  isWithoutTls,
  NOT_HTTP,
} from '../../protocol/network/connection-errors.ts';
import { createProxyConnector } from '../../protocol/network/proxy-connector.ts';
import { ProxyError } from '../../protocol/network/proxy-tunnel.ts';
import { redactForeign } from '../../protocol/secrets.ts';
import { printable } from '../../shared/printable.ts';
import { type RetryOptions, retryFor } from '../../shared/retry.ts';
import type { AlertTarget } from './options.ts';

/** Whether the receiver accepted an alert. `reason` says why not, without the URL. */
export type Delivery = { kind: 'delivered' } | { kind: 'failed'; reason: string };

/**
 * How long, and how often, the delivery of an alert is retried. Together with the last attempt, a delivery takes at most 10
 * seconds. It must be short, because the next run or the end of the process waits for it.
 */
const RETRIES = { forMs: 5_000, minDelayMs: 500, maxDelayMs: 2_000 };

/** The maximum duration of an attempt, in milliseconds. Receivers such as Slack answer in less than a second. */
const ATTEMPT_MS = 5_000;

/** The number of characters of a response that are logged. The errors of Slack and PagerDuty are shorter. */
const MAX_EXCERPT_LENGTH = 200;

/** Always checks the certificate. Otherwise, NODE_TLS_REJECT_UNAUTHORIZED could turn off the check. */
const CONNECTION = { rejectUnauthorized: true };

/** An attempt that failed, with the reason. A later attempt may succeed if the reason is temporary. */
class FailedAttempt extends Error {
  readonly isTemporary: boolean;

  constructor(reason: string, isTemporary: boolean, cause?: unknown) {
    super(reason, { cause });
    this.name = 'FailedAttempt';
    this.isTemporary = isTemporary;
  }
}

export type DeliverOptions = {
  /** Aborting it prevents further attempts. */
  stop: AbortSignal;
  /** Aborting it ends the attempt in progress, too. */
  stopAtOnce: AbortSignal;
  retries?: Pick<RetryOptions, 'forMs' | 'minDelayMs' | 'maxDelayMs'>;
  attemptMs?: number;
};

/** Posts an alert. Retries for a few seconds if the receiver can't be reached, or if it reports a temporary error. */
export async function deliverAlert(
  { url, headers, proxy }: AlertTarget,
  body: string,
  { stop, stopAtOnce, retries = RETRIES, attemptMs = ATTEMPT_MS }: DeliverOptions,
): Promise<Delivery> {
  const connect = proxy === undefined ? CONNECTION : createProxyConnector(proxy, CONNECTION);
  const client = new Pool(url.origin, { connect, connections: 1 });
  const request: Dispatcher.RequestOptions = {
    method: 'POST',
    path: `${url.pathname}${url.search}`,
    headers: { 'content-type': 'application/json', ...headers },
    body,
  };
  try {
    await retryFor(
      {
        ...retries,
        signal: stop,
        shouldRetry: (error) => !stopAtOnce.aborted && error instanceof FailedAttempt && error.isTemporary,
      },
      () => attempt(client, request, stopAtOnce, attemptMs),
    );
    return { kind: 'delivered' };
  } catch (error) {
    return { kind: 'failed', reason: messageOf(error) };
  } finally {
    await client.destroy();
  }
}

/** @throws FailedAttempt */
async function attempt(
  client: Pool,
  request: Dispatcher.RequestOptions,
  stopAtOnce: AbortSignal,
  attemptMs: number,
): Promise<void> {
  const timeout = AbortSignal.timeout(attemptMs);
  let status: number;
  let excerpt: string;
  try {
    const response = await client.request({ ...request, signal: AbortSignal.any([stopAtOnce, timeout]) });
    status = response.statusCode;
    excerpt = await readStart(response.body);
  } catch (error) {
    if (timeout.aborted) throw new FailedAttempt(`it did not answer within ${attemptMs / 1_000} s`, true, error);
    throw explainFailure(error);
  }
  if (status < 200 || status > 299) throw explainStatus(status, excerpt);
}

/** Reads the beginning of a response. The rest is not needed. */
async function readStart(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) {
    chunks.push(chunk);
    if (Buffer.concat(chunks).length >= MAX_EXCERPT_LENGTH) break;
  }
  return Buffer.concat(chunks).toString().slice(0, MAX_EXCERPT_LENGTH).trim();
}

function explainStatus(status: number, excerpt: string): FailedAttempt {
  // An HTML page says nothing that the status doesn't.
  const words = excerpt === '' || excerpt.startsWith('<') ? '' : ` (${redactForeign(printable(excerpt))})`;
  const answer = `it answered with HTTP ${status}${words}`;
  if (status >= 500 || status === 408 || status === 425 || status === 429) return new FailedAttempt(answer, true);
  const advice =
    status < 400
      ? 'It redirects to another address: set --alert-url to that one'
      : 'The address or a header may be wrong, or the webhook may have been removed: check --alert-url and --alert-header';
  return new FailedAttempt(`${answer}. ${advice}`, false);
}

function explainFailure(error: unknown): FailedAttempt {
  // The full stop is removed, because the message becomes part of a longer sentence.
  if (error instanceof ConnectorError) return new FailedAttempt(error.message.replace(/\.$/, ''), false, error);
  if (error instanceof ProxyError) return new FailedAttempt(error.message.replace(/\.$/, ''), true, error);
  const code = codeOf(error);
  const certificate = describeCertificateFault(code);
  if (certificate !== undefined) {
    return new FailedAttempt(
      `its certificate is not accepted: ${certificate} (${code}). If its authority is your own, set NODE_EXTRA_CA_CERTS to a file with the certificate of that authority`,
      false,
      error,
    );
  }
  if (isWithoutTls(code)) {
    const advice = 'Check the port, or whether --alert-url has to begin with http://';
    return new FailedAttempt(`it does not use TLS on that port. ${advice}`, false, error);
  }
  const words = error instanceof errors.HTTPParserError ? NOT_HTTP : describeNetworkError(error);
  return new FailedAttempt(words ?? (code === '' ? messageOf(error) : `the connection failed (${code})`), true, error);
}
