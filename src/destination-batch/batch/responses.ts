import { z } from 'zod';
import type { ConnectorError } from '../../protocol/errors.ts';
import { redactForeign } from '../../protocol/secrets.ts';
import { parseExact, tryParseJson } from '../../shared/exact-json.ts';
import { destinationError } from '../errors.ts';
import { RetryableCallError } from './errors.ts';
import { isProjectKey } from './limits.ts';
import { maskValues } from './mask-values.ts';

/** One error in the response to an accepted call. `bulkIndex` is the index of the update in the call, starting at 0. */
export type PartialError = { bulkIndex: number; attribute: string | undefined; reason: string };

/** A final response from Batch, which a retry would not change. */
export type BatchResponse =
  | { kind: 'accepted'; errors: PartialError[] }
  /** Accepted according to the status, but the body can't be read, so it is unknown what Batch left out. */
  | { kind: 'accepted_unreadable'; detail: string }
  /** Batch refused the whole call because of its content. */
  | { kind: 'refused'; reason: string };

const acceptedBody = z
  .looseObject({
    code: z.string().nullish(),
    errors: z
      .array(
        z.looseObject({
          bulk_index: z.int().min(0),
          attribute: z.string().nullish(),
          reason: z.string().nullish(),
        }),
      )
      .nullish(),
  })
  .refine(({ code, errors }) => code != null || errors != null);

/** The body of a successful response, with one of the two known codes. */
const successBody = z.looseObject({ code: z.enum(['SUCCESS', 'SUCCESS_WITH_PARTIAL_ERRORS']) });

const refusedBody = z.looseObject({
  error_code: z.union([z.string(), z.number()]),
  error_message: z.string().nullish(),
});

/** The maximum number of characters that are kept from a message in a response. */
const MAX_MESSAGE_CHARACTERS = 2_000;

/**
 * The HTTP statuses with which Batch refuses the content of a call. Any other refusal would be the same for every row.
 */
const REFUSALS_OF_CONTENT = new Set([400, 413, 422]);

/** A response as it arrived. */
export type RawResponse = { status: number; text: string; retryAfter: string | string[] | undefined };

/** The call that was made. The values in its body are masked in Batch's messages. */
type Call = { origin: string; path: string; projectKey: string; body: Buffer };

/**
 * Interprets a response.
 *
 * @throws RetryableCallError if a retry may succeed.
 * @throws ConnectorError (config_error) if the key, the project or the address is wrong.
 */
export function interpretResponse(response: RawResponse, call: Call): BatchResponse {
  const { status, text } = response;
  if (status === 202) return parseAccepted(text);
  if (REFUSALS_OF_CONTENT.has(status)) return { kind: 'refused', reason: describeResponse(status, readMessage(text)) };
  // Batch documents 202; any other success may come from another server.
  const isSuccess = status >= 200 && status < 300;
  if (isSuccess && successBody.safeParse(tryParseJson(text)).success) return parseAccepted(text);
  const said = describeResponse(status, maskValues(readMessage(text), tryParseJson(call.body.toString(), parseExact)));
  throw explainRetryableStatus(response, said) ?? explainStatus(status, said, call);
}

/** Returns the error for a status after which a retry may succeed, or undefined for any other status. */
function explainRetryableStatus({ status, retryAfter }: RawResponse, said: string): RetryableCallError | undefined {
  const retryAfterMs = parseRetryAfter(retryAfter);
  if (status === 408 || status === 429) {
    return new RetryableCallError(`Batch asks the connector to wait (${said})`, {
      outcomeUnknown: false,
      isRateLimit: status === 429,
      retryAfterMs,
    });
  }
  if (status < 500) return undefined;
  return new RetryableCallError(`Batch has an internal error or is under maintenance (${said})`, {
    // Under maintenance (503) Batch stores nothing. After other errors, it may have stored some updates. For example, a
    // gateway returns 502 or 504 if it received no response from Batch.
    outcomeUnknown: status !== 503,
    retryAfterMs,
  });
}

/** Returns the error for a status after which a retry would not succeed. */
function explainStatus(status: number, said: string, { origin, path, projectKey }: Call): ConnectorError {
  if (status >= 200 && status < 300) {
    return destinationError(
      'batch_address_wrong',
      `${origin} returned a successful response that is not from Batch (${said}). Another server may be listening there, or a proxy requires a login. Check api_url and the network.`,
    );
  }
  switch (status) {
    case 401:
      return destinationError(
        'batch_key_refused',
        `Batch refused the REST API key for this project (${said}). ${isProjectKey(projectKey) ? 'The key or the project key is wrong, or they belong to different companies' : 'project_key is likely another key, because it does not begin with project_'}. Copy both again from the dashboard: Settings → General.`,
      );
    case 403:
      return destinationError(
        'batch_api_forbidden',
        `Batch forbids this request (${said}). The project may have no access to the profile API. Ask Batch's support to enable it.`,
      );
    case 404:
      return destinationError(
        'batch_address_wrong',
        `${origin}${path} does not exist (${said}). Check api_url, api_version and endpoint.`,
      );
  }
  if (status >= 300 && status < 400) {
    return destinationError(
      'batch_address_wrong',
      `${origin} redirects to another address (${said}). The key is not sent there. Check api_url.`,
    );
  }
  return destinationError(
    'batch_call_refused',
    `Batch or a proxy refused this request for a reason other than its content (${said}). Check api_url, api_version and the permissions of the account.`,
  );
}

function parseAccepted(text: string): BatchResponse {
  const body = acceptedBody.safeParse(tryParseJson(text));
  const isIncomplete = body.data?.code === 'SUCCESS_WITH_PARTIAL_ERRORS' && !body.data.errors?.length;
  if (!body.success || isIncomplete)
    return { kind: 'accepted_unreadable', detail: redactForeign(text).slice(0, MAX_MESSAGE_CHARACTERS) };
  const errors = (body.data.errors ?? []).map((error) => ({
    bulkIndex: error.bulk_index,
    attribute: error.attribute == null ? undefined : redactForeign(error.attribute),
    reason: error.reason == null ? 'no reason given' : redactForeign(error.reason).slice(0, MAX_MESSAGE_CHARACTERS),
  }));
  return { kind: 'accepted', errors };
}

/** Returns the code and the message of Batch's error, or the whole body if it has another form. */
function readMessage(text: string): string {
  const body = refusedBody.safeParse(tryParseJson(text));
  const words = body.success
    ? `${body.data.error_code}: ${body.data.error_message ?? 'no message'}`
    : text.replaceAll(/\s+/g, ' ');
  return redactForeign(words).slice(0, MAX_MESSAGE_CHARACTERS);
}

function describeResponse(status: number, words: string): string {
  return words === '' ? `HTTP ${status}` : `HTTP ${status}, ${words}`;
}

const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Parses Retry-After, a number of seconds or a date (RFC 9110, section 10.2.3). Returns milliseconds from now. */
function parseRetryAfter(value: string | string[] | undefined): number | undefined {
  if (typeof value !== 'string') return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  return HTTP_DATE.test(value) ? Math.max(0, Date.parse(value) - Date.now()) : undefined;
}
