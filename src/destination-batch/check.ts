import { ProxyError } from '../protocol/network/proxy-tunnel.ts';
import type { BatchApi } from './batch/api.ts';
import { UPDATE } from './batch/endpoints.ts';
import { RetryableCallError } from './batch/errors.ts';
import { maskValues } from './batch/mask-values.ts';
import type { BatchResponse } from './batch/responses.ts';
import { destinationError } from './errors.ts';

/** The profile that `check` touches. Batch creates it, without attributes or events, if it is not there. */
const CHECK_CUSTOM_ID = 'clickhouse-to-batch-connection-check';

/**
 * Proves that key and project are right: an update without attributes or events is the cheapest call that needs both,
 * since the API has no call that reads. No event is created; one empty profile is.
 *
 * @throws ConnectorError that says what is in the way.
 */
export async function check(api: BatchApi): Promise<void> {
  const response = await postEmptyUpdate(api);
  switch (response.kind) {
    case 'accepted':
      return;
    case 'accepted_unreadable':
      throw destinationError(
        'batch_address_wrong',
        `The answer is not Batch's: ${maskValues(response.detail, [])}. Something else listens at api_url. Check it.`,
      );
    case 'refused':
      throw destinationError(
        'batch_call_refused',
        `Batch refused a harmless call (${maskValues(response.reason, [])}). The project key may be misspelt, or api_version unknown to Batch. Check both.`,
      );
  }
}

async function postEmptyUpdate(api: BatchApi): Promise<BatchResponse> {
  const body = JSON.stringify([{ identifiers: { custom_id: CHECK_CUSTOM_ID } }]);
  try {
    return await api.post(UPDATE, body, new AbortController().signal);
  } catch (error) {
    if (!(error instanceof RetryableCallError)) throw error;
    const { message, cause } = error;
    // The error of a proxy says itself what to check.
    const hint =
      cause instanceof ProxyError ? '' : ' Check api_url and that this machine may reach it, or try again later.';
    throw destinationError('batch_unreachable', `${message}.${hint}`, { cause: error });
  }
}
