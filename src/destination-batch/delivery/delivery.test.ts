import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConnectorError } from '../../protocol/errors.ts';
import type { Message } from '../../protocol/messages.ts';
import { MAX_CALLS_IN_FLIGHT } from '../batch/api.ts';
import { type Endpoint, MASS_UPDATE, UPDATE } from '../batch/endpoints.ts';
import { RetryableCallError } from '../batch/errors.ts';
import type { BatchResponse, PartialError } from '../batch/responses.ts';
import type { ItemNumber } from '../byte-arena.ts';
import { destinationError } from '../errors.ts';
import { ItemArena } from '../item-arena.ts';
import { Report } from '../report.ts';
import { Delivery, type DeliveryOptions } from './delivery.ts';
import type { Outcome } from './post-updates.ts';
import type { Route } from './rate-limit.ts';
import { type Clock, TokenBucket } from './token-bucket.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** How long events of a full request wait for others, in milliseconds. */
const LINGER = 250;
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Advances the time, and runs the timers and promises that are due. */
const pass = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds);

/** The clock of the timers above. */
const clock: Clock = {
  now: () => performance.now(),
  sleep: (milliseconds, signal) =>
    new Promise((resolve, reject) => {
      const leave = (): void => reject(signal.reason);
      signal.addEventListener('abort', leave);
      setTimeout(() => {
        signal.removeEventListener('abort', leave);
        resolve();
      }, milliseconds);
    }),
};

type Update = { identifiers: { custom_id: string }; events: { name: string }[] };

/** A call to Batch that waits for the test to answer it. */
type Call = {
  endpoint: string;
  body: string;
  /** Each update in the form `u1: a b`. */
  updates: string[];
  at: number;
  signal: AbortSignal;
  answer: (answer: BatchResponse) => void;
  fail: (error: unknown) => void;
};

const ACCEPTED: BatchResponse = { kind: 'accepted', errors: [] };
const acceptedBut = (...errors: Partial<PartialError>[]): BatchResponse => ({
  kind: 'accepted',
  errors: errors.map((error) => ({
    bulkIndex: 0,
    attribute: undefined,
    reason: 'so it is',
    ...error,
  })),
});
const OUT_OF_ORDER = new RetryableCallError('Batch has a fault', { outcomeUnknown: false });
const LOST = new RetryableCallError('The answer got lost', { outcomeUnknown: true });
const tooMany = (retryAfterMs?: number) =>
  new RetryableCallError('Batch asks the connector to wait', {
    outcomeUnknown: false,
    isRateLimit: true,
    retryAfterMs,
  });

const wordsOf = (messages: readonly Message[]): string[] =>
  messages.flatMap((message) => (message.type === 'LOG' ? [message.log.message] : []));

type Pace = { capacity?: number; perSecond?: number; updatesPerRequest?: number };

const createRoute = (
  endpoint: Endpoint,
  { capacity = 1_000_000, perSecond = 1_000_000, updatesPerRequest = 200 }: Pace,
): Route => ({
  endpoint,
  bucket: new TokenBucket({ capacity, perSecond, clock }),
  updatesPerRequest,
});

/** Like DeliveryOptions, but `onSettled` gets the name of the event. */
type StartOptions = Partial<Omit<DeliveryOptions, 'onSettled'>> & {
  pace?: Pace;
  bulkPace?: Pace;
  onSettled?: (name: string, outcome: Outcome) => void;
};

function start(options: StartOptions = {}) {
  const { pace = {}, bulkPace, onSettled, ...rest } = options;
  const calls: Call[] = [];
  const settled: string[] = [];
  const failures: unknown[] = [];
  const report = new Report();
  const arena = new ItemArena();
  /** For each event that is not settled, its profile and its name. */
  const waiting = new Map<ItemNumber, { customId: string; name: string }>();
  const startedAt = clock.now();
  const post = ({ name }: Endpoint, body: Buffer, signal: AbortSignal): Promise<BatchResponse> =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      const updates = (JSON.parse(body.toString()) as Update[]).map(
        ({ identifiers, events }) => `${identifiers.custom_id}: ${events.map(({ name }) => name).join(' ')}`,
      );
      calls.push({
        endpoint: name,
        body: body.toString(),
        updates,
        at: clock.now() - startedAt,
        signal,
        answer: resolve,
        fail: reject,
      });
    });
  const delivery = new Delivery({
    receiver: { post },
    arena,
    normal: createRoute(UPDATE, pace),
    bulk: bulkPace && createRoute(MASS_UPDATE, bulkPace),
    report,
    limits: { events_per_update: 15, attributes_per_update: 50 },
    requestBytes: 4 * 1024 * 1024,
    maxLingerMs: 2 * SECOND,
    isReadingPaused: () => false,
    retryTimeMs: 30 * MINUTE,
    onRetry: () => {},
    onSettled: (event, profile, outcome) => {
      const added = waiting.get(event);
      const customId = arena.profiles.readCustomId(profile);
      if (added?.customId !== customId) throw new Error(`An event of ${customId} is settled that does not wait.`);
      expect(arena.read(event)).toContain(`{"name":"${added.name}"`);
      waiting.delete(event);
      settled.push(`${added.name} ${outcome.kind === 'accepted' ? 'accepted' : outcome.rejection.reason}`);
      onSettled?.(added.name, outcome);
    },
    onError: (error) => failures.push(error),
    ...rest,
  });
  /** Adds an event with this name. White space makes its JSON `bytes` long. */
  const addOf = (customId: string, name: string, bytes = 0): void => {
    const event = arena.add(`${`{"name":"${name}"`.padEnd(bytes - 1)}}`);
    waiting.set(event, { customId, name });
    delivery.add(arena.profiles.findText(customId), event, true);
  };
  const add = (customId: string, ...names: string[]): void => {
    for (const name of names) addOf(customId, name);
  };
  const drop = (isDropped: (name: string) => boolean): void => {
    delivery.drop((event) => isDropped(waiting.get(event)?.name ?? ''));
  };
  return { delivery, arena, calls, settled, failures, report, add, addOf, drop };
}

