import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { lockStateFile } from './lock.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-lock-test-'));
  path = join(folder, 'state.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const HOLDER = { pid: process.pid, host: hostname(), since: '2026-01-01T00:00:00.000Z' };
const SELF = { ...HOLDER, pid: HOLDER.pid + 1 };

const NOBODY = { stop: new AbortController().signal, onWaiting: () => {}, onLost: () => {} };

/** Has a lock look as if it had been renewed for the last time so many seconds ago. */
function renewLock(secondsAgo: number): Promise<void> {
  const then = Date.now() / 1_000 - secondsAgo;
  utimesSync(`${path}.lock`, then, then);
  return Promise.resolve();
}

/** What a process leaves that was killed so many seconds ago. */
function leftLock(secondsAgo: number, left: Partial<typeof HOLDER> = {}): void {
  mkdirSync(`${path}.lock`);
  renewLock(secondsAgo);
  const pid = left.pid ?? spawnSync(process.execPath, ['--version']).pid;
  writeFileSync(`${path}.lock.json`, JSON.stringify({ ...HOLDER, ...left, pid }));
}

test('a second one is refused, whatever it calls the file, and told who has it; given back, nothing is left', async () => {
  const unlock = await lockStateFile(path, HOLDER, NOBODY);
  const link = `${folder}-link`;
  symlinkSync(folder, link);
  for (const name of [path, join(link, 'state.json')]) {
    await expect(lockStateFile(name, SELF, NOBODY)).rejects.toMatchObject({
      failureType: 'transient_error',
      message: expect.stringMatching(
        `Another run is using the state file .*: process ${process.pid} on .*, since 2026-01-01T00:00:00.000Z\\. .* Wait until it has ended, or stop it`,
      ),
    });
  }
  rmSync(link);
  await unlock?.();
  expect(readdirSync(folder)).toEqual([]);
});

test('a lock that a dead process left long ago is taken over at once', async () => {
  leftLock(11);
  const onWaiting = vi.fn();
  const unlock = await lockStateFile(path, SELF, { ...NOBODY, onWaiting });
  expect(onWaiting).not.toHaveBeenCalled();
  await unlock?.();
});

test.each([
  ['another process', {}],
  ['one of the same number, as in a container that is started again', { pid: SELF.pid }],
  ['a pod that has another one after it', { pid: HOLDER.pid, host: 'another-pod' }],
])('one that %s left just now is waited for', async (_, left) => {
  leftLock(0, left);
  const onWaiting = vi.fn();
  const unlock = await lockStateFile(path, SELF, { ...NOBODY, onWaiting, wait: () => renewLock(11) });
  expect(onWaiting).toHaveBeenCalledWith(expect.stringMatching(/^process \d+ on .*, since 2026-01-01/));
  await unlock?.();
  expect(existsSync(`${path}.lock`)).toBe(false);
});

test('one of another machine that is renewed meanwhile is refused', async () => {
  leftLock(0, { pid: HOLDER.pid, host: 'another-machine' });
  const wait = vi.fn(() => renewLock(0));
  await expect(lockStateFile(path, SELF, { ...NOBODY, wait })).rejects.toMatchObject({
    failureType: 'transient_error',
    message: expect.stringContaining('on another-machine'),
  });
  expect(wait).toHaveBeenCalledTimes(13);
});

test('a signal ends the wait at once; the lock of the dead one is left as it was', { timeout: 5_000 }, async () => {
  leftLock(0);
  const before = readdirSync(folder);
  const stop = new AbortController();
  const unlock = await lockStateFile(path, SELF, { ...NOBODY, stop: stop.signal, onWaiting: () => stop.abort() });
  expect(unlock).toBeUndefined();
  expect(readdirSync(folder)).toEqual(before);
});

test.each([
  ['is not there', (file: string) => join(file, 'nowhere', 'state.json')],
  ['is a file', (file: string) => join(file, 'file', 'state.json')],
])('a folder that %s is a mistake of the user', async (_, pathIn) => {
  writeFileSync(join(folder, 'file'), '');
  await expect(lockStateFile(pathIn(folder), SELF, NOBODY)).rejects.toMatchObject({
    failureType: 'config_error',
    message: expect.stringMatching(/^Can't use the state file .*: .*Choose a file in a folder that exists/),
  });
});

test('what is no ordinary file is refused, as a state that is renamed to it would replace it', async () => {
  for (const other of ['/dev/null', folder]) {
    await expect(lockStateFile(other, SELF, NOBODY)).rejects.toMatchObject({
      code: 'state_file_unusable',
      message: expect.stringMatching(/^Can't use the state file .*: it is not a regular file\./),
    });
  }
});

test('a folder without room is one, too, and no lock is left in it', async () => {
  // Nobody can write to a folder as to a file, as little as to a full disk.
  mkdirSync(`${path}.lock.json`);
  await expect(lockStateFile(path, SELF, NOBODY)).rejects.toMatchObject({ failureType: 'config_error' });
  expect(existsSync(`${path}.lock`)).toBe(false);
});
