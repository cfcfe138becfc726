import { describe, expect, test } from 'vitest';
import type { RejectionCode } from '../codes.ts';
import type { OnRejection } from '../config/rejection.ts';
import type { ResolvedState } from '../write/checkpoints.ts';
import { StateHold } from '../write/state-hold.ts';
import { RejectionPolicy } from './policy.ts';

const SKIP: OnRejection = { mode: 'skip' };

/** The decision about a run of rows, `a` for accepted or the code of a rejection, with a state after each given number of rows. */
function judged(options: OnRejection, rows: readonly ('a' | RejectionCode)[], ...statesAfter: number[]) {
  const policy = new RejectionPolicy(options);
  const hold = new StateHold(policy);
  const states = statesAfter.map((number): ResolvedState => {
    const rejected = new Map<RejectionCode, number>();
    for (const row of rows.slice(0, number)) if (row !== 'a') rejected.set(row, (rejected.get(row) ?? 0) + 1);
    return {
      state: String(number),
      counts: { accepted: 0, rejected: 0 },
      before: { rows: number, rejected },
      covers: { key: undefined, segment: 0 },
    };
  });
  for (const row of rows) {
    if (row === 'a') policy.countAccepted();
    else {
      const error = policy.countRejected(row, () => 'why');
      if (error !== undefined) return { echoed: [], error: error.message };
    }
  }
  const passed = hold.pass(states);
  const ended = passed.error === undefined ? hold.end() : { states: [], error: passed.error };
  return {
    echoed: passed.states.map(({ state }) => Number(state)),
    ...(ended.states.length === 0 ? {} : { echoedAtEnd: ended.states.map(({ state }) => Number(state)) }),
    ...(ended.error === undefined ? {} : { error: ended.error.message, type: ended.error.failureType }),
  };
}

const times = <T>(count: number, item: T): T[] => new Array<T>(count).fill(item);
const missing = (count: number) => times<'a' | RejectionCode>(count, 'custom_id_missing');
const good = (count: number) => times<'a' | RejectionCode>(count, 'a');

describe('nearly all rows rejected for one reason', () => {
  test('fail the sync, and no state after them is echoed', () => {
    expect(judged(SKIP, missing(300), 30, 100, 300)).toEqual({
      echoed: [],
      type: 'config_error',
      error:
        '100 of the 100 rows so far were rejected with custom_id_missing. That is too many to be exceptions: the mapping or the data is likely wrong. Map the column with the profile id to custom_id, and filter out rows without an id; then run the sync again. It reads the rows since the last state again.',
    });
  });

  test.each<[string, ('a' | RejectionCode)[], number[], unknown]>([
    [
      'one good row among them does not save it',
      [...good(1), ...missing(99)],
      [100],
      { echoed: [], error: /^99 of the 100 rows so far/ },
    ],
    ['at 95 of 100', [...good(5), ...missing(95)], [100], { echoed: [], error: /^95 of/ }],
    ['not at 94 of 100', [...good(6), ...missing(94)], [100], { echoed: [100] }],
    [
      'not for several reasons',
      [...missing(60), ...times<RejectionCode>(60, 'event_name_invalid')],
      [120],
      { echoed: [120] },
    ],
    ['a small sync, at its end', missing(10), [5, 10], { echoed: [], error: /^10 of the 10/ }],
    ['a small sync without any state', missing(10), [], { echoed: [], error: /^10 of the 10/ }],
    [
      'not a very small sync, whose states come out at its end',
      missing(9),
      [5, 9],
      { echoed: [], echoedAtEnd: [5, 9] },
    ],
    [
      'states that are held come out once good rows follow',
      [...missing(50), ...good(50)],
      [20, 50, 80],
      { echoed: [20, 50, 80] },
    ],
    [
      'states before it stay echoed',
      [...good(1), ...missing(200)],
      [1, 10, 150],
      { echoed: [1, 10], error: /^149 of/ },
    ],
    ['rows after the last state count too', [...missing(99)], [50], { echoed: [], error: /^99 of/ }],
    ['no rows at all are fine', [], [0, 0], { echoed: [0, 0] }],
  ])('%s', (_, rows, states, expected) => {
    const result = judged(SKIP, rows, ...states);
    const { error, ...others } = expected as { error?: RegExp };
    const { error: message, type, ...found } = { type: undefined, ...result };
    expect(found).toEqual(others);
    if (error === undefined) expect(message).toBeUndefined();
    else expect([message, type]).toEqual([expect.stringMatching(error), 'config_error']);
  });
});

test('the error links to the page of the rejection', () => {
  const error = new RejectionPolicy({ mode: 'fail' }).countRejected('custom_id_missing', () => 'why');
  expect(error).toMatchObject({ code: 'too_many_rejected', page: 'custom_id_missing' });
});

describe('on_rejection: fail', () => {
  test.each<[string, OnRejection, ('a' | RejectionCode)[], number[], unknown]>([
    [
      'at the first rejected row',
      { mode: 'fail' },
      [...good(3), ...missing(1)],
      [2],
      /^A row was rejected with custom_id_missing \(why\), and on_rejection is set to fail at the first rejected row/,
    ],
    ['at none when all are good', { mode: 'fail' }, good(3), [3], { echoed: [3] }],
    ['not up to the number', { mode: 'fail', max_rows: 2 }, [...good(9), ...missing(2)], [11], { echoed: [11] }],
    [
      'beyond the number',
      { mode: 'fail', max_rows: 2 },
      [...good(9), ...missing(3)],
      [],
      /^3 rows were rejected, the last one with .+ but on_rejection allows at most 2/,
    ],
    ['not up to the share', { mode: 'fail', max_share: 0.1 }, [...good(90), ...missing(10)], [100], { echoed: [100] }],
    [
      'beyond the share',
      { mode: 'fail', max_share: 0.1 },
      [...good(89), ...missing(11)],
      [89, 100],
      {
        echoed: [89],
        error: /^11 of 100 rows were rejected, most often with custom_id_missing \(11\).+share of 0.1/,
      },
    ],
    [
      'beyond the share in a small sync, at its end',
      { mode: 'fail', max_share: 0.1 },
      [...good(1), ...missing(1)],
      [2],
      { echoed: [], error: /^1 of 2 rows/ },
    ],
    [
      'beyond the share among the first rows: undecided',
      { mode: 'fail', max_share: 0.1 },
      [...missing(1), ...good(19)],
      [1, 20],
      { echoed: [1, 20] },
    ],
    [
      'beyond the number, though the share is kept',
      { mode: 'fail', max_share: 0.5, max_rows: 1 },
      [...good(9), ...missing(2)],
      [],
      /^2 rows/,
    ],
  ])('%s', (_, options, rows, states, expected) => {
    const result = judged(options, rows, ...states);
    if (expected instanceof RegExp) expect(result.error).toMatch(expected);
    else {
      const { error, ...others } = expected as { error?: RegExp };
      expect(result).toMatchObject(others);
      if (error !== undefined) expect(result.error).toMatch(error);
      else expect(result.error).toBeUndefined();
    }
  });
});