const numbered = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

/** Returns an object that shows whether a promise is settled. */
function watched(promise: Promise<unknown>): { isDone: boolean } {
  const state = { isDone: false };
  promise.then(() => {
    state.isDone = true;
  });
  return state;
}

describe('batching', () => {
  test('sends the events of a profile in one update, and updates in one request', async () => {
    const { delivery, calls, settled, add } = start();
    add('u1', 'a', 'b');
    add('u"2é', 'c');
    add('u1', 'd');
    const done = watched(delivery.finish());
    await pass(0);
    expect(calls.map(({ body }) => body)).toEqual([
      '[{"identifiers":{"custom_id":"u1"},"events":[{"name":"a"},{"name":"b"},{"name":"d"}]},' +
        '{"identifiers":{"custom_id":"u\\"2é"},"events":[{"name":"c"}]}]',
    ]);
    expect([settled, done.isDone]).toEqual([[], false]);
    calls[0]?.answer(ACCEPTED);
    await pass(0);
    expect([settled, done.isDone]).toEqual([['a accepted', 'b accepted', 'd accepted', 'c accepted'], true]);
  });

  test('sends nothing without events', async () => {
    const { delivery, calls, failures } = start();
    const done = watched(delivery.finish());
    await pass(0);
    expect([calls, failures, done.isDone]).toEqual([[], [], true]);
  });

  test('sends a full request after the short linger, with the events of its profiles that arrived by then', async () => {
    const { delivery, calls, add } = start({ pace: { updatesPerRequest: 2 } });
    add('u1', 'a');
    await pass(1_000);
    add('u2', 'b');
    await delivery.waitForCapacity();
    await pass(249);
    add('u1', 'c');
    await delivery.waitForCapacity();
    expect(calls).toEqual([]);
    await pass(1);
    expect(calls.map(({ updates, at }) => [updates, at])).toEqual([[['u1: a c', 'u2: b'], 1_250]]);
  });

  test('lingers no longer than a shorter flush interval', async () => {
    const { calls, add } = start({ pace: { updatesPerRequest: 1 }, maxLingerMs: 100 });
    add('u1', 'a');
    await pass(100);
    expect(calls.map(({ at }) => at)).toEqual([100]);
  });

  test('sends all waiting events at the end', async () => {
    const { delivery, calls, add } = start({ pace: { updatesPerRequest: 2 } });
    add('u1', 'a');
    void delivery.finish();
    await pass(0);
    expect(calls.map(({ updates }) => updates)).toEqual([['u1: a']]);
  });

  test('puts at most fifteen events in an update; the next is sent when it is settled', async () => {
    const { delivery, calls, add } = start();
    add('u1', ...numbered('e', 16));
    const done = watched(delivery.finish());
    await pass(0);
    expect(calls.map(({ updates }) => updates)).toEqual([[`u1: ${numbered('e', 15).join(' ')}`]]);
    calls[0]?.answer(ACCEPTED);
    await pass(0);
    expect(calls[1]?.updates).toEqual(['u1: e15']);
    expect(done.isDone).toBe(false);
  });

  test.each([
    ['updates that fit share a request', 2 * 1024 * 1024 - 100, [['u1: u1', 'u2: u2'], ['u3: u3']]],
    ['an update that does not fit is in the next request', 2 * 1024 * 1024, [['u1: u1'], ['u2: u2'], ['u3: u3']]],
  ])('a request has at most four megabytes: %s', async (_, bytes, expected) => {
    const { delivery, calls, addOf } = start({ pace: { capacity: 3, perSecond: 0.001, updatesPerRequest: 2 } });
    for (const customId of ['u1', 'u2', 'u3']) addOf(customId, customId, bytes);
    void delivery.finish();
    await pass(0);
    expect(calls.map(({ updates }) => updates)).toEqual(expected);
    // Three tokens are three updates: exactly the token of the update that did not fit was refunded.
    addOf('u4', 'u4', bytes);
    await delivery.waitForCapacity();
    await pass(SECOND);
    expect(calls).toHaveLength(expected.length);
  });
});

