import { describe, expect, test } from 'vitest';
import { writeAttributeRow } from '../attribute-rows.ts';
import type { BatchResponse, PartialError } from '../batch/responses.ts';
import type { ItemNumber } from '../byte-arena.ts';
import { ItemArena } from '../item-arena.ts';
import { Report } from '../report.ts';
import { UpdateBatcher } from './batcher.ts';
import { UpdatePoster } from './post-updates.ts';
import { createRoutes } from './rate-limit.ts';

type SentUpdate = { attributes?: Record<string, unknown>; events?: { name: string }[] };

/** What waits for the profile: the name of an event, or the attributes of a row. */
type Item = string | Record<string, unknown>;

/**
 * Plays Batch. It refuses an attribute with the value "bad", an update with an event or attribute called `refused`, and a request
 * with an attribute called `fatal`.
 */
function answer(updates: readonly SentUpdate[]): BatchResponse {
  if (updates.some(({ attributes = {} }) => 'fatal' in attributes)) return { kind: 'refused', reason: 'no' };
  const errors = updates.flatMap(({ attributes = {}, events = [] }, bulkIndex): PartialError[] => {
    const isRefused = 'refused' in attributes || events.some(({ name }) => name === 'refused');
    const bad = Object.keys(attributes).filter((name) => attributes[name] === 'bad');
    return [
      ...(isRefused ? [{ bulkIndex, attribute: undefined, reason: 'refused' }] : []),
      ...bad.map((name) => ({ bulkIndex, attribute: name, reason: 'too long' })),
    ];
  });
  return { kind: 'accepted', errors };
}

/**
 * Posts what waits for one profile, or for each of several. Returns each row with its outcome, the updates of each request, and
 * the log.
 */
async function post(...profiles: (readonly Item[])[]) {
  const arena = new ItemArena();
  const batcher = new UpdateBatcher(arena, { events_per_update: 15, attributes_per_update: 50 });
  const names = new Map<ItemNumber, string>();
  for (const [index, items] of profiles.entries()) {
    const profile = arena.profiles.findText(`u${index}`);
    for (const item of items) {
      const isEvent = typeof item === 'string';
      const attributes = Object.entries(item).map(([name, value]) => ({ name, value: JSON.stringify(value) }));
      const number = arena.add(isEvent ? `{"name":"${item}"}` : writeAttributeRow(attributes));
      names.set(number, isEvent ? item : JSON.stringify(item));
      if (isEvent) batcher.add(profile, number, true);
      else batcher.addAttributes(profile, number);
    }
  }
  const requests: unknown[] = [];
  const outcomes: Record<string, string> = {};
  const report = new Report();
  const poster = new UpdatePoster(
    {
      arena,
      report,
      receiver: {
        post: async (_, body) => {
          const updates: SentUpdate[] = JSON.parse(body.toString());
          requests.push(updates.map(({ attributes, events = [] }) => [attributes, ...events.map(({ name }) => name)]));
          return answer(updates);
        },
      },
      retryTimeMs: 0,
      onRetry: () => {},
      onSettled: (item, _, outcome) => {
        const name = names.get(item) ?? '';
        expect(outcomes).not.toHaveProperty([name]);
        outcomes[name] = outcome.kind === 'accepted' ? 'accepted' : outcome.rejection.reason;
      },
    },
    new AbortController().signal,
  );
  const updates = batcher.take(200, Number.POSITIVE_INFINITY);
  await poster.post(updates, createRoutes({ endpoint: 'update', rate_limit: undefined }).normal);
  const logged = report.drainMessages().flatMap((message) => (message.type === 'LOG' ? [message.log.message] : []));
  return { outcomes, requests, logged };
}

const ACCEPTED = 'accepted';

