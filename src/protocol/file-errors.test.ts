import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeSystemError } from './errors.ts';
import { explainFileError } from './file-errors.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'file-errors-test-'));
  writeFileSync(join(folder, 'file'), '');
});
afterAll(() => rmSync(folder, { recursive: true }));

function errorOf(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('It did not fail.');
}

test.each<[string, (path: string) => unknown, string, string]>([
  [
    'a folder that does not exist',
    (path) => writeFileSync(path, ''),
    'no folder/state.json',
    "the folder FOLDER/no folder does not exist. Create it (mkdir -p 'FOLDER/no folder')",
  ],
  ['a file that does not exist', readFileSync, 'none', 'no such file or directory. Choose another file'],
  ['a folder in place of a file', readFileSync, '', 'illegal operation on a directory. Choose another file'],
  [
    'a file in place of a folder',
    (path) => writeFileSync(path, ''),
    'file/state.json',
    'not a directory. Choose another file',
  ],
])('explains %s without the code and the system call', (_, work, name, expected) => {
  const path = join(folder, name);
  const explained = explainFileError(
    path,
    errorOf(() => work(path)),
    'Choose another file',
  );
  expect(explained.replaceAll(folder, 'FOLDER')).toBe(expected);
});

test.each([
  ["EACCES: permission denied, open '/root/state.json'", 'permission denied'],
  ['ENOSPC: no space left on device, write', 'no space left on device'],
  ["EROFS: read-only file system, mkdir '/state.json.lock'", 'read-only file system'],
  ['it is not a regular file', 'it is not a regular file'],
])('describes %s', (message, expected) => {
  expect(describeSystemError(new Error(message))).toBe(expected);
});

test('describes an error whose message has only the code', () => {
  const error = Object.assign(new Error('spawn node EMFILE'), { errno: -constants.errno.EMFILE });
  expect(describeSystemError(error)).toBe('too many open files');
});