describe('lingering', () => {
  test('sends a single event after the flush interval', async () => {
    const { delivery, calls, add } = start();
    add('u1', 'a');
    await delivery.waitForCapacity();
    await pass(1_999);
    expect(calls).toEqual([]);
    await pass(1);
    expect(calls.map(({ updates, at }) => [updates, at])).toEqual([[['u1: a'], 2_000]]);
  });

  test('sends a lingering event together with those that arrive in the meantime, and the next one lingers again', async () => {
    const { delivery, calls, add } = start();
    add('u1', 'a');
    await pass(500);
    add('u2', 'b');
    await pass(500);
    add('u3', 'c');
    await delivery.waitForCapacity();
    await pass(4_000);
    calls[0]?.answer(ACCEPTED);
    add('u1', 'd');
    await pass(5_000);
    expect(calls.map(({ updates, at }) => [updates, at])).toEqual([
      [['u1: a', 'u2: b', 'u3: c'], 2_000],
      [['u1: d'], 7_000],
    ]);
  });

  test('sends events of a profile in flight when it is settled, if they have lingered long enough', async () => {
    const { calls, add } = start();
    add('u1', 'a');
    await pass(2_000);
    add('u1', 'b');
    await pass(8_000);
    calls[0]?.answer(ACCEPTED);
    await pass(0);
    expect(calls.map(({ updates, at }) => [updates, at])).toEqual([
      [['u1: a'], 2_000],
      [['u1: b'], 10_000],
    ]);
  });

  test('no event waits longer because its profile had too many events for one update', async () => {
    const { calls, add } = start();
    add('u1', ...numbered('e', 20));
    await pass(5_000);
    calls[0]?.answer(ACCEPTED);
    await pass(0);
    expect(calls.map(({ updates, at }) => [updates, at])).toEqual([
      [[`u1: ${numbered('e', 15).join(' ')}`], 2_000],
      [['u1: e15 e16 e17 e18 e19'], 5_000],
    ]);
  });

  test('an event waits at most one more interval after another event was sent in its place', async () => {
    const { delivery, calls, add } = start();
    add('u1', ...numbered('e', 16));
    await pass(3_000);
    add('u2', 'a');
    await delivery.waitForCapacity();
    await pass(1_000);
    for (const call of calls) call.answer(ACCEPTED);
    await pass(10_000);
    const last = calls.at(-1);
    expect([last?.updates, calls.length]).toEqual([['u1: e15'], 3]);
    // One interval after the other event arrived.
    expect(last?.at).toBeLessThanOrEqual(5_000);
  });

  test('keeps the rate limit, and events that arrive during the wait share the update', async () => {
    const { delivery, calls, add } = start({ pace: { updatesPerRequest: 1, capacity: 1, perSecond: 1 } });
    add('u1', 'a');
    add('u2', 'b');
    await delivery.waitForCapacity();
    await pass(500);
    add('u2', 'c');
    await delivery.waitForCapacity();
    await pass(5_000);
    expect(calls.map(({ updates, at }) => [updates, at])).toEqual([
      [['u1: a'], 250],
      [['u2: b c'], 1_250],
    ]);
  });
});

describe('several requests in flight', () => {
  test('are sent concurrently, up to the maximum', async () => {
    const { delivery, calls, add } = start({ pace: { updatesPerRequest: 1 } });
    for (const customId of numbered('u', MAX_CALLS_IN_FLIGHT + 2)) add(customId, `of_${customId}`);
    await delivery.waitForCapacity();
    await pass(LINGER);
    expect(calls).toHaveLength(MAX_CALLS_IN_FLIGHT);
    calls[3]?.answer(ACCEPTED);
    await pass(0);
    expect(calls.slice(MAX_CALLS_IN_FLIGHT).map(({ updates }) => updates)).toEqual([['u8: of_u8']]);
  });

  test('never contain the same profile twice, so that its events stay in order', async () => {
    const { delivery, calls, settled, add } = start({ pace: { updatesPerRequest: 1 } });
    add('u1', 'a');
    await delivery.waitForCapacity();
    await pass(LINGER);
    add('u1', 'b');
    add('u2', 'c');
    const done = watched(delivery.finish());
    await pass(0);
    expect(calls.map(({ updates }) => updates)).toEqual([['u1: a'], ['u2: c']]);
    calls[1]?.answer(ACCEPTED);
    await pass(MINUTE);
    expect(calls).toHaveLength(2);
    calls[0]?.answer(ACCEPTED);
    await pass(0);
    expect(calls[2]?.updates).toEqual(['u1: b']);
    calls[2]?.answer(ACCEPTED);
    await pass(0);
    expect([settled, done.isDone]).toEqual([['c accepted', 'a accepted', 'b accepted'], true]);
  });

  test('do not wait for a request that is retried', async () => {
    const { delivery, calls, settled, add } = start({ pace: { updatesPerRequest: 1 } });
    for (const customId of ['u1', 'u2']) add(customId, `of_${customId}`);
    void delivery.finish();
    await pass(0);
    calls[0]?.fail(OUT_OF_ORDER);
    calls[1]?.answer(ACCEPTED);
    await pass(0);
    expect(settled).toEqual(['of_u2 accepted']);
  });
});

describe('a refused request', () => {
  /** Answers like a server that refuses each request with a bad update in it. */
  async function serve(calls: readonly Call[]): Promise<void> {
    for (let next = 0; next < calls.length; next += 1) {
      const isBad = calls[next]?.body.includes('bad');
      calls[next]?.answer(isBad ? { kind: 'refused', reason: 'HTTP 400, X: Y' } : ACCEPTED);
      await pass(0);
    }
  }

  test('is halved until the bad update is isolated; the others are accepted', async () => {
    const { delivery, calls, settled, failures, add } = start();
    for (const index of [0, 1, 2, 3, 4]) add(`u${index}`, index === 3 ? 'bad' : `e${index}`);
    const done = watched(delivery.finish());
    await pass(0);
    await serve(calls);
    expect(calls.map(({ updates }) => updates.map((update) => update.slice(0, 2)).join(' '))).toEqual([
      'u0 u1 u2 u3 u4',
      'u0 u1 u2',
      'u3 u4',
      'u3',
      'u4',
    ]);
    expect(settled).toEqual([
      'e0 accepted',
      'e1 accepted',
      'e2 accepted',
      'bad Batch said: HTTP 400, X: Y',
      'e4 accepted',
    ]);
    expect([failures, done.isDone]).toEqual([[], true]);
  });

  test('is halved within an update until the bad event is isolated, in the order of the stream', async () => {
    const { delivery, calls, settled, add } = start();
    add('u1', 'a', 'b', 'bad', 'c');
    void delivery.finish();
    await pass(0);
    await serve(calls);
    expect(calls.map(({ updates }) => updates)).toEqual([
      ['u1: a b bad c'],
      ['u1: a b'],
      ['u1: bad c'],
      ['u1: bad'],
      ['u1: c'],
    ]);
    expect(settled).toEqual(['a accepted', 'b accepted', 'bad Batch said: HTTP 400, X: Y', 'c accepted']);
  });

  test('finds several bad updates, and all of them if all are bad', async () => {
    const { delivery, calls, settled, add } = start();
    for (const [index, customId] of numbered('u', 6).entries()) add(customId, index === 2 ? 'good' : `bad${index}`);
    void delivery.finish();
    await pass(0);
    await serve(calls);
    expect(settled.filter((line) => line.endsWith(' accepted'))).toEqual(['good accepted']);
    expect(settled).toHaveLength(6);
  });

  test('is halved within the rate limit, since each half counts as updates again', async () => {
    const { delivery, calls, add } = start({ pace: { capacity: 4, perSecond: 1, updatesPerRequest: 4 } });
    for (const customId of numbered('u', 4)) add(customId, customId === 'u3' ? 'bad' : 'good');
    void delivery.finish();
    await pass(0);
    calls[0]?.answer({ kind: 'refused', reason: 'x' });
    await pass(2_000);
    calls[1]?.answer(ACCEPTED);
    await pass(2_000);
    expect(calls.map(({ at, updates }) => [at, updates.length])).toEqual([
      [0, 4],
      [2_000, 2],
      [4_000, 2],
    ]);
  });

  test('keeps the order of a profile while it is halved', async () => {
    const { delivery, calls, add } = start({ pace: { updatesPerRequest: 2 } });
    add('u1', 'bad');
    add('u2', 'a');
    await delivery.waitForCapacity();
    await pass(LINGER);
    add('u2', 'b');
    void delivery.finish();
    await pass(0);
    await serve(calls);
    expect(calls.map(({ updates }) => updates)).toEqual([['u1: bad', 'u2: a'], ['u1: bad'], ['u2: a'], ['u2: b']]);
  });
});

