import { expect, test } from 'vitest';
import { parseJson } from './json.ts';
import { listRejectedUpdates } from './rejected-updates.ts';

const { print } = parseJson('[9007199254740993]');
const first = { identifiers: { custom_id: 'u1' }, events: [] };
const second = { identifiers: { installation: 'x' } };
const call = { updates: [first, second], print };

function error(bulk_index: number, reason = 'so') {
  return { bulk_index, category: 'update', reason };
}

test('returns each error with its update', () => {
  expect(listRejectedUpdates([error(1), error(0, 'a'), error(0, 'b'), error(2)], call, 9)).toEqual([
    { ...error(1), custom_id: null, update: JSON.stringify(second) },
    { ...error(0, 'a'), custom_id: 'u1', update: JSON.stringify(first) },
    { ...error(0, 'b'), custom_id: 'u1', update: JSON.stringify(first) },
    { ...error(2), custom_id: null, update: null },
  ]);
});

test('prints only the updates of the last errors', () => {
  let printed = 0;
  const counting = { ...call, print: () => String(++printed) };
  expect(listRejectedUpdates([error(0), error(1), error(1)], counting, 2)).toMatchObject([error(1), error(1)]);
  expect(printed).toBe(1);
});
