import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

/** The limits of CONTRIBUTING.md for the code, tests not counted. */
const MAX_FILES_PER_FOLDER = 14;
const MAX_LINES_PER_FILE = 400;

const FILES = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter(
  (path) => path.endsWith('.ts') && !path.endsWith('.test.ts'),
);

test('no folder has more files than a reader can take in', () => {
  const counts = new Map<string, number>();
  for (const path of FILES) counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  expect([...counts].filter(([, count]) => count > MAX_FILES_PER_FOLDER)).toEqual([]);
});

test('no file is too long', () => {
  const lengths = FILES.map((path) => [
    path,
    readFileSync(join(import.meta.dirname, path), 'utf8').split('\n').length - 1,
  ]);
  expect(lengths.filter(([, lines]) => Number(lines) > MAX_LINES_PER_FILE)).toEqual([]);
});