describe('partial errors of an accepted request', () => {
  async function settledBy(
    answer: BatchResponse,
  ): Promise<{ settled: string[]; logged: string[]; failures: unknown[] }> {
    const { delivery, calls, settled, failures, report, add } = start();
    add('u0', 'a');
    add('u1', 'b', 'c');
    void delivery.finish();
    await pass(0);
    calls[0]?.answer(answer);
    await pass(0);
    return { settled, logged: wordsOf(report.drainMessages()), failures };
  }

  const several = ' (for an update with 2 rows; Batch does not say which of them it refused)';
  const cases: [name: string, answer: BatchResponse, settled: string[], logged: string[]][] = [
    ['none', ACCEPTED, ['a accepted', 'b accepted', 'c accepted'], []],
    ['an update', acceptedBut({ bulkIndex: 0 }), ['a Batch said: so it is', 'b accepted', 'c accepted'], []],
    [
      'an update of several events',
      acceptedBut({ bulkIndex: 1 }),
      ['a accepted', `b Batch said: so it is${several}`, `c Batch said: so it is${several}`],
      [],
    ],
    [
      'several errors for one update',
      acceptedBut({ reason: 'one' }, { reason: 'two' }),
      ['a Batch said: one; two', 'b accepted', 'c accepted'],
      [],
    ],
    [
      'an attribute that was left out of an accepted event',
      acceptedBut({ attribute: 'price', reason: 'so it is "a" "b"' }),
      ['a accepted', 'b accepted', 'c accepted'],
      [
        'Batch left out the attribute "price": so it is "****" "b". The row was accepted without it (shown once per attribute). See https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting/attribute_refused_by_batch.md',
      ],
    ],
    [
      'an attribute and its update',
      acceptedBut({ attribute: 'price' }, { reason: 'two' }),
      ['a Batch said: two', 'b accepted', 'c accepted'],
      [
        'Batch left out the attribute "price": so it is. The row was accepted without it (shown once per attribute). See https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting/attribute_refused_by_batch.md',
      ],
    ],
    [
      'an update that the request does not contain',
      acceptedBut({ bulkIndex: 2, reason: 'so it is "a" "c"' }),
      ['a accepted', 'b accepted', 'c accepted'],
      ['Batch reported an error for an update that is not in the request: so it is "****" "****".'],
    ],
    [
      "a response that can't be parsed",
      { kind: 'accepted_unreadable', detail: '<html> "a"' },
      ['a accepted', 'b accepted', 'c accepted'],
      [
        'Batch accepted a request, but its response can\'t be read, so Batch may have left out events or attributes. The response: <html> "****"',
      ],
    ],
  ];
  test.each(cases)('%s', async (_, answer, settled, logged) => {
    expect(await settledBy(answer)).toEqual({ settled, logged, failures: [] });
  });
});

