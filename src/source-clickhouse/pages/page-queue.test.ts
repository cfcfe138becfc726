import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PageQueue } from './page-queue.ts';
import type { PositionedPage } from './positioned-page.ts';

/** A page with this number of bytes and this hash. */
function page(name: string, bytes = 1): PositionedPage {
  const lines = Buffer.from(name);
  const position = { kind: 'inside-group', cursor: '', rowHash: name, rows: 1 } as const;
  return {
    ...{ lines, sentLines: lines, buffer: lines, bytes, rows: 1 },
    ...{ lastLine: lines, lastRowHash: name, rowsWithLastHash: 1, position },
  };
}

/** A signal that is never aborted. */
function never(): AbortSignal {
  return new AbortController().signal;
}

/** Takes the next page; undefined after the end of the queue. */
async function take(items: AsyncIterator<PositionedPage>): Promise<string | undefined> {
  const result = await items.next();
  return result.done ? undefined : result.value.lastRowHash;
}

/** The value of a promise once everything that can run has run, or "waiting". */
async function now<T>(promise: Promise<T>): Promise<T | 'waiting'> {
  let result: T | 'waiting' = 'waiting';
  promise.then(
    (value) => {
      result = value;
    },
    () => {},
  );
  await nextTurn();
  return result;
}

describe('the pages of the queue', () => {
  test('come in the order in which they were pushed', async () => {
    const queue = new PageQueue();
    for (const name of ['a', 'b', 'c']) queue.push(page(name));
    queue.end();
    const names: string[] = [];
    for await (const { lastRowHash } of queue) names.push(lastRowHash);
    expect(names).toEqual(['a', 'b', 'c']);
  });

  test('the reader waits for the next page', async () => {
    const queue = new PageQueue();
    const items = queue[Symbol.asyncIterator]();
    const taking = take(items);
    expect(await now(taking)).toBe('waiting');
    queue.push(page('late'));
    expect(await now(taking)).toBe('late');
  });

  test('can be pushed, and the queue ended, while the reader waits', async () => {
    const queue = new PageQueue();
    const items = queue[Symbol.asyncIterator]();
    const taking = take(items);
    await nextTurn();
    queue.push(page('a'));
    queue.push(page('b'));
    queue.end();
    expect(await taking).toBe('a');
    expect(await take(items)).toBe('b');
    expect(await take(items)).toBeUndefined();
  });

  test('are none if the queue ends without a page', async () => {
    const queue = new PageQueue();
    const taking = take(queue[Symbol.asyncIterator]());
    await nextTurn();
    queue.end();
    expect(await taking).toBeUndefined();
  });

  test('all come before the error that ended the queue', async () => {
    const queue = new PageQueue();
    queue.push(page('a'));
    queue.end({ error: new Error('cut') });
    const items = queue[Symbol.asyncIterator]();
    expect(await take(items)).toBe('a');
    await expect(items.next()).rejects.toThrow('cut');
  });

  test('are followed by the error, also if it is undefined', async () => {
    const queue = new PageQueue();
    queue.end({ error: undefined });
    await expect(queue[Symbol.asyncIterator]().next()).rejects.toBeUndefined();
  });
});

