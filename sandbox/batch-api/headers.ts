import type { IncomingHttpHeaders } from 'node:http';
import type { Refusal } from './answers.ts';
import type { Limits } from './limits.ts';

export type Keys = {
  readonly projectKey: string;
  readonly restApiKey: string;
};

/**
 * Refuses a call with invalid headers [documented: sources UPD, CEP and MASS in docs/batch-api.md]. The 400 for a missing
 * project and the order of the checks are inferred.
 */
export function checkHeaders(headers: IncomingHttpHeaders, keys: Keys, limits: Limits): Refusal | undefined {
  if (headers.authorization !== `Bearer ${keys.restApiKey}`) {
    return unauthorised('The REST API key is missing or not valid.');
  }
  const project = headers['x-batch-project'];
  if (project === undefined) {
    const message = 'The header X-Batch-Project is missing.';
    return limits.missingProjectHeader === 401
      ? unauthorised(message)
      : { status: 400, code: 'MISSING_PARAMETER', message };
  }
  if (project !== keys.projectKey) return unauthorised('The REST API key is not valid for this project.');
  // Only the sample call shows the type [documented: source MASS]; the answer to another type is inferred.
  if (!/^application\/json\s*(?:;|$)/i.test(headers['content-type'] ?? '')) {
    return { status: 400, code: 'MALFORMED_JSON_BODY', message: 'The Content-Type is not application/json.' };
  }
  return undefined;
}

function unauthorised(message: string): Refusal {
  return { status: 401, code: 'AUTHENTICATION_INVALID', message };
}
