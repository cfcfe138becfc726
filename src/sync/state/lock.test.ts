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

const NO_LISTENERS = {
  stop: new AbortController().signal,
  onWaiting: () => {},
  onLost: () => {},
  onUncertain: () => {},
};

/** Sets the time at which the lock was last renewed. */
function renewLock(secondsAgo: number): Promise<void> {
  const then = Date.now() / 1_000 - secondsAgo;
  utimesSync(`${path}.lock`, then, then);
  return Promise.resolve();
}

/** Creates the lock of a process that was killed some seconds ago. */
function leftLock(secondsAgo: number, left: Partial<typeof HOLDER> = {}): void {
  mkdirSync(`${path}.lock`);
  renewLock(secondsAgo);
  const pid = left.pid ?? spawnSync(process.execPath, ['--version']).pid;
  writeFileSync(`${path}.lock.json`, JSON.stringify({ ...HOLDER, ...left, pid }));
}

test('refuses a second lock, whatever the file is called, and names its owner; unlocking removes all files', async () => {
  const unlock = await lockStateFile(path, HOLDER, NO_LISTENERS);
  const link = `${folder}-link`;
  symlinkSync(folder, link);
  for (const name of [path, join(link, 'state.json')]) {
    await expect(lockStateFile(name, SELF, NO_LISTENERS)).rejects.toMatchObject({
      failureType: 'transient_error',
      message: expect.stringMatching(
        `Another run is using the state file .*: process ${process.pid} on .*, since 2026-01-01T00:00:00.000Z\\. .* Wait until the other run has ended, or stop it`,
      ),
    });
  }
  rmSync(link);
  await unlock?.();
  expect(readdirSync(folder)).toEqual([]);
});

test('takes over the stale lock of a dead process at once', async () => {
  leftLock(11);
  const onWaiting = vi.fn();
  const unlock = await lockStateFile(path, SELF, { ...NO_LISTENERS, onWaiting });
  expect(onWaiting).not.toHaveBeenCalled();
  await unlock?.();
});

test.each([
  ['another process', {}],
  ['a process with the same id, as in a restarted container,', { pid: SELF.pid }],
  ['a pod that was replaced', { pid: HOLDER.pid, host: 'another-pod' }],
])('waits for a lock that %s left just now', async (_, left) => {
  leftLock(0, left);
  const onWaiting = vi.fn();
  const unlock = await lockStateFile(path, SELF, { ...NO_LISTENERS, onWaiting, wait: () => renewLock(11) });
  expect(onWaiting).toHaveBeenCalledWith(expect.stringMatching(/^process \d+ on .*, since 2026-01-01/), 10_000);
  await unlock?.();
  expect(existsSync(`${path}.lock`)).toBe(false);
});

test('refuses a lock of another machine that is renewed during the wait', async () => {
  leftLock(0, { pid: HOLDER.pid, host: 'another-machine' });
  const wait = vi.fn(() => renewLock(0));
  await expect(lockStateFile(path, SELF, { ...NO_LISTENERS, wait })).rejects.toMatchObject({
    failureType: 'transient_error',
    message: expect.stringContaining('on another-machine'),
  });
  expect(wait).toHaveBeenCalledTimes(13);
});

test('SIGTERM ends the wait at once, and leaves the other lock unchanged', { timeout: 5_000 }, async () => {
  leftLock(0);
  const before = readdirSync(folder);
  const stop = new AbortController();
  const unlock = await lockStateFile(path, SELF, { ...NO_LISTENERS, stop: stop.signal, onWaiting: () => stop.abort() });
  expect(unlock).toBeUndefined();
  expect(readdirSync(folder)).toEqual(before);
});

test.each([
  [
    'does not exist',
    'no where/state.json',
    /: the folder \S+\/no where does not exist\. Create it \(mkdir -p '\S+\/no where'\)\.$/,
  ],
  ['is a file', 'file/state.json', /: not a directory\. Choose a file in a folder that has free space/],
])('a folder that %s is a config_error', async (_, name, message) => {
  writeFileSync(join(folder, 'file'), '');
  await expect(lockStateFile(join(folder, name), SELF, NO_LISTENERS)).rejects.toMatchObject({
    failureType: 'config_error',
    message: expect.stringMatching(message),
  });
});

test('refuses a device or folder, which the state would replace', async () => {
  for (const other of ['/dev/null', folder]) {
    await expect(lockStateFile(other, SELF, NO_LISTENERS)).rejects.toMatchObject({
      code: 'state_file_unusable',
      message: expect.stringMatching(/^Can't use the state file .*: it is not a regular file\./),
    });
  }
});

test('a folder without space is a config_error, and no lock is left in it', async () => {
  // Writing to a folder fails as on a full disk.
  mkdirSync(`${path}.lock.json`);
  await expect(lockStateFile(path, SELF, NO_LISTENERS)).rejects.toMatchObject({ failureType: 'config_error' });
  expect(existsSync(`${path}.lock`)).toBe(false);
});
