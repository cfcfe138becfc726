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
import { lockStateFile } from './state-lock.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'state-lock-test-'));
  path = join(folder, 'state.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const NOBODY = { onWaiting: () => {}, onLost: () => {} };

/** What a process leaves that was killed so many seconds ago. */
function leftLock(secondsAgo: number): void {
  const { pid } = spawnSync(process.execPath, ['--version']);
  mkdirSync(`${path}.lock`);
  const then = Date.now() / 1_000 - secondsAgo;
  utimesSync(`${path}.lock`, then, then);
  writeFileSync(`${path}.lock.json`, JSON.stringify({ pid, host: hostname(), since: '2026-01-01T00:00:00.000Z' }));
}

test('a second one is refused, whatever it calls the file, and told who has it; given back, nothing is left', async () => {
  const unlock = await lockStateFile(path, Date.UTC(2026, 0, 1), NOBODY);
  const link = `${folder}-link`;
  symlinkSync(folder, link);
  for (const name of [path, join(link, 'state.json')]) {
    await expect(lockStateFile(name, 0, NOBODY)).rejects.toMatchObject({
      failureType: 'transient_error',
      message: expect.stringMatching(
        `Another run has the state file .*: process ${process.pid} on .*, since 2026-01-01T00:00:00.000Z\\. .* Wait until it has ended, or stop it`,
      ),
    });
  }
  rmSync(link);
  await unlock();
  expect(readdirSync(folder)).toEqual([]);
});

test('a lock that a dead process left long ago is taken over at once', async () => {
  leftLock(11);
  const onWaiting = vi.fn();
  const unlock = await lockStateFile(path, 0, { ...NOBODY, onWaiting });
  expect(onWaiting).not.toHaveBeenCalled();
  await unlock();
});

test('one that it left just now is waited for', async () => {
  leftLock(9.5);
  const onWaiting = vi.fn();
  const unlock = await lockStateFile(path, 0, { ...NOBODY, onWaiting });
  expect(onWaiting).toHaveBeenCalledWith(expect.stringMatching(/^process \d+ on .*, since 2026-01-01/));
  await unlock();
  expect(existsSync(`${path}.lock`)).toBe(false);
});

test.each([
  ['is not there', (file: string) => join(file, 'nowhere', 'state.json')],
  ['is a file', (file: string) => join(file, 'file', 'state.json')],
])('a folder that %s is a mistake of the user', async (_, pathIn) => {
  writeFileSync(join(folder, 'file'), '');
  await expect(lockStateFile(pathIn(folder), 0, NOBODY)).rejects.toMatchObject({
    failureType: 'config_error',
    message: expect.stringMatching(/can't be kept there: .*Check that its folder exists/),
  });
});