describe('a request that failed and may succeed later', () => {
  test('is retried after half a second to a second, then after twice as long, up to a minute (backoff)', async () => {
    const attempts: { body: string; at: number }[] = [];
    const post = async (_: Endpoint, body: Buffer): Promise<BatchResponse> => {
      attempts.push({ body: body.toString(), at: clock.now() });
      if (attempts.length < 10) throw OUT_OF_ORDER;
      return ACCEPTED;
    };
    const { delivery, settled, report, add } = start({ receiver: { post } });
    add('u1', 'a');
    const done = watched(delivery.finish());
    await pass(10 * MINUTE);
    expect([settled, done.isDone]).toEqual([['a accepted'], true]);
    expect(new Set(attempts.map(({ body }) => body)).size).toBe(1);
    const waits = attempts.slice(1).map(({ at }, index) => at - (attempts[index]?.at ?? 0));
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(Math.min(MINUTE, 500 * 2 ** index));
      expect(wait).toBeLessThanOrEqual(Math.min(MINUTE, 1_000 * 2 ** index));
    }
    // They are random, so that many waiting senders do not retry at the same time.
    expect(waits.some((wait, index) => wait > 500 * 2 ** index && wait < MINUTE)).toBe(true);
    expect(wordsOf(report.drainMessages())).toEqual(
      attempts.slice(1).map((_, index) => `Batch has a fault. Attempt ${index + 1} failed. Retrying.`),
    );
    expect(wordsOf(report.summarize())[0]).toBe(
      '0 rows read: 0 accepted, 0 rejected, 0 not sent. 0 attributes left out, 0 possible duplicates. 10 requests with 10 updates, 9 retries.',
    );
  });

  test('takes its tokens again for a retry', async () => {
    const { delivery, calls, add } = start({ pace: { capacity: 2, perSecond: 0.1, updatesPerRequest: 2 } });
    for (const customId of ['u1', 'u2']) add(customId, 'e');
    void delivery.finish();
    await pass(0);
    calls[0]?.fail(OUT_OF_ORDER);
    await pass(19_998);
    expect(calls).toHaveLength(1);
    // The attempt asks for its tokens at a random time, so its wait may be rounded up once more.
    await pass(4);
    expect(calls).toHaveLength(2);
  });

  test('counts its events as possible duplicates when its outcome is unknown', async () => {
    const { delivery, calls, report, add } = start();
    add('u1', 'a', 'b');
    add('u2', 'c');
    void delivery.finish();
    await pass(0);
    for (const [attempt, error] of [LOST, OUT_OF_ORDER, LOST].entries()) {
      calls[attempt]?.fail(error);
      await pass(10 * SECOND);
    }
    calls[3]?.answer(ACCEPTED);
    await pass(0);
    expect(wordsOf(report.summarize())).toContain(
      '3 events may have reached Batch twice: a request was sent again after its response was lost.',
    );
  });

  test('counts no duplicates when it certainly was not stored', async () => {
    const { delivery, calls, report, add } = start();
    add('u1', 'a');
    void delivery.finish();
    await pass(0);
    calls[0]?.fail(OUT_OF_ORDER);
    await pass(SECOND);
    calls[1]?.answer(ACCEPTED);
    await pass(0);
    expect(wordsOf(report.summarize()).filter((words) => words.includes('twice'))).toEqual([]);
  });

  test('fails with a transient_error when the retry time is used up', async () => {
    const { delivery, calls, settled, failures, add } = start({ retryTimeMs: 2 * MINUTE });
    add('u1', 'a');
    const done = watched(delivery.finish());
    for (let second = 0; second < 119; second += 1) {
      await pass(SECOND);
      for (const call of calls) call.fail(OUT_OF_ORDER);
    }
    expect([failures, done.isDone]).toEqual([[], false]);
    expect(calls.length).toBeGreaterThan(5);
    for (let second = 0; second < 3; second += 1) {
      await pass(SECOND);
      for (const call of calls) call.fail(OUT_OF_ORDER);
    }
    await pass(0);
    expect(failures).toHaveLength(1);
    expect(failures[0]).toBeInstanceOf(ConnectorError);
    expect(failures[0]).toMatchObject({
      failureType: 'transient_error',
      message:
        'Batch did not accept a request for 2 minutes (retry_minutes). The last error: Batch has a fault. Batch or the network may be down. Run the sync again later; it continues from the last state.',
      cause: OUT_OF_ORDER,
    });
    expect([settled, done.isDone]).toEqual([[], true]);
  });
});

test('waits for Retry-After before a retry', async () => {
  const { delivery, calls, add } = start();
  add('u1', 'a');
  void delivery.finish();
  await pass(0);
  calls[0]?.fail(new RetryableCallError('Under maintenance', { outcomeUnknown: false, retryAfterMs: MINUTE }));
  await pass(59_999);
  expect(calls).toHaveLength(1);
  await pass(2 * SECOND);
  expect(calls).toHaveLength(2);
});

describe('HTTP 429', () => {
  test.each([
    ['for five seconds without Retry-After', undefined, 5_000],
    ['for the time in Retry-After', 12_000, 12_000],
  ])('pauses all requests %s, and then the bucket is empty', async (_, retryAfterMs, pause) => {
    const { delivery, calls, add } = start({ pace: { updatesPerRequest: 1, capacity: 10, perSecond: 1 } });
    add('u1', 'a');
    await delivery.waitForCapacity();
    await pass(LINGER);
    calls[0]?.fail(tooMany(retryAfterMs));
    await pass(0);
    add('u2', 'b');
    void delivery.finish();
    await pass(MINUTE);
    // The rate starts at half and grows, so a token takes a little less than two seconds.
    expect(calls.map(({ at }) => at - LINGER - pause)).toEqual([-pause, 1_941, 3_766]);
    // The new update was next in line, and then the first update is retried.
    expect(calls.map(({ updates }) => updates)).toEqual([['u1: a'], ['u2: b'], ['u1: a']]);
  });

  test('does not abandon requests in flight', async () => {
    const { delivery, calls, settled, add } = start({ pace: { updatesPerRequest: 1 } });
    for (const customId of ['u1', 'u2']) add(customId, `of_${customId}`);
    void delivery.finish();
    await pass(0);
    calls[0]?.fail(tooMany());
    calls[1]?.answer(ACCEPTED);
    await pass(0);
    expect(settled).toEqual(['of_u2 accepted']);
  });
});

test('does not retry when Retry-After is longer than the retry time', async () => {
  const { delivery, calls, failures, report, add } = start({ retryTimeMs: 2 * MINUTE });
  add('u1', 'a');
  void delivery.finish();
  await pass(0);
  calls[0]?.fail(tooMany(3 * MINUTE));
  await pass(0);
  expect(failures).toMatchObject([
    { failureType: 'transient_error', message: expect.stringContaining('asks the connector to wait 180 more seconds') },
  ]);
  // There is no retry, so no retry is logged.
  expect(wordsOf(report.drainMessages())).toEqual([]);
});

