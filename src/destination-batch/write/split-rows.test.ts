import { describe, expect, test } from 'vitest';
import type { Outcome } from '../delivery/post-updates.ts';
import { SplitRows } from './split-rows.ts';

const ACCEPTED: Outcome = { kind: 'accepted' };
const rejected = (reason: string, onlyAttributes: boolean): Outcome => ({
  kind: 'rejected',
  rejection: { code: 'refused_by_batch', reason },
  onlyAttributes,
});

describe('a row in several parts is settled with its last part', () => {
  const NONE_LEFT = rejected('each attribute', true);
  const REFUSED = rejected('the update', false);
  test.each<[name: string, outcomes: Outcome[], expected: Outcome]>([
    ['accepted, if all parts are', [ACCEPTED, ACCEPTED], ACCEPTED],
    ['rejected, if Batch refuses an update', [ACCEPTED, REFUSED, NONE_LEFT], REFUSED],
    ['accepted, if Batch refuses only some of its attributes', [NONE_LEFT, ACCEPTED], ACCEPTED],
    ['accepted, if Batch refuses the last of its attributes', [ACCEPTED, NONE_LEFT], ACCEPTED],
    ['rejected, if Batch refuses each of its attributes', [NONE_LEFT, NONE_LEFT], NONE_LEFT],
  ])('%s', (_, outcomes, expected) => {
    const rows = new SplitRows();
    rows.add(outcomes.map((_, part) => part));
    const settled = outcomes.map((outcome, part) => rows.settle(part, outcome));
    expect(settled).toEqual([...outcomes.slice(1).map(() => undefined), expected]);
    expect(rows.isEmpty).toBe(true);
  });
});

test('a row in one part is settled with it', () => {
  const rows = new SplitRows();
  rows.add([7]);
  expect([rows.isEmpty, rows.settle(7, ACCEPTED)]).toEqual([true, ACCEPTED]);
});
