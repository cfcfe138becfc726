import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS, limitsAsJson } from './limits.ts';
import { REJECTED_KEPT } from './rejected-log.ts';
import { REQUESTS_KEPT } from './request-log.ts';
import type { BatchApi } from './server.ts';
import { ask, GOOD_HEADERS, post, type Reply, startApi, update } from './test-client.ts';

const start = Date.parse('2026-04-17T12:00:00Z');
let clock = start;
let api: BatchApi;
beforeEach(async () => {
  clock = start;
  api = await startApi({ now: () => clock });
});
afterEach(() => api.close());

const body = JSON.stringify([update('u1')]);

function callAt(path: string, headers: Record<string, string> = GOOD_HEADERS): Promise<Reply> {
  return ask(api, 'POST', path, { body, headers });
}

describe('routes', () => {
  test.each(['/2.11/profiles/update', '/2.13/profiles/update', '/2.4/profiles/mass-update'])('%s', async (path) => {
    const reply = await callAt(path);
    expect([reply.status, reply.text]).toEqual([202, '{"code":"SUCCESS"}']);
    expect(reply.headers['content-type']).toMatch(/^application\/json/);
  });

  test.each([
    '/profiles/update',
    '/1.1/profiles/update',
    '/2/profiles/update',
    '/2.x/profiles/update',
    '/2.11.1/profiles/update',
    '/v2.11/profiles/update',
    '/2.11/profiles/updates',
    '/2.11/profiles/update/u1',
    '/2.11/profiles',
    '/',
  ])('%s does not exist', async (path) => {
    const reply = await callAt(path);
    expect(reply.status).toBe(404);
    expect(JSON.parse(reply.text)).toEqual({ error_code: 'ROUTE_NOT_FOUND', error_message: expect.any(String) });
  });

  test('there is no route to read a profile', async () => {
    expect((await ask(api, 'GET', '/2.11/profiles/update', { headers: GOOD_HEADERS })).status).toBe(404);
  });
});

describe('headers', () => {
  const { 'x-batch-project': project, ...withoutProject } = GOOD_HEADERS;
  const { authorization, ...withoutKey } = GOOD_HEADERS;
  const { 'content-type': type, ...withoutType } = GOOD_HEADERS;
  test.each([
    ['no key', withoutKey, 401, 'AUTHENTICATION_INVALID'],
    ['another key', { ...GOOD_HEADERS, authorization: 'Bearer other' }, 401, 'AUTHENTICATION_INVALID'],
    ['a longer key', { ...GOOD_HEADERS, authorization: `${authorization}x` }, 401, 'AUTHENTICATION_INVALID'],
    ['a key without Bearer', { ...GOOD_HEADERS, authorization: authorization.slice(7) }, 401, 'AUTHENTICATION_INVALID'],
    ['the older header', { ...withoutKey, 'x-authorization': 'rest_test' }, 401, 'AUTHENTICATION_INVALID'],
    ['another project', { ...GOOD_HEADERS, 'x-batch-project': `${project}x` }, 401, 'AUTHENTICATION_INVALID'],
    ['no project', withoutProject, 400, 'MISSING_PARAMETER'],
    ['no content type', withoutType, 400, 'MALFORMED_JSON_BODY'],
    ['another content type', { ...GOOD_HEADERS, 'content-type': 'text/plain' }, 400, 'MALFORMED_JSON_BODY'],
  ])('%s', async (_, headers, status, code) => {
    const reply = await callAt('/2.11/profiles/update', headers);
    expect([reply.status, JSON.parse(reply.text).error_code]).toEqual([status, code]);
    expect(api.store.eventCount).toBe(0);
  });

  test('accepts a content type with a charset', async () => {
    const headers = { ...GOOD_HEADERS, 'content-type': `${type}; charset=utf-8` };
    expect((await callAt('/2.11/profiles/update', headers)).status).toBe(202);
  });

  test('answers 401 to a missing project if the limits say so', async () => {
    api.changeLimits({ missingProjectHeader: 401 });
    expect((await callAt('/2.11/profiles/update', withoutProject)).status).toBe(401);
  });
});

