import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BadRequest } from './bad-request.ts';
import { type FaultRequest, Faults } from './faults.ts';
import type { BatchApi } from './server.ts';
import { ask, post, startApi, update } from './test-client.ts';

let api: BatchApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.close());

function storedIds(): (string | null)[] {
  return [...api.store.events()].map(({ custom_id }) => custom_id);
}

async function statusesOf(calls: number): Promise<number[]> {
  const statuses: number[] = [];
  for (let call = 0; call < calls; call += 1) statuses.push((await post(api, [update('u1')])).status);
  return statuses;
}

describe('status', () => {
  test('answers for the given number of calls, and neither uses tokens nor stores', async () => {
    api.faults.add({ kind: 'status', status: 503, times: 2 });
    expect(await statusesOf(3)).toEqual([503, 503, 202]);
    expect(storedIds()).toEqual(['u1']);
    expect(api.stats.tokens.update.used).toBe(1);
    expect(api.stats.answers).toEqual({ 503: 2, 202: 1 });
  });

  test.each([
    [429, 'TOO_MANY_REQUESTS'],
    [500, 'SERVER_ERROR'],
    [502, 'SERVER_ERROR'],
    [503, 'MAINTENANCE_ERROR'],
    [400, 'MALFORMED_PARAMETER'],
    [401, 'AUTHENTICATION_INVALID'],
    [403, 'API_MISUSE'],
    [413, 'MALFORMED_PARAMETER'],
    [404, 'ROUTE_NOT_FOUND'],
  ])('%i has its documented body', async (status, code) => {
    api.faults.add({ kind: 'status', status });
    const reply = await post(api, [update('u1')]);
    expect(reply.status).toBe(status);
    expect(JSON.parse(reply.text)).toEqual({ error_code: code, error_message: expect.any(String) });
    expect(reply.headers['retry-after']).toBeUndefined();
  });

  test('redirects', async () => {
    api.faults.add({ kind: 'status', status: 302, location: 'http://127.0.0.1:1/' });
    const reply = await post(api, [update('u1')]);
    expect([reply.status, reply.headers.location]).toEqual([302, 'http://127.0.0.1:1/']);
  });

  test('has the given Retry-After and body', async () => {
    api.faults.add([
      { kind: 'status', status: 429, retry_after_seconds: 7, body: { odd: true } },
      { kind: 'status', status: 502, body: '<html>Bad gateway</html>' },
    ]);
    const first = await post(api, [update('u1')]);
    expect([first.status, first.headers['retry-after'], first.text]).toEqual([429, '7', '{"odd":true}']);
    expect((await post(api, [update('u1')])).text).toBe('<html>Bad gateway</html>');
  });

  test('replaces the answer to a stored call', async () => {
    api.faults.add({ kind: 'status', status: 504, stored: true });
    expect(await statusesOf(2)).toEqual([504, 202]);
    expect(storedIds()).toEqual(['u1', 'u1']);
    expect(api.requests()).toMatchObject([{ status: 504, events: 1, fault: 'status' }, { status: 202 }]);
  });
});

describe('cut', () => {
  test.each([
    [true, ['u1']],
    [false, []],
  ])('destroys the connection; stored: %s', async (stored, expected) => {
    api.faults.add({ kind: 'cut', stored });
    await expect(post(api, [update('u1')])).rejects.toThrow(/other side closed|ECONNRESET/);
    expect(storedIds()).toEqual(expected);
    expect(api.requests()).toMatchObject([{ status: null, fault: 'cut' }]);
    expect(await statusesOf(1)).toEqual([202]);
  });
});

describe('hang', () => {
  test.each([
    [true, ['u1']],
    [false, []],
  ])('never answers, until the client leaves; stored: %s', async (stored, expected) => {
    api.faults.add({ kind: 'hang', stored });
    const leaving = new AbortController();
    const reply = post(api, [update('u1')], { signal: leaving.signal });
    await expect.poll(() => api.requests(), { interval: 5 }).toMatchObject([{ status: null, fault: 'hang' }]);
    expect(storedIds()).toEqual(expected);
    // Another call succeeds in the meantime.
    expect(await statusesOf(1)).toEqual([202]);
    leaving.abort();
    await expect(reply).rejects.toThrow(/abort/i);
  });

  test('cuts the connection after its time', async () => {
    api.faults.add({ kind: 'hang', milliseconds: 100, stored: true });
    await expect(post(api, [update('u1')])).rejects.toThrow(/other side closed|ECONNRESET/);
    expect(storedIds()).toEqual(['u1']);
    expect(api.requests()).toMatchObject([{ status: null, events: 1, fault: 'hang' }]);
  });

  test('ends when the server closes', async () => {
    api.faults.add({ kind: 'hang' });
    const reply = expect(post(api, [update('u1')])).rejects.toThrow();
    await expect.poll(() => api.stats.requests, { interval: 5 }).toBe(1);
    await api.close();
    await reply;
  });
});

