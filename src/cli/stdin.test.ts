import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { readFileInParts } from './stdin.ts';

const folder = mkdtempSync(join(tmpdir(), 'stdin-'));
const path = join(folder, 'rows.txt');

afterAll(() => rmSync(folder, { recursive: true }));

async function withFile<T>(content: string, use: (file: number) => Promise<T>): Promise<T> {
  writeFileSync(path, content);
  const file = openSync(path, 'r');
  try {
    return await use(file);
  } finally {
    closeSync(file);
  }
}

test.each([0, 1, 7, 8, 9, 16, 100])('reads a file of %i bytes in parts', async (length) => {
  const content = 'abcdefghijklm'.repeat(10).slice(0, length);
  await withFile(content, async (file) => {
    const parts: string[] = [];
    for await (const part of readFileInParts(file, 8)) parts.push(String(part));
    expect(parts.join('')).toBe(content);
    expect(parts.every((part) => part.length <= 8)).toBe(true);
  });
});

test('uses two buffers in turn, and leaves a part unchanged until the next one is requested', async () => {
  const content = Array.from({ length: 50 }, (_, index) => `${index}`.padStart(7, '.')).join('\n');
  await withFile(content, async (file) => {
    let read = '';
    const buffers = new Set<unknown>();
    for await (const part of readFileInParts(file, 8)) {
      // Meanwhile, the next part is read.
      for (let turn = 0; turn < 5; turn += 1) await setImmediate();
      read += String(part);
      buffers.add(part.buffer);
    }
    expect(read).toBe(content);
    expect(buffers.size).toBe(2);
  });
});

test('reads a file from its current position', async () => {
  await withFile('first\nsecond\n', async (file) => {
    readSync(file, Buffer.alloc(6));
    const parts: string[] = [];
    for await (const part of readFileInParts(file)) parts.push(String(part));
    expect(parts).toEqual(['second\n']);
  });
});

test('reports an error of a read', async () => {
  const file = openSync(folder, 'r');
  await expect(async () => {
    for await (const _ of readFileInParts(file)) break;
  }).rejects.toThrow('EISDIR');
  closeSync(file);
});