describe('bodies', () => {
  test.each([
    ['broken', Buffer.from('[{')],
    ['empty', Buffer.alloc(0)],
    ['not UTF-8', Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d])],
    ['compressed', Buffer.from([0x1f, 0x8b, 0x08, 0x00])],
  ])('refuses a body that is %s', async (_, bytes) => {
    const reply = await ask(api, 'POST', '/2.11/profiles/update', { body: bytes, headers: GOOD_HEADERS });
    expect([reply.status, JSON.parse(reply.text).error_code]).toEqual([400, 'MALFORMED_JSON_BODY']);
  });

  test('accepts a body of several megabytes', async () => {
    const updates = Array.from({ length: 10_000 }, (_, index) => update(`u${index}`, { b: 'x'.repeat(300) }));
    const reply = await ask(api, 'POST', '/2.11/profiles/mass-update', {
      body: JSON.stringify(updates),
      headers: GOOD_HEADERS,
    });
    expect(reply.status).toBe(202);
    expect(api.store.eventCount).toBe(10_000);
  });
});

describe('the size of a body', () => {
  const bytes = Buffer.byteLength(body);

  test('can be the maximum', async () => {
    api.changeLimits({ requestBytesMax: bytes });
    expect((await callAt('/2.11/profiles/update')).status).toBe(202);
  });

  test.each(['update', 'mass-update'])('%s answers 413 to a larger body, which costs no token', async (endpoint) => {
    api.changeLimits({ requestBytesMax: bytes - 1 });
    const reply = await callAt(`/2.11/profiles/${endpoint}`);
    expect([reply.status, JSON.parse(reply.text).error_code]).toEqual([413, 'MALFORMED_PARAMETER']);
    expect(api.store.eventCount).toBe(0);
    expect(api.stats.tokens).toMatchObject({ update: { used: 0 }, 'mass-update': { used: 0 } });
  });
});

test.each(['update', 'mass-update'])('%s drops only an event of yesterday or tomorrow', async (endpoint) => {
  const at = (milliseconds: number) => new Date(start + milliseconds).toISOString();
  const updates = [-86_400_001, -86_400_000, 0, 1_001].map((by) => ({
    identifiers: { custom_id: `u${by}` },
    events: [{ name: 'a', time: at(by) }, { name: 'b' }],
  }));
  const path = `/2.11/profiles/${endpoint}`;
  const reply = await ask(api, 'POST', path, { body: JSON.stringify(updates), headers: GOOD_HEADERS });
  expect([reply.status, JSON.parse(reply.text).errors]).toEqual([
    202,
    [
      { bulk_index: 0, category: 'event', reason: 'events[0]: time is over 24 hours ago' },
      { bulk_index: 3, category: 'event', reason: 'events[0]: time is in the future' },
    ],
  ]);
  expect(api.store.eventCount).toBe(6);
});

test.each([
  ['update', 200],
  ['mass-update', 10_000],
])('%s accepts %i updates per call, and refuses a call with one more', async (endpoint, most) => {
  api.changeLimits({ updateBurst: 20_000, massUpdateBurst: 20_000 });
  clock += 60_000;
  for (const [count, status] of [
    [most, 202],
    [most + 1, 400],
  ] as const) {
    const updates = Array.from({ length: count }, (_, index) => update(`u${index}`));
    const path = `/2.11/profiles/${endpoint}`;
    const reply = await ask(api, 'POST', path, { body: JSON.stringify(updates), headers: GOOD_HEADERS });
    expect(reply.status).toBe(status);
  }
  expect(api.store.eventCount).toBe(most);
});

test('onCall gets the body of each authorised call, accepted or not', async () => {
  const heard: string[] = [];
  api.onCall = (path, text) => heard.push(`${path} ${text}`);
  api.faults.add({ kind: 'status', status: 500 });
  await callAt('/2.11/profiles/update');
  await callAt('/2.11/profiles/mass-update');
  expect(heard).toEqual([`/2.11/profiles/update ${body}`, `/2.11/profiles/mass-update ${body}`]);
});

describe('a sink', () => {
  test('accepts any body with valid keys, and only counts', async () => {
    const sink = await startApi({ sink: true });
    const answers = [
      await ask(sink, 'POST', '/2.11/profiles/mass-update', { body: 'anything', headers: GOOD_HEADERS }),
      await ask(sink, 'POST', '/2.11/profiles/update', { body, headers: {} }),
    ].map(({ status, text }) => [status, text.slice(0, 20)]);
    expect(answers).toEqual([
      [202, '{"code":"SUCCESS"}'],
      [401, '{"error_code":"AUTHE'],
    ]);
    expect(sink.stats).toMatchObject({ requests: 2, bytes_sunk: 8, events_accepted: 0 });
    await sink.close();
  });

  test('applies faults like the full server', async () => {
    const sink = await startApi({ sink: true });
    sink.faults.add({ kind: 'status', status: 503 });
    expect((await post(sink, [update('u1')])).status).toBe(503);
    expect((await post(sink, [update('u1')])).status).toBe(202);
    await sink.close();
  });
});