describe('errors for rows with attributes', () => {
  test('of one row: without the attribute it is accepted; if none is left, it is rejected', async () => {
    expect(await post([{ a: 'bad', b: 1 }])).toEqual({
      outcomes: { '{"a":"bad","b":1}': ACCEPTED },
      requests: [[[{ a: 'bad', b: 1 }]]],
      logged: [expect.stringContaining('Batch left out the attribute "a": too long. The row was accepted without it')],
    });
    const { outcomes, requests } = await post([{ a: 'bad', 'date(b)': 'bad' }]);
    expect([outcomes, requests.length]).toEqual([
      { '{"a":"bad","date(b)":"bad"}': 'Batch said: too long; too long' },
      1,
    ]);
  });

  test('of merged rows: the rows are sent again, so that each has the outcome that it would have by itself', async () => {
    expect(await post([{ a: 1 }, { a: 'bad', b: 2 }, { a: 'bad' }, { c: 3 }])).toEqual({
      outcomes: {
        '{"a":1}': ACCEPTED,
        '{"a":"bad","b":2}': ACCEPTED,
        '{"a":"bad"}': 'Batch said: too long',
        '{"c":3}': ACCEPTED,
      },
      requests: [
        [[{ a: 'bad', b: 2, c: 3 }]],
        [[{ a: 'bad', b: 2 }]],
        [[{ a: 1 }]],
        [[{ a: 'bad', b: 2 }]],
        [[{ a: 'bad', c: 3 }]],
        [[{ a: 'bad' }]],
        [[{ c: 3 }]],
      ],
      // The attribute of a merged row is reported once the row is sent by itself.
      logged: [expect.stringContaining('left out the attribute "a"')],
    });
  });

  test('of several profiles: their rows are sent again together, and the rows of a profile keep their order', async () => {
    const { outcomes, requests } = await post(
      [{ a: 1 }, { b: 'bad', c: 1 }],
      [{ d: 1 }, { e: 'bad', f: 1 }],
      [{ g: 1 }],
    );
    expect(Object.values(outcomes)).toEqual(Array.from({ length: 5 }, () => ACCEPTED));
    expect(requests).toEqual([
      [[{ a: 1, b: 'bad', c: 1 }], [{ d: 1, e: 'bad', f: 1 }], [{ g: 1 }]],
      [[{ a: 1 }], [{ d: 1 }]],
      [[{ b: 'bad', c: 1 }], [{ e: 'bad', f: 1 }]],
    ]);
  });

  test('of the whole update: only the row at fault is rejected', async () => {
    const { outcomes } = await post([{ a: 1 }, { refused: 1 }, { b: 1 }]);
    expect(outcomes).toEqual({ '{"a":1}': ACCEPTED, '{"refused":1}': 'Batch said: refused', '{"b":1}': ACCEPTED });
  });

  test('of a whole request: nothing was stored, and only the row at fault is rejected', async () => {
    const { outcomes, requests } = await post([{ a: 1 }, 'e', { fatal: 1 }]);
    expect(outcomes).toEqual({ '{"a":1}': ACCEPTED, e: ACCEPTED, '{"fatal":1}': 'Batch said: no' });
    expect(requests).toEqual([
      [[{ a: 1, fatal: 1 }, 'e']],
      [[{ a: 1, fatal: 1 }]],
      [[{ a: 1 }]],
      [[{ fatal: 1 }]],
      [[undefined, 'e']],
    ]);
  });
});

describe('errors for an update with events and attributes', () => {
  test('of the whole update: all its events may be at fault, and the attributes are sent by themselves', async () => {
    const several = ' (for an update with 3 rows; Batch does not say which of them it refused)';
    expect(await post(['e', { a: 1 }, 'refused'])).toEqual({
      outcomes: { e: `Batch said: refused${several}`, refused: `Batch said: refused${several}`, '{"a":1}': ACCEPTED },
      requests: [[[{ a: 1 }, 'e', 'refused']], [[{ a: 1 }]]],
      logged: [],
    });
  });

  test('of an attribute of the profile: the events are accepted', async () => {
    expect(await post(['e', { a: 'bad' }])).toEqual({
      outcomes: { e: ACCEPTED, '{"a":"bad"}': 'Batch said: too long' },
      requests: [[[{ a: 'bad' }, 'e']], [[{ a: 'bad' }]]],
      logged: [expect.stringContaining('left out the attribute "a"')],
    });
  });
});
