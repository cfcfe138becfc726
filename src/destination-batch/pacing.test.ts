import { describe, expect, test } from 'vitest';
import { pacing } from './pacing.ts';

const never = new AbortController().signal;

describe('a rate is kept, with its share of the burst but for half a second of it', () => {
  const cases: [name: string, rate: number, atOnce: number, refillMs: number, updatesPerRequest: number][] = [
    ["Batch's own", 300, 850, 2_834, 200],
    ['a quarter of it', 75, 212, 2_827, 200],
    ['one whose burst is smaller than a full request', 30, 85, 2_834, 85],
    ['one that Batch granted', 1_000, 2_833, 2_833, 200],
    ['one update a second', 1, 2, 2_000, 2],
    ['one update in ten seconds', 0.1, 1, 10_000, 1],
  ];
  test.each(cases)('%s', async (_, rate_limit, atOnce, refillMs, updatesPerRequest) => {
    let time = 0;
    const sleep = async (milliseconds: number): Promise<void> => {
      time += milliseconds;
    };
    const { bucket, ...rest } = pacing({ rate_limit }, { now: () => time, sleep });
    await bucket.take(atOnce, never);
    expect(time).toBe(0);
    // Were there more at once, the same number would be there sooner.
    await bucket.take(atOnce, never);
    expect(time).toBe(refillMs);
    expect(rest).toEqual({ updatesPerRequest });
  });
});

test('by the clock of the system, tokens are there at once, and the wait for more can be given up', async () => {
  const { bucket } = pacing({ rate_limit: 0.001 });
  await bucket.take(1, never);
  const leaving = new AbortController();
  const waiting = bucket.take(1, leaving.signal);
  setTimeout(() => leaving.abort(new Error('No longer wanted')), 1);
  await expect(waiting).rejects.toThrow(/^The operation was aborted$/);
});

test('a wait that is longer than a timer can be is one wait, and not a thousand short ones', async () => {
  const warnings: string[] = [];
  const note = ({ name }: Error): void => {
    warnings.push(name);
  };
  process.on('warning', note);
  const { bucket } = pacing({ rate_limit: 300 });
  const thirtyDays = 30 * 24 * 3_600_000;
  bucket.pause(thirtyDays);
  const leaving = new AbortController();
  const waiting = bucket.take(1, leaving.signal);
  setTimeout(() => leaving.abort(), 10);
  await expect(waiting).rejects.toThrow(/^The operation was aborted$/);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', note);
  // Node warns when it makes a timer of a millisecond out of one that is too long.
  expect(warnings).toEqual([]);
});