test('answers 202 with a partial error, and stores the rest', async () => {
  const reply = await post(api, [update('u1', { b: 1, c: 'x'.repeat(301) }), update('u2')]);
  expect(reply.status).toBe(202);
  expect(JSON.parse(reply.text)).toEqual({
    code: 'SUCCESS_WITH_PARTIAL_ERRORS',
    errors: [{ bulk_index: 0, category: 'attribute', attribute: 'c', reason: expect.stringContaining('301') }],
  });
  expect([...api.store.events()].map(({ json }) => json)).toEqual([
    '{"name":"a","attributes":{"b":1}}',
    '{"name":"a"}',
  ]);
});

test('a 429 has Retry-After only if the limits say so, and stores nothing', async () => {
  api.changeLimits({ updateBurst: 1 });
  expect((await post(api, [update('u1')])).status).toBe(202);
  const reply = await post(api, [update('u2')]);
  expect([reply.status, JSON.parse(reply.text).error_code]).toEqual([429, 'TOO_MANY_REQUESTS']);
  expect(reply.headers['retry-after']).toBeUndefined();
  api.changeLimits({ retryAfter: 'seconds' });
  expect((await post(api, [update('u3')])).headers['retry-after']).toBe('1');
  expect([...api.store.events()].map(({ custom_id }) => custom_id)).toEqual(['u1']);
  clock += 1_000;
  expect((await post(api, [update('u4')])).status).toBe(202);
});

test('stores and returns numbers with their original digits', async () => {
  const attributes = '{"big":9007199254740993,"fine":1.2345678901234567890123,"short":23.99,"none":0}';
  const event = `{"name":"a","attributes":${attributes}}`;
  await post(api, `[{"identifiers":{"custom_id":"u1"},"events":[${event}]}]`);
  expect([...api.store.events()].map(({ json }) => json)).toEqual([event]);
  const shown = await ask(api, 'GET', '/_sandbox/events');
  expect(shown.text).toBe(`{"custom_id":"u1","seq":0,"received_at":"2026-04-17T12:00:00.000Z","event":${event}}\n`);
});

describe('/_sandbox/events', () => {
  beforeEach(async () => {
    await post(api, [update('a'), update('b'), update('a'), update('c d&é')]);
  });

  test.each([
    ['', [0, 1, 2, 3]],
    ['?custom_id=a', [0, 2]],
    ['?custom_id=a&offset=1', [2]],
    ['?offset=1&limit=2', [1, 2]],
    ['?custom_id=c%20d%26%C3%A9', [3]],
    ['?custom_id=unknown', []],
    ['?custom_id=a&last=1', [2]],
    ['?custom_id=a&last=9', [0, 2]],
    ['?custom_id=unknown&last=1', []],
    ['?last=3&name=a', [1, 2, 3]],
  ])('%s', async (query, seqs) => {
    const { headers, status, text } = await ask(api, 'GET', `/_sandbox/events${query}`);
    expect([status, headers['content-type']]).toEqual([200, 'application/x-ndjson']);
    const lines = text.split('\n').slice(0, -1);
    expect(lines.map((line) => JSON.parse(line).seq)).toEqual(seqs);
  });

  test('returns thousands of events', async () => {
    api.changeLimits({ massUpdateCallMax: 10_000 });
    await ask(api, 'POST', '/2.11/profiles/mass-update', {
      body: JSON.stringify(Array.from({ length: 2_500 }, () => update('many'))),
      headers: GOOD_HEADERS,
    });
    const { text } = await ask(api, 'GET', '/_sandbox/events?custom_id=many');
    expect(text.split('\n')).toHaveLength(2_501);
  });

  test('DELETE also deletes stats and requests, and fills the buckets', async () => {
    expect((await ask(api, 'DELETE', '/_sandbox/events')).status).toBe(204);
    expect((await ask(api, 'GET', '/_sandbox/events')).text).toBe('');
    const stats = JSON.parse((await ask(api, 'GET', '/_sandbox/stats')).text);
    expect(stats).toMatchObject({ requests: 0, events_accepted: 0, tokens: { update: { left: 1_000, used: 0 } } });
    expect(api.requests()).toEqual([]);
  });
});

