import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GrowingFile } from './folder.ts';
import { openRejectedRowStore } from './open-store.ts';
import type { RejectedRowStore } from './rejected-rows.ts';

let folder: string;
let store: RejectedRowStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'file-store-'));
  const opened = await openRejectedRowStore({ storage_type: 'Local', path: folder }, { streams: [] }, 0, 0);
  if (opened === undefined) throw new Error('A folder is configured.');
  store = opened;
});
afterEach(async () => {
  vi.restoreAllMocks();
  await store.close(false);
  await rm(folder, { recursive: true });
});

const names = async (): Promise<string[]> => (await readdir(folder)).filter((name) => !name.startsWith('.')).toSorted();
const contents = async (): Promise<string[]> =>
  Promise.all((await names()).map((name) => readFile(join(folder, name), 'utf8')));

test('a file that was moved between two states is followed by another one', async () => {
  await store.confirm('s', [], '1\n');
  const [name = ''] = await names();
  await rename(join(folder, name), join(folder, 'moved'));
  await store.confirm('s', [], '2\n');
  await store.confirm('s', [], '3\n');
  expect(await contents()).toEqual(['1\n', '2\n3\n'].toReversed().toSorted());
});

test('a file that is moved while it is written fails the sync', async () => {
  await store.confirm('s', [], '1\n');
  const { append } = GrowingFile.prototype;
  vi.spyOn(GrowingFile.prototype, 'append').mockImplementation(async function (this: GrowingFile, ...args) {
    await append.apply(this, args);
    await rename(this.path, join(folder, 'moved'));
  });
  await expect(store.confirm('s', [], '2\n')).rejects.toMatchObject({
    code: 'rejected_rows_unavailable',
    message: expect.stringMatching(/was moved or removed while .+the next run reads them again/),
  });
});

test('streams whose names differ only in other characters have different files', async () => {
  await store.confirm('a.b', [], '1\n');
  await store.confirm('a/b', [], '2\n');
  expect(await names()).toEqual([
    expect.stringMatching(/^a_b-19700101T000000Z-[0-9a-f]{8}\.ndjson$/),
    expect.stringMatching(/^a_b_2-19700101T000000Z-[0-9a-f]{8}\.ndjson$/),
  ]);
  expect(await contents()).toEqual(['1\n', '2\n']);
});

test('the record of a run says whether it has ended', async () => {
  const isEnded = async (): Promise<boolean> => {
    const [record = ''] = (await readdir(folder)).filter((name) => name.startsWith('.run-'));
    return JSON.parse(await readFile(join(folder, record), 'utf8')).ended;
  };
  await store.spill('s', '0', '1\n');
  expect(await isEnded()).toBe(false);
  await store.close(true);
  expect(await isEnded()).toBe(true);
});