describe('waitUntilBelow (backpressure)', () => {
  test('resolves at once if the queue is below the limit', async () => {
    const queue = new PageQueue();
    expect(await now(queue.waitUntilBelow(1, never()))).toBe(true);
    queue.push(page('a', 9));
    expect(await now(queue.waitUntilBelow(10, never()))).toBe(true);
  });

  test('waits until the queue is below the limit', async () => {
    const queue = new PageQueue();
    for (const name of ['a', 'b', 'c']) queue.push(page(name, 10));
    const waiting = queue.waitUntilBelow(20, never());
    const items = queue[Symbol.asyncIterator]();
    expect(await take(items)).toBe('a');
    // It is being written.
    expect(await now(waiting)).toBe('waiting');
    expect(await take(items)).toBe('b');
    // 20 bytes are left, that is not less.
    expect(await now(waiting)).toBe('waiting');
    expect(await take(items)).toBe('c');
    expect(await now(waiting)).toBe(true);
  });

  test('counts a page until the next one is requested, also the last page', async () => {
    const queue = new PageQueue();
    queue.push(page('a', 10));
    const waiting = queue.waitUntilBelow(1, never());
    const items = queue[Symbol.asyncIterator]();
    expect(await take(items)).toBe('a');
    expect(await now(waiting)).toBe('waiting');
    const next = take(items);
    expect(await now(waiting)).toBe(true);
    queue.end();
    expect(await next).toBeUndefined();
  });

  test('returns false when the signal is aborted', async () => {
    const queue = new PageQueue();
    queue.push(page('a', 10));
    const until = new AbortController();
    const waiting = queue.waitUntilBelow(10, until.signal);
    expect(await now(waiting)).toBe('waiting');
    until.abort();
    expect(await now(waiting)).toBe(false);
  });

  test('returns false at once if the signal is already aborted', async () => {
    const queue = new PageQueue();
    queue.push(page('a', 10));
    expect(await now(queue.waitUntilBelow(10, AbortSignal.abort()))).toBe(false);
  });

  test('returns false when the time is over', async () => {
    const queue = new PageQueue();
    queue.push(page('a', 10));
    expect(await queue.waitUntilBelow(10, never(), 1)).toBe(false);
    // The next wait has its own time.
    const waiting = queue.waitUntilBelow(10, never(), 60_000);
    expect(await now(waiting)).toBe('waiting');
    const items = queue[Symbol.asyncIterator]();
    await take(items);
    const next = take(items);
    expect(await now(waiting)).toBe(true);
    queue.end();
    await next;
  });

  test('leaves no timer, so that the process can end', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const before = timers();
    const queue = new PageQueue();
    await queue.waitUntilBelow(10, never(), 60_000);
    await queue.waitUntilBelow(10, AbortSignal.abort(), 60_000);
    expect(timers()).toBe(before);
  });

  test('can be called often, without a warning on stderr about listeners', async () => {
    const warnings: string[] = [];
    const warned = (warning: Error): void => {
      warnings.push(warning.message);
    };
    process.on('warning', warned);
    try {
      const queue = new PageQueue();
      for (let count = 0; count < 50; count++) queue.push(page(String(count)));
      const until = never();
      const waiting = queue.waitUntilBelow(1, until);
      const items = queue[Symbol.asyncIterator]();
      for (let count = 0; count < 50; count++) await take(items);
      queue.end();
      expect(await take(items)).toBeUndefined();
      expect(await waiting).toBe(true);
      for (let count = 0; count < 50; count++) await queue.waitUntilBelow(1, until);
      await nextTurn();
    } finally {
      process.off('warning', warned);
    }
    expect(warnings).toEqual([]);
  });
});

test('I5: each page comes once and in order, and the queue stays within its limit, whichever side is faster', async () => {
  const limit = 20;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ bytes: fc.integer({ min: 0, max: 15 }), putTurns: fc.nat(2), takeTurns: fc.nat(2) })),
      async (steps) => {
        const queue = new PageQueue();
        let inQueue = 0;
        const put = async (): Promise<void> => {
          for (const [index, { bytes, putTurns }] of steps.entries()) {
            for (let turn = 0; turn < putTurns; turn++) await nextTurn();
            await queue.waitUntilBelow(limit, never());
            expect(inQueue).toBeLessThan(limit);
            inQueue += bytes;
            queue.push(page(String(index), bytes));
          }
          queue.end();
        };
        const putting = put();
        const names: string[] = [];
        for await (const { lastRowHash, bytes } of queue) {
          for (let turn = 0; turn < (steps[names.length]?.takeTurns ?? 0); turn++) await nextTurn();
          names.push(lastRowHash);
          inQueue -= bytes;
        }
        await putting;
        expect(names).toEqual(steps.map((_, index) => String(index)));
      },
    ),
    { numRuns: 50 },
  );
});