test('/_sandbox/stats counts requests to the API, but not to /_sandbox', async () => {
  await post(api, [update('u1'), update('u1'), update('u2', { b: '' })]);
  await post(api, [update('u3')]);
  await post(api, '[]');
  await callAt('/nowhere');
  await ask(api, 'GET', '/_sandbox/limits');
  const { text } = await ask(api, 'GET', '/_sandbox/stats');
  expect(JSON.parse(text)).toEqual({
    requests: 4,
    profiles: 3,
    answers: { 202: 2, 400: 1, 404: 1 },
    calls_accepted: 2,
    updates_accepted: 4,
    updates_refused: 0,
    events_accepted: 4,
    events_refused: 0,
    profile_attributes_accepted: 0,
    attributes_refused: 1,
    partial_errors: 1,
    largest_call: 3,
    smallest_call: 1,
    calls_repeating_a_custom_id: 1,
    tokens: { update: { left: 996, used: 4 }, 'mass-update': { left: 10_000, used: 0 } },
  });
});

describe('/_sandbox/requests', () => {
  test('returns the last requests, oldest first', async () => {
    await callAt('/nowhere');
    await post(api, [update('u1'), update('u2', { b: '', c: '' })]);
    const last = { time: '2026-04-17T12:00:00.000Z', path: '/2.11/profiles/update', status: 202, fault: null };
    const { text } = await ask(api, 'GET', '/_sandbox/requests?limit=1');
    expect(JSON.parse(text)).toEqual([
      {
        ...last,
        seq: 1,
        bytes: 148,
        updates: 2,
        events: 2,
        errors: 2,
        answer: expect.stringContaining('"attribute":"c"'),
      },
    ]);
    expect(JSON.parse((await ask(api, 'GET', '/_sandbox/requests')).text)).toMatchObject([{ status: 404 }, last]);
  });

  test('keeps a limited number', async () => {
    for (let sent = 0; sent < REQUESTS_KEPT + 1; sent += 1) await callAt(`/nowhere/${sent}`);
    const kept = api.requests(2 * REQUESTS_KEPT);
    expect([kept.length, kept[0]?.path, api.stats.requests]).toEqual([REQUESTS_KEPT, '/nowhere/1', REQUESTS_KEPT + 1]);
  });
});

test('keeps the answer to each request, including that of a fault', async () => {
  api.faults.add([
    { kind: 'status', status: 502, body: '<html>Bad gateway</html>' },
    { kind: 'garbage' },
    { kind: 'cut', stored: true },
  ]);
  const sent = [await post(api, [update('u1')]), await post(api, [update('u1')])].map(({ text }) => text);
  await expect(post(api, [update('u1')])).rejects.toThrow();
  sent.push((await post(api, '[]')).text, (await post(api, [update('u1')])).text);
  expect(api.requests().map(({ answer }) => answer)).toEqual([...sent.slice(0, 2), null, ...sent.slice(2)]);
});