describe('a backlog', () => {
  const slow = { pace: { capacity: 10, perSecond: 10, updatesPerRequest: 10 }, bulkPace: { updatesPerRequest: 50 } };

  test('of more than 20 seconds of updates switches to the bulk route for good, and logs it', async () => {
    const { delivery, calls, report, add } = start(slow);
    for (const customId of numbered('u', 201)) add(customId, 'e');
    await delivery.waitForCapacity();
    await pass(LINGER);
    expect(calls.map(({ endpoint, updates }) => [endpoint, updates.length])).toEqual([
      ...Array.from({ length: 4 }, () => ['mass_update', 50]),
      ['mass_update', 1],
    ]);
    for (const call of calls) call.answer(ACCEPTED);
    add('u1', 'late');
    void delivery.finish();
    await pass(0);
    expect(calls.at(-1)).toMatchObject({ endpoint: 'mass_update', updates: ['u1: late'] });
    expect(wordsOf(report.drainMessages())).toEqual([
      '201 rows are waiting, and sending them would take 20 seconds. From now on, rows are sent with mass_update.',
    ]);
  });

  test('is counted in updates, not in events', async () => {
    const { delivery, calls, add } = start(slow);
    for (const customId of numbered('u', 100)) add(customId, ...numbered('e', 15));
    void delivery.finish();
    await pass(0);
    expect(calls[0]?.endpoint).toBe('update');
  });

  test('is also a full queue, even of few updates', async () => {
    const { delivery, calls, add } = start(slow);
    add('u1', ...numbered('e', 20_000));
    void delivery.waitForCapacity();
    await pass(0);
    expect(calls[0]?.endpoint).toBe('mass_update');
  });

  test('is also a queue of few events if stdin is not read until they are settled', async () => {
    const { delivery, calls, add } = start({ ...slow, isReadingPaused: () => true });
    add('u1', 'a');
    await delivery.waitForCapacity();
    await pass(0);
    expect(calls.map(({ endpoint, at }) => [endpoint, at])).toEqual([['mass_update', 0]]);
  });

  test('uses the normal route if there is no bulk route', async () => {
    const { delivery, calls, report, add } = start({ pace: slow.pace });
    for (const customId of numbered('u', 300)) add(customId, 'e');
    void delivery.finish();
    await pass(0);
    expect(calls.map(({ endpoint }) => endpoint)).toEqual(['update']);
    expect(report.drainMessages()).toEqual([]);
  });
});

describe('the delivery fails', () => {
  test.each([
    ['with the error of a request', destinationError('batch_key_refused', 'The key is wrong')],
    ['with an unexpected error', new TypeError('x is not a function')],
  ])('at once, %s, and abandons requests in flight', async (_, error) => {
    const { delivery, calls, settled, failures, report, add } = start({ pace: { updatesPerRequest: 1 } });
    for (const customId of numbered('u', 20)) add(customId, `of_${customId}`);
    const done = watched(delivery.finish());
    await pass(0);
    const sent = calls.length;
    calls[2]?.fail(error);
    await pass(MINUTE);
    expect(failures).toEqual([error]);
    expect(failures[0]).toBe(error);
    expect(calls).toHaveLength(sent);
    expect(calls.map(({ signal }) => signal.aborted)).toEqual(Array(sent).fill(true));
    expect([settled, done.isDone, wordsOf(report.drainMessages())]).toEqual([[], true, []]);
  });

  test('once, even if several requests fail', async () => {
    const { delivery, calls, failures, add } = start({ pace: { updatesPerRequest: 1 } });
    for (const customId of ['u1', 'u2']) add(customId, 'e');
    void delivery.finish();
    await pass(0);
    for (const call of calls) call.fail(destinationError('batch_key_refused', 'The key is wrong'));
    await pass(MINUTE);
    expect(failures).toHaveLength(1);
  });

  test.each([
    ['none, if the first request is refused', [], destinationError('batch_key_refused', 'The key is wrong'), 0],
    [
      'those in flight, if a request is refused after another was accepted',
      [0],
      destinationError('batch_key_refused', 'It was revoked'),
      3,
    ],
    ['all in flight, if the outcome of a request is unknown', [], new TypeError('x is not a function'), 5],
  ])('and knows which events may be stored: %s', async (_, taken, error, expected) => {
    const { delivery, calls, add } = start({ pace: { updatesPerRequest: 1 } });
    for (const customId of numbered('u', 5)) add(customId, `of_${customId}`);
    void delivery.finish();
    await pass(0);
    for (const index of taken) calls[index]?.answer(ACCEPTED);
    await pass(0);
    calls[2]?.fail(error);
    await pass(MINUTE);
    expect(delivery.itemsOfUnknownOutcome).toHaveLength(expected);
  });

  test('and knows that the events of a request without a response may be stored, even if its retry fails', async () => {
    const { delivery, calls, add } = start({ retryTimeMs: SECOND });
    add('u1', 'a', 'b');
    void delivery.finish();
    await pass(0);
    calls[0]?.fail(LOST);
    await pass(SECOND);
    calls[1]?.fail(OUT_OF_ORDER);
    await pass(MINUTE);
    expect([calls.length, delivery.itemsOfUnknownOutcome.length]).toEqual([2, 2]);
  });

  test("when a row can't be settled", async () => {
    const error = new Error('The ledger is broken');
    const { delivery, calls, failures, add } = start({
      onSettled: () => {
        throw error;
      },
    });
    add('u1', 'a');
    const done = watched(delivery.finish());
    await pass(0);
    calls[0]?.answer(ACCEPTED);
    await pass(0);
    expect([failures, done.isDone]).toEqual([[error], true]);
  });
});

