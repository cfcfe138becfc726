import { ProxyError } from '../protocol/network/proxy-tunnel.ts';
import type { BatchApi } from './batch/api.ts';
import { UPDATE } from './batch/endpoints.ts';
import { RetryableCallError } from './batch/errors.ts';
import { maskValues } from './batch/mask-values.ts';
import type { BatchResponse } from './batch/responses.ts';
import { destinationError } from './errors.ts';

/** The profile that `check` updates. If the profile does not exist, Batch creates it without attributes or events. */
const CHECK_CUSTOM_ID = 'clickhouse-to-batch-connection-check';

/**
 * Checks the keys by sending an update without attributes or events, because the API has no read-only request. The
 * update creates one empty profile and no event.
 *
 * @throws ConnectorError that explains what is wrong.
 */
export async function check(api: BatchApi): Promise<void> {
  const response = await postEmptyUpdate(api);
  switch (response.kind) {
    case 'accepted':
      return;
    case 'accepted_unreadable':
      throw destinationError(
        'batch_address_wrong',
        `The response is not from Batch: ${maskValues(response.detail, [])}. Another server answers at api_url. Check api_url.`,
      );
    case 'refused':
      throw destinationError(
        'batch_call_refused',
        `Batch refused a test request (${maskValues(response.reason, [])}). The project key may be misspelt, or Batch may not know api_version. Check both.`,
      );
  }
}

async function postEmptyUpdate(api: BatchApi): Promise<BatchResponse> {
  const body = Buffer.from(JSON.stringify([{ identifiers: { custom_id: CHECK_CUSTOM_ID } }]));
  try {
    return await api.post(UPDATE, body, new AbortController().signal);
  } catch (error) {
    if (!(error instanceof RetryableCallError)) throw error;
    const { message, cause } = error;
    // A proxy error already says what to check.
    const hint = cause instanceof ProxyError ? '' : ' Check api_url and the network, or try again later.';
    throw destinationError('batch_unreachable', `${message}.${hint}`, { cause: error });
  }
}