describe('/_sandbox/rejected', () => {
  test('returns the last partial errors, oldest first, each with its request and update', async () => {
    await callAt('/nowhere');
    const bad = update('u2', { b: '' });
    await post(api, [update('u1'), bad, { identifiers: {} }]);
    const of = { time: '2026-04-17T12:00:00.000Z', request: 1 };
    const attribute = { category: 'attribute', attribute: 'b', reason: expect.stringContaining('blank') };
    const expected = [
      { seq: 0, ...of, bulk_index: 1, ...attribute, custom_id: 'u2', update: JSON.stringify(bad) },
      { seq: 1, ...of, bulk_index: 2, category: 'identifiers', custom_id: null, update: '{"identifiers":{}}' },
    ];
    expect(JSON.parse((await ask(api, 'GET', '/_sandbox/rejected')).text)).toMatchObject(expected);
    expect(JSON.parse((await ask(api, 'GET', '/_sandbox/rejected?limit=1')).text)).toMatchObject(expected.slice(1));
    api.reset();
    expect((await ask(api, 'GET', '/_sandbox/rejected')).text).toBe('[]');
  });

  test('keeps a limited number, and truncates a long update', async () => {
    const bad = {
      identifiers: { custom_id: 'u' },
      events: Array(15).fill({ name: 'B', attributes: { c: 'x'.repeat(300) } }),
    };
    for (let call = 0; call < 2; call += 1) await post(api, Array(100).fill(bad));
    expect(api.rejected(2 * REJECTED_KEPT).length).toBe(REJECTED_KEPT);
    expect([api.rejected()[0]?.bulk_index, api.rejected().at(-1)?.bulk_index]).toEqual([33, 99]);
    expect(api.rejected()[0]?.update).toMatch(/^\{"identifiers.{3900,} … \(\d{4} characters\)$/);
  });
});

test('/_sandbox/rejection-reasons counts each reason, also of an answer that a fault withholds', async () => {
  api.faults.add({ kind: 'status', status: 504, stored: true });
  const bad = { identifiers: { custom_id: 'u2' }, events: [{ name: 'a' }, { name: 'B' }, { name: 'C' }] };
  for (let call = 0; call < 2; call += 1) await post(api, [update('u1', { b: '' }), bad]);
  const { text } = await ask(api, 'GET', '/_sandbox/rejection-reasons?limit=1');
  expect(JSON.parse(text)).toEqual([
    {
      category: 'event',
      reason: 'name does not match ^[a-z0-9_]{1,30}$',
      count: 4,
      last_time: '2026-04-17T12:00:00.000Z',
      examples: expect.arrayContaining([expect.objectContaining({ custom_id: 'u2', request: 1 })]),
    },
  ]);
  expect(api.rejectionReasons().map(({ attribute, count }) => [attribute, count])).toEqual([
    [undefined, 4],
    ['b', 2],
  ]);
});

test('/_sandbox/requests/N/body returns the body of a request as it was sent', async () => {
  await post(api, '[ {"odd": 1.0}');
  const { headers, text } = await ask(api, 'GET', '/_sandbox/requests/0/body');
  expect([text, headers['content-type']]).toEqual(['[ {"odd": 1.0}', 'application/json; charset=utf-8']);
  expect(headers['x-content-type-options']).toBe('nosniff');
  expect((await ask(api, 'GET', '/_sandbox/requests/1/body')).status).toBe(404);
});

test('/_sandbox/event-names counts the events of each name', async () => {
  await post(api, [update('u1'), update('u2')]);
  const { text } = await ask(api, 'GET', '/_sandbox/event-names');
  expect(JSON.parse(text)).toEqual([{ name: 'a', count: 2, last_received_at: '2026-04-17T12:00:00.000Z' }]);
});

test('/_sandbox/tokens returns the tokens of the last seconds, by endpoint', async () => {
  await post(api, [update('u1'), update('u2')]);
  clock += 1_000;
  const { update: of, 'mass-update': ofMass } = JSON.parse((await ask(api, 'GET', '/_sandbox/tokens')).text);
  expect([of.capacity, of.per_second, of.fewest_left.length]).toEqual([1_000, 300, 120]);
  expect(of.fewest_left.slice(-3)).toEqual([1_000, 998, 1_000]);
  expect([ofMass.capacity, ofMass.fewest_left.at(-1)]).toEqual([10_000, 10_000]);
});

describe('/_sandbox/profiles', () => {
  test('returns profiles with their original digits, newest first', async () => {
    await post(api, [{ identifiers: { custom_id: 'u 2&é' }, attributes: { n: 1 } }, update('u1')]);
    await post(api, '[{"identifiers":{"custom_id":"u1"},"attributes":{"big":9007199254740993}}]');
    const updated = '"updated_at":"2026-04-17T12:00:00.000Z"';
    const first = `{"custom_id":"u1","attributes":{"big":9007199254740993},"events":1,${updated}}`;
    const second = `{"custom_id":"u 2&é","attributes":{"n":1},"events":0,${updated}}`;
    for (const [query, matching, profiles] of [
      ['', 2, [first, second]],
      ['?limit=1', 2, [first]],
      ['?offset=1', 2, [second]],
      ['?search=U%20', 1, [second]],
      ['?custom_id=u1', 1, [first]],
      ['?custom_id=u', 0, []],
    ] as const) {
      const { headers, text } = await ask(api, 'GET', `/_sandbox/profiles${query}`);
      expect(headers['content-type']).toBe('application/json; charset=utf-8');
      expect(text).toBe(`{"profiles_in_all":2,"matching":${matching},"profiles":[${profiles.join(',')}]}`);
    }
  });
});

describe('/_sandbox/limits', () => {
  test('returns limits, and changes them at run time', async () => {
    const before = limitsAsJson(DEFAULT_LIMITS);
    expect(JSON.parse((await ask(api, 'GET', '/_sandbox/limits')).text)).toEqual(before);
    const changed = await ask(api, 'PUT', '/_sandbox/limits', { body: '{"updateCallMax":1}' });
    expect(JSON.parse(changed.text)).toEqual({ ...before, updateCallMax: 1 });
    expect((await post(api, [update('u1'), update('u2')])).status).toBe(400);
  });

  test('accepts limits at the start', async () => {
    const other = await startApi({ limits: { updateCallMax: 1 } });
    expect((await post(other, [update('u1'), update('u2')])).status).toBe(400);
    await other.close();
    await expect(startApi({ limits: { updateCallMax: -1 } })).rejects.toThrow(/updateCallMax/);
  });
});

test('/_sandbox/faults adds, lists and clears faults', async () => {
  const added = await ask(api, 'POST', '/_sandbox/faults', { body: '{"kind":"status","status":500}' });
  const first = { kind: 'status', status: 500, stored: false, times: 1 };
  expect([added.status, JSON.parse(added.text)]).toEqual([201, [first]]);
  await ask(api, 'POST', '/_sandbox/faults', { body: '[{"kind":"hang","times":2},{"kind":"cut","stored":true}]' });
  expect(JSON.parse((await ask(api, 'GET', '/_sandbox/faults')).text)).toEqual([
    first,
    { kind: 'hang', stored: false, times: 2 },
    { kind: 'cut', stored: true, times: 1 },
  ]);
  expect((await post(api, [update('u1')])).status).toBe(500);
  expect((await ask(api, 'DELETE', '/_sandbox/faults')).status).toBe(204);
  expect((await ask(api, 'GET', '/_sandbox/faults')).text).toBe('[]');
});

describe('refuses an invalid request with an explanation:', () => {
  test.each([
    ['GET', '/_sandbox/events?limit=many', undefined, /limit/],
    ['GET', '/_sandbox/events?limit=-1', undefined, /whole number/],
    ['GET', '/_sandbox/events?offset=', undefined, /offset/],
    ['GET', '/_sandbox/events?customer=a', undefined, /customer/],
    ['GET', '/_sandbox/events?custom_id=a&custom_id=b', undefined, /custom_id/],
    ['GET', '/_sandbox/events?custom_id=a&last=1&limit=1', undefined, /last goes with neither/],
    ['GET', '/_sandbox/requests/first/body', undefined, /whole number/],
    ['DELETE', '/_sandbox/events?custom_id=a', undefined, /custom_id/],
    ['GET', '/_sandbox/profiles?limit=all', undefined, /limit/],
    ['GET', '/_sandbox/rejected?custom_id=a', undefined, /custom_id/],
    ['GET', '/_sandbox/tokens?of=update', undefined, /of/],
    ['GET', '/_sandbox/stats?since=1', undefined, /since/],
    ['GET', '/_sandbox/requests?limit=x', undefined, /limit/],
    ['PUT', '/_sandbox/limits', '', /not JSON/],
    ['PUT', '/_sandbox/limits', '{"arrayMin":1}', /no such limit: arrayMin/],
    ['PUT', '/_sandbox/limits', '{"arrayMax":"many"}', /arrayMax/],
    ['PUT', '/_sandbox/limits', '[]', /object/],
    ['POST', '/_sandbox/faults', '{', /not JSON/],
    ['POST', '/_sandbox/faults', '{"kind":"flood"}', /kind/],
    ['POST', '/_sandbox/faults', '{"kind":"status"}', /status/],
    ['POST', '/_sandbox/faults', '{"kind":"status","status":99}', /status/],
    ['POST', '/_sandbox/faults', '{"kind":"hang","times":0}', /times/],
    ['POST', '/_sandbox/faults', '{"kind":"hang","after":1}', /after/],
    ['POST', '/_sandbox/faults', '{"kind":"refuse_when","contains":""}', /contains/],
    ['POST', '/_sandbox/faults', '[{"kind":"hang"},{"kind":"cut","stored":"yes"}]', /\[1\]\.stored/],
  ] as const)('%s %s %s', async (method, path, sent, words) => {
    const limits = api.limits;
    const reply = await ask(api, method, path, sent === undefined ? {} : { body: sent });
    expect(reply.status).toBe(400);
    expect(JSON.parse(reply.text)).toEqual({ error: expect.stringMatching(words) });
    expect([api.limits, api.faults.list()]).toEqual([limits, []]);
  });

  test('an unknown path of the sandbox', async () => {
    const reply = await ask(api, 'GET', '/_sandbox/status');
    expect([reply.status, JSON.parse(reply.text)]).toEqual([404, { error: 'There is no GET /_sandbox/status.' }]);
  });
});
