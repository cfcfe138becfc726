import { expect, test } from 'vitest';
import type { PartialError } from './answers.ts';
import { REASONS_KEPT, RejectionReasons } from './rejection-reasons.ts';

function errorOf(reason: string, attribute?: string): PartialError {
  return { bulk_index: 0, category: 'event', ...(attribute !== undefined && { attribute }), reason };
}

test('counts equal reasons together, the most frequent first, with the last ones as examples', () => {
  const reasons = new RejectionReasons();
  const errors = [
    errorOf('a string of 301 characters, at most 300 are allowed (in events[0])', 'items[0].note'),
    ...[0, 1, 2].map((index) => errorOf(`events[${index}]: time is over 24 hours ago`)),
    errorOf('a string of 999 characters, at most 300 are allowed (in events[4])', 'items[12].note'),
  ];
  const entries = errors.slice(-2).map((error, seq) => {
    return { seq, time: 'then', request: 0, custom_id: 'u', update: '{}', ...error };
  });
  reasons.add(errors, entries, 'then');
  reasons.add(errors.slice(1, 2), [], 'later');
  expect(reasons.list(9)).toEqual([
    { category: 'event', reason: 'time is over 24 hours ago', count: 4, last_time: 'later', examples: [entries[0]] },
    {
      category: 'event',
      attribute: 'items[].note',
      reason: 'a string of more than 300 characters',
      count: 2,
      last_time: 'then',
      examples: [entries[1]],
    },
  ]);
  expect(reasons.list(1)).toHaveLength(1);
  reasons.clear();
  expect(reasons.list(9)).toEqual([]);
});

test('keeps a limited number of reasons, and still counts those', () => {
  const reasons = new RejectionReasons();
  for (let n = 0; n <= REASONS_KEPT; n += 1) reasons.add([errorOf(`reason ${n}`)], [], '');
  reasons.add([errorOf('reason 0')], [], '');
  const listed = reasons.list(2 * REASONS_KEPT);
  expect([listed.length, listed[0]?.count, listed.at(-1)?.reason]).toEqual([
    REASONS_KEPT,
    2,
    `reason ${REASONS_KEPT - 1}`,
  ]);
});
