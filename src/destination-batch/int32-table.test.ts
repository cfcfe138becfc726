import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Int32Table } from './int32-table.ts';

test('returns the last number of each place, and 0 where nothing was set, however far the table has grown', () => {
  const places = fc.tuple(fc.nat(5_000), fc.nat(2), fc.integer());
  fc.assert(
    fc.property(fc.array(places), (entries) => {
      const table = new Int32Table(3);
      const expected = new Map<string, number>();
      for (const [row, column, value] of entries) {
        table.reserve(row);
        table.set(row, column, value);
        expected.set(`${row} ${column}`, value);
      }
      for (const [row] of entries) {
        for (const column of [0, 1, 2]) {
          expect(table.get(row, column)).toBe(expected.get(`${row} ${column}`) ?? 0);
        }
      }
    }),
  );
});

test('has no number in a row that does not exist', () => {
  expect(new Int32Table(2).get(1_000_000, 1)).toBe(0);
});
