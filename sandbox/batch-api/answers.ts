/** One entry of `errors` in a 202 [reported: sources SEGM, MM and UPL in docs/batch-api.md]. */
export type PartialError = {
  /** Zero-based index of the update in the posted array. */
  readonly bulk_index: number;
  /** The values that Batch uses are unknown; the sandbox's own are those of {@link Category}. */
  readonly category: string;
  readonly attribute?: string;
  readonly reason: string;
};

/** What was dropped. */
export type Category = 'attribute' | 'event' | 'update' | 'identifiers';

/** Names of the documented errors [documented: sources APPD, EXPO, CAMP and CAT in docs/batch-api.md]. */
type ErrorCode =
  | 'API_MISUSE'
  | 'AUTHENTICATION_INVALID'
  | 'MALFORMED_JSON_BODY'
  | 'MALFORMED_PARAMETER'
  | 'MAINTENANCE_ERROR'
  | 'MISSING_PARAMETER'
  | 'ROUTE_NOT_FOUND'
  | 'SERVER_ERROR'
  | 'TOO_MANY_REQUESTS';

type Accepted = { readonly status: 202; readonly errors: readonly PartialError[] };

/** The whole call is refused: nothing is stored. */
export type Refusal = {
  readonly status: 400 | 401 | 404 | 413 | 422 | 429 | 500;
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryAfterSeconds?: number;
};

export type Answer = Accepted | Refusal;

export type SuccessBody =
  | { readonly code: 'SUCCESS' }
  | { readonly code: 'SUCCESS_WITH_PARTIAL_ERRORS'; readonly errors: readonly PartialError[] };

export type ErrorBody = { readonly error_code: ErrorCode; readonly error_message: string };

/** The body of a documented answer [success documented: source MASS; errors documented: source SEG]. */
export function toBody(answer: Answer): SuccessBody | ErrorBody {
  if (answer.status !== 202) return { error_code: answer.code, error_message: answer.message };
  return answer.errors.length === 0
    ? { code: 'SUCCESS' }
    : { code: 'SUCCESS_WITH_PARTIAL_ERRORS', errors: answer.errors };
}

/** No 413 is documented; the code is the most similar documented one [inferred]. */
const TOO_LARGE_BODY: ErrorBody = { error_code: 'MALFORMED_PARAMETER', error_message: 'The body is too large.' };

/** The documented error body for the status of a fault. */
export function errorBodyForStatus(status: number): ErrorBody {
  switch (status) {
    case 400:
      return { error_code: 'MALFORMED_PARAMETER', error_message: 'The request is malformed.' };
    case 401:
      return { error_code: 'AUTHENTICATION_INVALID', error_message: 'The REST API key is not valid here.' };
    case 403:
      return { error_code: 'API_MISUSE', error_message: 'This API is not open to the account.' };
    case 404:
      return { error_code: 'ROUTE_NOT_FOUND', error_message: 'There is no such route.' };
    case 413:
      return TOO_LARGE_BODY;
    case 429:
      return { error_code: 'TOO_MANY_REQUESTS', error_message: 'Too many updates: wait a few seconds.' };
    case 503:
      return { error_code: 'MAINTENANCE_ERROR', error_message: 'Under maintenance: try again later.' };
    default:
      return { error_code: 'SERVER_ERROR', error_message: 'Something unexpected happened.' };
  }
}
