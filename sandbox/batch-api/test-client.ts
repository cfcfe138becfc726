import { request } from 'undici';
import { BatchApi, type BatchApiOptions } from './server.ts';

const PROJECT_KEY = 'project_test';
const REST_API_KEY = 'rest_test';

export const GOOD_HEADERS = {
  authorization: `Bearer ${REST_API_KEY}`,
  'x-batch-project': PROJECT_KEY,
  'content-type': 'application/json',
};

export type Reply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
};

export function startApi(options: Partial<BatchApiOptions> = {}): Promise<BatchApi> {
  return BatchApi.start({ projectKey: PROJECT_KEY, restApiKey: REST_API_KEY, ...options });
}

/** Sends a request to the server. */
export async function ask(
  api: BatchApi,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  {
    body,
    headers = {},
    signal,
  }: { body?: string | Buffer; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Reply> {
  const response = await request(`${api.url}${path}`, {
    method,
    headers,
    ...(body !== undefined && { body }),
    ...(signal !== undefined && { signal }),
  });
  return { status: response.statusCode, headers: response.headers, text: await response.body.text() };
}

/** Posts updates, or a body as it is, with valid headers. */
export function post(api: BatchApi, updates: unknown, options: { signal?: AbortSignal } = {}): Promise<Reply> {
  const body = typeof updates === 'string' ? updates : JSON.stringify(updates);
  return ask(api, 'POST', '/2.11/profiles/update', { body, headers: GOOD_HEADERS, ...options });
}

/** Creates an update with one event. */
export function update(customId: string, attributes?: Record<string, unknown>): Record<string, unknown> {
  return { identifiers: { custom_id: customId }, events: [{ name: 'a', ...(attributes && { attributes }) }] };
}
