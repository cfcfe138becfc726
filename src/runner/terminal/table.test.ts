import { expect, test } from 'vitest';
import { type Cell, layOutStackedTables, layOutWrappedTable } from './table.ts';
import { describeTerminal } from './terminal.ts';

const narrow = describeTerminal({ columns: 30 });
const cells = (...rows: string[][]): Cell[][] => rows.map((row) => row.map((text) => ({ text })));

test('lays out columns as wide as their widest cell', () => {
  expect(layOutStackedTables(cells(['id', 'name'], ['1', 'shirt'], ['200', 'x']), narrow)).toBe(
    'id   name\n1    shirt\n200  x\n',
  );
});

test('moves columns that do not fit into a table below', () => {
  const table = layOutStackedTables(cells(['a'.repeat(14), 'b'.repeat(14), 'c'], ['1', '2', '3']), narrow);
  expect(table).toBe(`${'a'.repeat(14)}  ${'b'.repeat(14)}\n1${' '.repeat(15)}2\n\nc\n3\n`);
});

test('truncates a long cell by its display width', () => {
  expect(layOutStackedTables(cells(['x'.repeat(40)]), narrow)).toBe(`${'x'.repeat(25)}…\n`);
  expect(layOutStackedTables(cells(['好'.repeat(20)]), narrow)).toBe(`${'好'.repeat(12)}…\n`);
  expect(layOutStackedTables(cells(['👩‍👧'.repeat(20)]), narrow)).toBe(`${'👩‍👧'.repeat(12)}…\n`);
});

test('wraps the last column of a wrapped table to the width of the terminal', () => {
  const table = layOutWrappedTable(
    cells(['code', 'what was found in the rows of a table'], ['b', 'y'.repeat(50)]),
    narrow,
  );
  expect(table.split('\n').slice(0, 3)).toEqual([
    'code  what was found in the',
    '      rows of a table',
    `b     ${'y'.repeat(24)}`,
  ]);
  for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(30);
});

test('returns no lines for no rows', () => {
  expect(layOutStackedTables([], narrow)).toBe('');
});
