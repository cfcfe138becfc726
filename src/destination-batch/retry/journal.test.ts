import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Folder } from '../rejected/folder.ts';
import { FolderJournal } from './folder-place.ts';
import { Journal, type JournalOptions, type RetryProgress, readProgress } from './journal.ts';
import { RETRY_TEXTS } from './place.ts';

const SINCE = '2026-01-31T03:00:00.000Z';
const HERE = { pid: process.pid, host: 'host-a', since: SINCE };
/** The parent of this process is alive. */
const ALIVE = { ...HERE, pid: process.ppid };
const ELSEWHERE = { ...HERE, host: 'host-b' };
const PROGRESS: RetryProgress = {
  run: 'run',
  position: { 'a.ndjson': 7 },
  files: [{ name: 'b.ndjson', bytes: 9, settled: 1, sending: [[1, 3]] }],
};

let folder: string;
let place: FolderJournal;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'journal-'));
  place = new FolderJournal(new Folder(folder, RETRY_TEXTS));
});
afterEach(() => rm(folder, { recursive: true }));

const never = new AbortController().signal;
const opened: Journal[] = [];
afterEach(async () => {
  for (const journal of opened.splice(0)) await journal.close().catch(() => {});
});

async function open(self = HERE, options: Partial<JournalOptions> = {}): Promise<Journal> {
  const journal = await Journal.open(place, self, {
    stop: never,
    wait: async () => {},
    onWaiting: () => {},
    ...options,
  });
  if (journal === undefined) throw new Error('it was not opened');
  opened.push(journal);
  return journal;
}

test('contains the last saved record, also for a process that only reads it', async () => {
  const journal = await open();
  expect(journal.progress.files).toEqual([]);
  await journal.save(PROGRESS);
  expect(await readProgress(place)).toEqual(PROGRESS);
  // This process has the id of the owner, as after a restart of a container.
  expect((await open()).progress).toEqual(PROGRESS);
});

test('leaves no file after its last record, if nothing is left to do', async () => {
  const journal = await open();
  await journal.save(PROGRESS);
  await journal.close();
  expect((await open(ELSEWHERE, { onWaiting: () => expect.fail('it waited') })).progress).toEqual(PROGRESS);
  const last = opened.at(-1);
  await last?.save({ run: null, position: {}, files: [] });
  await last?.close();
  expect(await readdir(folder)).toEqual([]);
});

test('is refused while its owner on this machine is alive, and names it', async () => {
  await open(ALIVE);
  await expect(open()).rejects.toMatchObject({
    code: 'rejected_rows_locked',
    message: expect.stringMatching(`^Another retry is running: process ${process.ppid} on host-a, since ${SINCE}\\.`),
  });
});

describe('of another machine', () => {
  test('is taken over if it does not change for 15 seconds', async () => {
    const before = await open(ELSEWHERE);
    await before.save(PROGRESS);
    const waits: string[] = [];
    const after = await open(HERE, {
      wait: async (milliseconds) => void waits.push(`${milliseconds}`),
      onWaiting: (owner) => waits.push(owner),
    });
    expect(waits).toEqual([`process ${process.pid} on host-b, since ${SINCE}`, ...Array(15).fill('1000')]);
    expect(after.progress).toEqual(PROGRESS);
    // The owner was only suspended.
    await expect(before.save(PROGRESS)).rejects.toMatchObject({ code: 'rejected_rows_locked' });
    await expect(before.save(PROGRESS)).rejects.toMatchObject({ code: 'rejected_rows_locked' });
    await after.save(PROGRESS);
  });

  test('is refused if it changes', async () => {
    const owner = await open(ELSEWHERE);
    await expect(open(HERE, { wait: () => owner.save(PROGRESS) })).rejects.toMatchObject({
      code: 'rejected_rows_locked',
    });
  });

  test('is taken over at once when its owner ends', async () => {
    const owner = await open(ELSEWHERE);
    let waits = 0;
    const wait = async (): Promise<void> => {
      waits += 1;
      await owner.close();
    };
    await open(HERE, { wait });
    expect(waits).toBe(1);
  });

  test('is not waited for after a signal', async () => {
    await open(ELSEWHERE);
    const stop = new AbortController();
    const wait = async (): Promise<void> => stop.abort();
    await expect(open(HERE, { stop: stop.signal, wait })).rejects.toThrow('it was not opened');
  });
});

describe('of two processes that take it over at once', () => {
  test('one gets it', async () => {
    await writeFile(join(folder, '.retry-000001.ndjson'), '');
    const version = await place.read();
    const taken = await Promise.all(['a', 'b', 'c'].map((text) => place.take(version, () => text)));
    expect(taken.filter((each) => each !== undefined)).toHaveLength(1);
    // Its number depends on how many of them created a file.
    expect(await readdir(folder)).toEqual([expect.stringMatching(/^\.retry-00000[234]\.ndjson$/)]);
    for (const each of taken) await each?.close(false);
  });

  test('neither loses the progress if a third one was killed during its first write', async () => {
    const first = await open();
    await first.save(PROGRESS);
    await writeFile(join(folder, '.retry-000002.ndjson'), '{"incompl');
    expect((await open()).progress).toEqual(PROGRESS);
    expect(await readdir(folder)).toEqual(['.retry-000003.ndjson']);
  });
});

test('is not ignored if it is unreadable', async () => {
  await writeFile(join(folder, '.retry-000001.ndjson'), '{"version":2}\n');
  await expect(open()).rejects.toMatchObject({
    code: 'rejected_rows_unwritable',
    message: expect.stringMatching(/can't be read\. It may have been written by a later version/),
  });
});