describe('the memory of an event is freed', () => {
  test('once it is settled, and not while it waits or is in flight', async () => {
    const { delivery, arena, calls, add } = start({ pace: { updatesPerRequest: 1 } });
    add('u1', 'a', 'b');
    add('u2', 'c');
    const held = arena.heldBytes;
    void delivery.finish();
    await pass(0);
    calls[0]?.fail(LOST);
    calls[1]?.answer(ACCEPTED);
    await pass(0);
    expect([held > 0, arena.heldBytes]).toEqual([true, held]);
    await pass(MINUTE);
    calls[2]?.answer(ACCEPTED);
    await pass(0);
    expect([calls[2]?.updates, arena.heldBytes]).toEqual([['u1: a b'], 0]);
  });

  test('once, even if it is settled in a half of its request', async () => {
    const { delivery, arena, calls, settled, add } = start();
    add('u1', 'a', 'bad', 'c');
    add('u2', 'd');
    const done = watched(delivery.finish());
    for (let next = 0; !done.isDone; next += 1) {
      await pass(0);
      expect(arena.heldBytes).toBeGreaterThan(0);
      calls[next]?.answer(calls[next]?.body.includes('bad') ? { kind: 'refused', reason: 'x' } : ACCEPTED);
      await pass(0);
    }
    expect([settled.length, arena.heldBytes]).toEqual([4, 0]);
  });

  test('when it is dropped', async () => {
    const { arena, add, drop } = start();
    add('u1', 'a', 'b');
    drop((name) => name === 'a');
    expect(arena.heldBytes).toBeGreaterThan(0);
    drop((name) => name === 'b');
    expect(arena.heldBytes).toBe(0);
  });
});

test('does not send dropped events, and sends all others', async () => {
  const { delivery, calls, settled, failures, add, drop } = start({
    pace: { capacity: 1, perSecond: 1, updatesPerRequest: 1 },
  });
  for (const customId of ['u1', 'u2', 'u3']) add(customId, `of_${customId}`);
  const done = watched(delivery.finish());
  await pass(0);
  drop((name) => name === 'of_u2' || name === 'of_u3');
  calls[0]?.answer(ACCEPTED);
  await pass(MINUTE);
  expect(calls.map(({ updates }) => updates)).toEqual([['u1: of_u1']]);
  expect([settled, failures, done.isDone]).toEqual([['of_u1 accepted'], [], true]);
});