describe('garbage', () => {
  test.each([
    [true, ['u1']],
    [false, []],
  ])('answers 202 with a body that is not JSON; stored: %s', async (stored, expected) => {
    api.faults.add({ kind: 'garbage', stored });
    const reply = await post(api, [update('u1')]);
    expect(reply.status).toBe(202);
    expect(() => JSON.parse(reply.text)).toThrow(SyntaxError);
    expect(storedIds()).toEqual(expected);
  });
});

describe('delay', () => {
  test('delays both the answer and the storing', async () => {
    api.faults.add({ kind: 'delay', milliseconds: 500 });
    const started = performance.now();
    const reply = post(api, [update('slow')]);
    await expect.poll(() => api.faults.list(), { interval: 5 }).toEqual([]);
    expect(await statusesOf(1)).toEqual([202]);
    expect((await reply).status).toBe(202);
    expect(performance.now() - started).toBeGreaterThan(499);
    expect(storedIds()).toEqual(['u1', 'slow']);
  });

  test('stores the call of a client that has left', async () => {
    api.faults.add({ kind: 'delay', milliseconds: 500 });
    const leaving = new AbortController();
    const reply = expect(post(api, [update('u1')], { signal: leaving.signal })).rejects.toThrow(/abort/i);
    await expect.poll(() => api.faults.list(), { interval: 5 }).toEqual([]);
    leaving.abort();
    await reply;
    await expect.poll(storedIds, { interval: 5 }).toEqual(['u1']);
  });

  test('is the only fault of its call', async () => {
    api.faults.add([
      { kind: 'delay', milliseconds: 1 },
      { kind: 'garbage', stored: true },
    ]);
    const replies = [await post(api, [update('u1')]), await post(api, [update('u1')])];
    expect(replies.map(({ text }) => text.slice(0, 6))).toEqual(['{"code', '<html>']);
  });

  test('does not delay the end of the server', async () => {
    api.faults.add({ kind: 'delay', milliseconds: 600_000 });
    const reply = expect(post(api, [update('u1')])).rejects.toThrow();
    await expect.poll(() => api.faults.list(), { interval: 5 }).toEqual([]);
    await api.close();
    await reply;
  });
});

describe('partial', () => {
  test('is reported as a documented error, together with real ones', async () => {
    api.faults.add({ kind: 'partial', bulk_index: 0, category: 'odd', reason: 'so it is' });
    const reply = await post(api, [update('u1'), update('u2', { b: '' })]);
    expect(reply.status).toBe(202);
    expect(JSON.parse(reply.text)).toEqual({
      code: 'SUCCESS_WITH_PARTIAL_ERRORS',
      errors: [
        { bulk_index: 0, category: 'odd', reason: 'so it is' },
        { bulk_index: 1, category: 'attribute', attribute: 'b', reason: 'a blank string (in events[0])' },
      ],
    });
    expect(storedIds()).toEqual(['u2']);
  });

  test('adds several errors to one answer, for one, several or no updates', async () => {
    const said = (bulk_index: number, reason: string, attribute?: string) => ({
      bulk_index,
      category: 'event',
      reason,
      ...(attribute !== undefined && { attribute }),
    });
    const errors = [said(0, 'one'), said(0, 'two', 'b'), said(1, 'three', 'b'), said(1, 'four', 'c'), said(7, 'five')];
    api.faults.add({ kind: 'partials', errors });
    const reply = await post(api, [update('u0', { b: 1 }), update('u1', { b: 1, c: 2, d: 3 }), update('u2')]);
    expect([reply.status, JSON.parse(reply.text).errors]).toEqual([202, errors]);
    expect([...api.store.events()].map(({ json }) => json)).toEqual([
      '{"name":"a","attributes":{"d":3}}',
      '{"name":"a"}',
    ]);
    expect(api.stats).toMatchObject({ updates_refused: 1, attributes_refused: 2, partial_errors: 5 });
  });

  test('drops only the attribute that it names', async () => {
    api.faults.add({ kind: 'partial', bulk_index: 0, category: 'odd', reason: 'so it is', attribute: 'b' });
    const reply = await post(api, [update('u1', { b: 1, c: 2 })]);
    expect(JSON.parse(reply.text).errors).toEqual([
      { bulk_index: 0, category: 'odd', attribute: 'b', reason: 'so it is' },
    ]);
    expect([...api.store.events()].map(({ json }) => json)).toEqual(['{"name":"a","attributes":{"c":2}}']);
  });
});

