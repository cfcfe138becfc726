import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { EmittedRows, type StoredEmittedRows } from './emitted-rows.ts';

/** A cursor at a second after midnight. */
function at(second: number, fraction = 0): string {
  return `2026-01-01T00:00:${String(second).padStart(2, '0')}.${fraction}Z`;
}

/** Reads rows in the order of their cursors. Returns what is emitted and what is stored in the state. */
function runPass(
  rows: readonly { second: number; hash: string }[],
  stored: StoredEmittedRows | undefined,
  lookbackStart: string | undefined,
  upTo: string | null = null,
): { emitted: string[]; stored: StoredEmittedRows | undefined } {
  const known = new EmittedRows(stored, lookbackStart);
  const emitted: string[] = [];
  for (const { second, hash } of rows.toSorted((a, b) => a.second - b.second)) {
    if (known.recognize(at(second), hash)) continue;
    known.add(at(second), hash);
    emitted.push(hash);
  }
  return { emitted, stored: known.serialize(upTo) };
}

describe('EmittedRows', () => {
  test('recognises a row that the last pass emitted, and not one that appeared since', () => {
    const first = runPass([{ second: 5, hash: '1' }], undefined, at(0));
    expect(first.emitted).toEqual(['1']);
    const rows = [
      { second: 5, hash: '1' },
      { second: 5, hash: '2' },
      { second: 3, hash: '3' },
    ];
    expect(runPass(rows, first.stored, at(0)).emitted).toEqual(['3', '2']);
  });

  test('recognises equal rows only as often as they were emitted', () => {
    const alike = { second: 5, hash: '18446744073709551615' };
    const first = runPass([alike, alike], undefined, at(0));
    expect(runPass([alike, alike], first.stored, at(0)).emitted).toEqual([]);
    expect(runPass([alike, alike, alike], first.stored, at(0)).emitted).toEqual([alike.hash]);
  });

  test('remembers a row only while it is inside the lookback', () => {
    const rows = [
      { second: 5, hash: '1' },
      { second: 9, hash: '2' },
    ];
    const first = runPass(rows, undefined, at(0));
    expect(Object.keys(first.stored ?? {})).toEqual(['2026-01-01T00:00:05', '2026-01-01T00:00:09']);
    const second = runPass(rows, first.stored, at(7));
    expect(second.emitted).toEqual([]);
    expect(Object.keys(second.stored ?? {})).toEqual(['2026-01-01T00:00:09']);
    expect(runPass(rows.slice(1), second.stored, at(30)).stored).toBeUndefined();
  });

  test('forgets a row that is gone from the table once the position is after it', () => {
    const first = runPass([{ second: 5, hash: '1' }], undefined, at(0));
    expect(runPass([], first.stored, at(7), at(4)).stored).toEqual(first.stored);
    expect(runPass([], first.stored, at(7), at(5)).stored).toEqual(first.stored);
    expect(runPass([], first.stored, at(7), at(6)).stored).toBeUndefined();
  });

  test('remembers no row without a lookback', () => {
    expect(runPass([{ second: 5, hash: '1' }], undefined, undefined).stored).toBeUndefined();
  });
});

test('I3: deduplicates in the lookback, so passes over a growing table emit each row once', () => {
  const anyRow = fc.record({ second: fc.integer({ min: 0, max: 12 }), hash: fc.constantFrom('1', '2', '3') });
  fc.assert(
    fc.property(fc.array(fc.array(anyRow, { maxLength: 12 }), { maxLength: 6 }), (arrivals) => {
      const table: { second: number; hash: string }[] = [];
      const emitted: string[] = [];
      let stored: StoredEmittedRows | undefined;
      for (const rows of arrivals) {
        table.push(...rows);
        const result = runPass(table, stored, at(0));
        emitted.push(...result.emitted);
        stored = JSON.parse(JSON.stringify(result.stored ?? {}));
      }
      expect(emitted.toSorted()).toEqual(table.map(({ hash }) => hash).toSorted());
    }),
  );
});

describe('mustExamine', () => {
  const stored = runPass([{ second: 5, hash: '1' }], undefined, at(0)).stored;

  test.each<[string, EmittedRows, string | null, string, boolean]>([
    ['is true for rows inside the lookback', new EmittedRows(undefined, at(9)), at(1), at(9), true],
    ['is false for rows before the lookback', new EmittedRows(undefined, at(9)), at(1), at(8), false],
    ['is true from the first row on, if rows were emitted', new EmittedRows(stored, at(9)), null, at(2), true],
    ['is true for rows that may have been emitted', new EmittedRows(stored, at(9)), at(4), at(8), true],
    ['is true within the second of the last emitted row', new EmittedRows(stored, at(9)), at(5), at(8), true],
    ['is false after that second', new EmittedRows(stored, at(9)), at(6), at(8), false],
    ['is false if no row was emitted', new EmittedRows({}, at(9)), null, at(8), false],
    ['is false without a lookback', new EmittedRows(undefined, undefined), null, at(8), false],
  ])('%s', (_, emitted, after, upTo, expected) => {
    expect(emitted.mustExamine(after, upTo)).toBe(expected);
  });
});

test('the size is the number of remembered rows', () => {
  const emitted = new EmittedRows(undefined, at(5));
  emitted.add(at(4), '1');
  emitted.add(at(5), '1');
  emitted.add(at(6), '1');
  expect(emitted.size).toBe(2);
  const next = new EmittedRows(emitted.serialize(null), at(6));
  expect(next.size).toBe(2);
  expect(next.recognize(at(5), '1')).toBe(true);
  expect(next.size).toBe(1);
  expect(next.recognize(at(6), '1')).toBe(true);
  expect(next.size).toBe(1);
});

describe('areRestamped', () => {
  const read = (stored: StoredEmittedRows | undefined, now: string, rows: number, fraction: number): EmittedRows => {
    const emitted = new EmittedRows(stored, at(0), now);
    for (let row = 0; row < rows; row++) {
      const hash = `${10 * fraction + row}`;
      if (!emitted.recognize(at(9, fraction), hash)) emitted.add(at(9, fraction), hash);
    }
    return emitted;
  };

  test('detects rows whose timestamp changes with each read, also within one second', () => {
    const first = read(undefined, at(9, 1), 5, 2);
    expect(first.areRestamped).toBe(false);
    expect(read(first.serialize(null), at(9, 3), 5, 4).areRestamped).toBe(true);
  });

  test('is false for rows that stay, and for new rows with a timestamp before the read', () => {
    const first = read(undefined, at(9, 1), 5, 2);
    expect(read(first.serialize(null), at(9, 3), 5, 2).areRestamped).toBe(false);
    expect(read(first.serialize(null), at(9, 5), 5, 4).areRestamped).toBe(false);
  });

  test('is false if fewer new rows appear than rows are gone', () => {
    const first = read(undefined, at(9, 1), 5, 2);
    expect(read(first.serialize(null), at(9, 3), 4, 4).areRestamped).toBe(false);
  });
});