describe('halt', () => {
  test('abandons requests in flight, sends nothing more and reports no error', async () => {
    const { delivery, calls, settled, failures, add } = start({ pace: { updatesPerRequest: 1 } });
    for (const customId of numbered('u', 20)) add(customId, `of_${customId}`);
    await delivery.waitForCapacity();
    await pass(0);
    const sent = calls.length;
    delivery.halt();
    const done = watched(delivery.finish());
    await pass(MINUTE);
    expect(calls).toHaveLength(sent);
    expect(calls.map(({ signal }) => signal.aborted)).toEqual(Array(sent).fill(true));
    expect([settled, failures, done.isDone]).toEqual([[], [], true]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('ends the wait for tokens', async () => {
    const { delivery, calls, failures, add } = start({ pace: { capacity: 1, perSecond: 0.001, updatesPerRequest: 1 } });
    for (const customId of ['u1', 'u2']) add(customId, 'e');
    const done = watched(delivery.finish());
    await pass(0);
    delivery.halt();
    await pass(0);
    expect([calls.length, failures, done.isDone]).toEqual([1, [], true]);
  });

  test('ends the wait before a retry', async () => {
    const { delivery, calls, failures, add } = start();
    add('u1', 'a');
    const done = watched(delivery.finish());
    await pass(0);
    calls[0]?.fail(OUT_OF_ORDER);
    await pass(0);
    delivery.halt();
    await pass(MINUTE);
    expect([calls.length, failures, done.isDone]).toEqual([1, [], true]);
  });

  test('can be called twice, and after the end', async () => {
    const { delivery, failures } = start();
    delivery.halt();
    delivery.halt();
    await delivery.finish();
    delivery.halt();
    expect(failures).toEqual([]);
  });
});

describe('I5: there is capacity', () => {
  /** A delivery whose bucket is empty for a second, so that nothing leaves it. */
  async function stuck() {
    const started = start({ pace: { capacity: 1, perSecond: 1, updatesPerRequest: 1 } });
    started.add('first', 'first');
    await started.delivery.waitForCapacity();
    await pass(0);
    return started;
  }

  test('for 20,000 waiting events; then only when some are sent', async () => {
    const { delivery, add } = await stuck();
    for (let event = 0; event < 19_999; event += 1) add('u1', 'e');
    const before = watched(delivery.waitForCapacity());
    await pass(0);
    expect(before.isDone).toBe(true);
    add('u1', 'e');
    const after = watched(delivery.waitForCapacity());
    await pass(999);
    expect(after.isDone).toBe(false);
    await pass(1);
    expect(after.isDone).toBe(true);
  });

  test('for 16 megabytes that wait or are in flight; then only when some are settled', async () => {
    const { delivery, arena, calls, addOf } = await stuck();
    // The slab of the event in flight.
    const inFlight = arena.heldBytes;
    const half = 8 * 1024 * 1024;
    void delivery.waitForCapacity();
    await pass(LINGER);
    addOf('u1', 'x', half);
    const before = watched(delivery.waitForCapacity());
    addOf('u2', 'x', half - 1 - inFlight);
    const almost = watched(delivery.waitForCapacity());
    await pass(0);
    expect([before.isDone, almost.isDone]).toEqual([true, true]);
    expect(arena.heldBytes).toBe(2 * half - 1);
    addOf('u3', 'x');
    const after = watched(delivery.waitForCapacity());
    await pass(5 * SECOND);
    expect([after.isDone, calls.length]).toEqual([false, 4]);
    calls[1]?.answer(ACCEPTED);
    await pass(0);
    expect(after.isDone).toBe(true);
  });

  test('when the delivery is halted, so that the wait ends', async () => {
    const { delivery, addOf } = await stuck();
    addOf('u1', 'x', 32 * 1024 * 1024);
    const room = watched(delivery.waitForCapacity());
    await pass(0);
    expect(room.isDone).toBe(false);
    delivery.halt();
    await pass(0);
    expect(room.isDone).toBe(true);
  });

  test('sends requests that are not full when the queue is full', async () => {
    const { delivery, calls, addOf } = start();
    addOf('u1', 'e', 32 * 1024 * 1024);
    void delivery.waitForCapacity();
    await pass(0);
    expect(calls.map(({ updates }) => updates)).toEqual([['u1: e']]);
  });
});

type Fate = 'accepted' | 'retry' | 'lost' | 'rate_limit';

test('I1, I8: settles each event once, in order, within the rate limit, whatever Batch responds and when', async () => {
  const step = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        customId: fc.constantFrom('u1', 'u2', 'u3', 'u4', 'u5'),
        isBad: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      }),
    },
    { weight: 2, arbitrary: fc.record({ wait: fc.integer({ min: 0, max: 3_000 }) }) },
  );
  const fates = fc.infiniteStream(
    fc.record({
      fate: fc.oneof(
        { weight: 6, arbitrary: fc.constant<Fate>('accepted') },
        fc.constantFrom<Fate>('retry', 'lost', 'rate_limit'),
      ),
      delay: fc.integer({ min: 0, max: 5_000 }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fates,
      fc.integer({ min: 1, max: 4 }),
      async (steps, plan, perUpdate) => {
        const [capacity, perSecond, updatesPerRequest] = [6, 2, 3];
        const inFlight = new Set<string>();
        const sent: { at: number; updates: number }[] = [];
        const lastAnswer = new Map<string, 'accepted' | 'refused'>();
        const order: string[] = [];
        const fatesUsed = plan[Symbol.iterator]();

        const post = async (_: Endpoint, body: Buffer): Promise<BatchResponse> => {
          const updates = JSON.parse(body.toString()) as Update[];
          const customIds = updates.map(({ identifiers }) => identifiers.custom_id);
          sent.push({ at: clock.now(), updates: updates.length });
          expect(new Set(customIds).size).toBe(customIds.length);
          expect(updates.length).toBeLessThanOrEqual(updatesPerRequest);
          for (const [index, customId] of customIds.entries()) {
            expect(inFlight.has(customId)).toBe(false);
            inFlight.add(customId);
            expect(updates[index]?.events.length).toBeLessThanOrEqual(perUpdate);
          }
          expect(inFlight.size).toBeLessThanOrEqual(MAX_CALLS_IN_FLIGHT * updatesPerRequest);
          const { fate, delay } = fatesUsed.next().value as { fate: Fate; delay: number };
          await new Promise((resolve) => setTimeout(resolve, delay));
          for (const customId of customIds) inFlight.delete(customId);
          if (fate === 'rate_limit') throw tooMany(delay);
          if (fate !== 'accepted') throw fate === 'lost' ? LOST : OUT_OF_ORDER;
          const names = updates.flatMap(({ events }) => events.map(({ name }) => name));
          const isRefused = names.some((name) => name.startsWith('bad'));
          for (const name of names) lastAnswer.set(name, isRefused ? 'refused' : 'accepted');
          if (isRefused) return { kind: 'refused', reason: 'x' };
          order.push(...names);
          return ACCEPTED;
        };
        const outcomes: [string, string][] = [];
        const { delivery, arena, failures, add } = start({
          receiver: { post },
          pace: { capacity, perSecond, updatesPerRequest },
          limits: { events_per_update: perUpdate, attributes_per_update: 50 },
          retryTimeMs: 1_000 * MINUTE,
          onSettled: (name, { kind }) => outcomes.push([name, kind]),
        });

        const added: { customId: string; name: string }[] = [];
        for (const [index, each] of steps.entries()) {
          if ('wait' in each) {
            await delivery.waitForCapacity();
            await pass(each.wait);
            continue;
          }
          const name = `${each.isBad ? 'bad' : 'good'}${index}`;
          added.push({ customId: each.customId, name });
          add(each.customId, name);
        }
        const done = watched(delivery.finish());
        for (let minute = 0; minute < 600 && !done.isDone; minute += 1) await pass(MINUTE);

        expect([done.isDone, failures]).toEqual([true, []]);
        expect(arena.heldBytes).toBe(0);
        expect(outcomes.map(([name]) => name).toSorted()).toEqual(added.map(({ name }) => name).toSorted());
        for (const [name, kind] of outcomes) {
          expect([name, kind]).toEqual([name, lastAnswer.get(name) === 'accepted' ? 'accepted' : 'rejected']);
        }
        for (const customId of ['u1', 'u2', 'u3', 'u4', 'u5']) {
          const names = added.filter((each) => each.customId === customId).map(({ name }) => name);
          expect(order.filter((name) => names.includes(name))).toEqual(names.filter((name) => order.includes(name)));
        }
        for (const [first, { at: from }] of sent.entries()) {
          let sum = 0;
          for (const { at, updates } of sent.slice(first)) {
            sum += updates;
            expect(sum).toBeLessThanOrEqual(capacity + ((at - from) / SECOND) * perSecond + 1e-6);
          }
        }
      },
    ),
    { numRuns: 100 },
  );
});