describe('refuse_when', () => {
  test('refuses each call whose body contains the string, until it is cleared', async () => {
    api.faults.add({ kind: 'refuse_when', contains: 'poison' });
    const poisoned = [update('u1'), update('u2', { b: 'poison' })];
    for (const _ of [1, 2]) {
      const reply = await post(api, poisoned);
      expect(reply.status).toBe(400);
      expect(JSON.parse(reply.text).error_code).toBe('MALFORMED_PARAMETER');
    }
    expect(api.requests()).toMatchObject(Array(2).fill({ updates: 2, events: 2, fault: 'refuse_when' }));
    expect(await statusesOf(1)).toEqual([202]);
    expect(api.stats.tokens.update.used).toBe(1);
    api.faults.clear();
    expect((await post(api, poisoned)).status).toBe(202);
  });

  test('refuses with the given status, each fault for its own string', async () => {
    api.faults.add([
      { kind: 'refuse_when', contains: 'large', status: 413 },
      { kind: 'refuse_when', contains: 'odd', status: 422 },
    ]);
    expect((await post(api, [update('u1', { b: 'odd' })])).status).toBe(422);
    expect((await post(api, [update('u1', { b: 'large' })])).status).toBe(413);
    expect(storedIds()).toEqual([]);
  });
});

describe('the queue', () => {
  test('applies faults in order, one per call', async () => {
    api.faults.add([
      { kind: 'status', status: 500 },
      { kind: 'garbage', stored: true },
      { kind: 'status', status: 503 },
    ]);
    expect(await statusesOf(4)).toEqual([500, 202, 503, 202]);
    expect(storedIds()).toEqual(['u1', 'u1']);
  });

  test('keeps a fault for accepted calls until a call is accepted', async () => {
    api.faults.add({ kind: 'garbage', stored: true });
    expect((await post(api, '[]')).status).toBe(400);
    expect(api.faults.list()).toHaveLength(1);
    expect(await statusesOf(1)).toEqual([202]);
    expect(api.faults.list()).toEqual([]);
  });

  test('is not used by unauthorised calls', async () => {
    api.faults.add({ kind: 'status', status: 500 });
    expect((await ask(api, 'POST', '/2.11/profiles/update', { body: '[]' })).status).toBe(401);
    expect(api.faults.list()).toHaveLength(1);
  });

  test('lists the pending faults', async () => {
    api.faults.add({ kind: 'status', status: 500, times: 3 });
    await post(api, [update('u1')]);
    expect(api.faults.list()).toEqual([{ kind: 'status', status: 500, stored: false, times: 2 }]);
  });
});

test('adds no fault of a list with an invalid one', () => {
  const faults = new Faults();
  expect(() => faults.add([{ kind: 'hang' }, { kind: 'cut', times: 0 }])).toThrow(BadRequest);
  expect(faults.list()).toEqual([]);
});

const requests: [FaultRequest, unknown][] = [
  [{ kind: 'hang' }, { kind: 'hang', stored: false, times: 1 }],
  [
    { kind: 'cut', stored: true, times: 2 },
    { kind: 'cut', stored: true, times: 2 },
  ],
  [
    { kind: 'refuse_when', contains: 'x' },
    { kind: 'refuse_when', contains: 'x', status: 400 },
  ],
];
test.each(requests)('%j is one fault', (request, expected) => {
  const faults = new Faults();
  faults.add(request);
  expect(faults.list()).toEqual([expected]);
});
