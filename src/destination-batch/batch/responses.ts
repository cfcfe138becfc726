import { z } from 'zod';
import type { ConnectorError } from '../../protocol/errors.ts';
import { redactForeign } from '../../protocol/secrets.ts';
import { parseExact, tryParseJson } from '../../shared/exact-json.ts';
import { destinationError } from '../errors.ts';
import { RetryableCallError } from './errors.ts';
import { maskValues } from './mask-values.ts';

/** One problem in an accepted call. `bulk_index` counts the updates of the call from zero. */
export type PartialError = { bulkIndex: number; attribute: string | undefined; reason: string };

/** What Batch said to a call that reached it, and that trying again would not change. */
export type BatchResponse =
  | { kind: 'accepted'; errors: PartialError[] }
  /** Stored, as far as the status says, but what was left out of it can't be read. */
  | { kind: 'accepted_unreadable'; detail: string }
  /** Refused whole, because of something in it. */
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

/** The two codes of a success that are known. */
const successBody = z.looseObject({ code: z.enum(['SUCCESS', 'SUCCESS_WITH_PARTIAL_ERRORS']) });

const refusedBody = z.looseObject({
  error_code: z.union([z.string(), z.number()]),
  error_message: z.string().nullish(),
});

/** Characters that are kept of an answer in words. */
const MAX_MESSAGE_CHARACTERS = 2_000;

/** Statuses that say that something in the call is at fault; any other refusal would be the same for every row. */
const REFUSALS_OF_CONTENT = new Set([400, 413, 422]);

/** What came back for a call. */
type RawResponse = { status: number; text: string; retryAfter: string | string[] | undefined };

/** The call: where it went, and the body, of which nothing that Batch quotes is shown. */
type Call = { origin: string; path: string; body: string };

/**
 * What a response means.
 *
 * @throws RetryableCallError when another attempt may succeed; ConnectorError (config_error) when the key, the project or the
 * address is wrong.
 */
export function interpretResponse(response: RawResponse, call: Call): BatchResponse {
  const { status, text } = response;
  if (status === 202) return parseAccepted(text);
  if (REFUSALS_OF_CONTENT.has(status)) return { kind: 'refused', reason: describeResponse(status, readMessage(text)) };
  // 202 is what Batch documents; any other success may come from whatever else listens there.
  const isSuccess = status >= 200 && status < 300;
  if (isSuccess && successBody.safeParse(tryParseJson(text)).success) return parseAccepted(text);
  const said = describeResponse(status, maskValues(readMessage(text), tryParseJson(call.body, parseExact)));
  throw explainRetryableStatus(response, said) ?? explainStatus(status, said, call);
}

/** The error for a status after which the same call may succeed; undefined for any other. */
function explainRetryableStatus({ status, retryAfter }: RawResponse, said: string): RetryableCallError | undefined {
  const retryAfterMs = parseRetryAfter(retryAfter);
  if (status === 408 || status === 429) {
    return new RetryableCallError(`Batch asks to wait (${said})`, {
      outcomeUnknown: false,
      isRateLimit: status === 429,
      retryAfterMs,
    });
  }
  if (status < 500) return undefined;
  return new RetryableCallError(`Batch has an internal error or is under maintenance (${said})`, {
    // Under maintenance (503) Batch takes none. An unexpected error may come when some is stored, and a gateway answers
    // 502 and 504 when the server behind it did not.
    outcomeUnknown: status !== 503,
    retryAfterMs,
  });
}

/** The error for a status that would come back for the same call. */
function explainStatus(status: number, said: string, { origin, path }: Call): ConnectorError {
  if (status >= 200 && status < 300) {
    return destinationError(
      'batch_address_wrong',
      `${origin} returned a success that is not Batch's (${said}). Another server listens there, or a proxy asks to sign in. Check api_url and the network.`,
    );
  }
  switch (status) {
    case 401:
      return destinationError(
        'batch_key_refused',
        `Batch refused the REST API key for this project (${said}). The key or the project key is wrong, or they belong to different companies. Copy both again from the dashboard: Settings → General.`,
      );
    case 403:
      return destinationError(
        'batch_api_forbidden',
        `Batch forbids this request (${said}). The project may have no access to the profile API. Ask Batch's support to enable it.`,
      );
    case 404:
      return destinationError(
        'batch_address_wrong',
        `${origin}${path} is not there (${said}). Check api_url, api_version and endpoint.`,
      );
  }
  if (status >= 300 && status < 400) {
    return destinationError(
      'batch_address_wrong',
      `${origin} redirects to another address (${said}) and the key is not sent there. Check api_url.`,
    );
  }
  return destinationError(
    'batch_call_refused',
    `Batch or a proxy refuses this request, whatever its content (${said}). Check api_url, api_version and the permissions of the account.`,
  );
}

function parseAccepted(text: string): BatchResponse {
  const body = acceptedBody.safeParse(tryParseJson(text));
  const isUntold = body.data?.code === 'SUCCESS_WITH_PARTIAL_ERRORS' && !body.data.errors?.length;
  if (!body.success || isUntold)
    return { kind: 'accepted_unreadable', detail: redactForeign(text).slice(0, MAX_MESSAGE_CHARACTERS) };
  const errors = (body.data.errors ?? []).map((error) => ({
    bulkIndex: error.bulk_index,
    attribute: error.attribute == null ? undefined : redactForeign(error.attribute),
    reason: error.reason == null ? 'no reason given' : redactForeign(error.reason).slice(0, MAX_MESSAGE_CHARACTERS),
  }));
  return { kind: 'accepted', errors };
}

/** Code and message of an answer in Batch's words, or whatever else it says. */
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

/** Retry-After in milliseconds from now: a number of seconds, or a date (RFC 9110, 10.2.3). */
function parseRetryAfter(value: string | string[] | undefined): number | undefined {
  if (typeof value !== 'string') return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Number(value) * 1000;
  return HTTP_DATE.test(value) ? Math.max(0, Date.parse(value) - Date.now()) : undefined;
}
