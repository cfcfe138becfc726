import { readFile } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import { readTextFile } from '../../protocol/configuration/json-file.ts';
import { codeOf, describeSystemError } from '../../protocol/errors.ts';
import { syncError } from '../../runner/errors.ts';
import type { ProcessOwner } from '../../shared/process-owner.ts';
import { explainChangedState } from './conflicts.ts';
import { lockStateFile, readLockOfFile, resolveRealPath } from './lock.ts';
import type { LockOptions, LockStatus, StateStore } from './store.ts';

/** The mode of the files. Only their owner can read them, because cursors are values from the user's tables. */
const FILE_MODE = 0o600;

/** Keeps the state in a file, and the records of the runs in a second file next to it: `<state>.runs.json`. */
export class FileStateStore implements StateStore {
  readonly location: string;
  /** The content of the state file when this process last read or wrote it; undefined if the file didn't exist. */
  #text: string | undefined;

  /** @param path the path of the state file. */
  constructor(path: string) {
    this.location = path;
  }

  async readState(): Promise<string | undefined> {
    this.#text = await readIfExists(this.location);
    return this.#text;
  }

  /** Writes the text to a temporary file, flushes it to the disk, and renames it to the state file. */
  async writeState(text: string): Promise<void> {
    const path = this.location;
    if ((await readIfExists(path)) !== this.#text) throw explainChangedState(path);
    try {
      await writeFileAtomic(path, text, { mode: FILE_MODE });
    } catch (cause) {
      throw syncError(
        'state_file_unwritable',
        `Can't write the state file ${path}: ${describeSystemError(cause)}. The disk may be full, or you can no longer write to the folder. Free some space and run again.`,
        { cause },
      );
    }
    this.#text = text;
  }

  async readRuns(): Promise<string | undefined> {
    const path = await this.#runsPath();
    try {
      return await readFile(path, 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw syncError('file_unreadable', `Can't read ${path}: ${describeSystemError(error)}.`, { cause: error });
    }
  }

  async writeRuns(text: string): Promise<void> {
    const path = await this.#runsPath();
    try {
      await writeFileAtomic(path, text, { mode: FILE_MODE });
    } catch (cause) {
      throw syncError('state_file_unwritable', `Can't write ${path}: ${describeSystemError(cause)}.`, { cause });
    }
  }

  lock(self: ProcessOwner, options: LockOptions): Promise<(() => Promise<void>) | undefined> {
    return lockStateFile(this.location, self, options);
  }

  readLock(): Promise<LockStatus> {
    return readLockOfFile(this.location);
  }

  /**
   * Returns the path of the records. Like the lock, they are next to the real file, so that every run finds them, whatever path
   * it uses for the file.
   */
  async #runsPath(): Promise<string> {
    return `${await resolveRealPath(this.location)}.runs.json`;
  }
}

async function readIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    // This call fails too, with an error that explains why the file can't be read.
    return readTextFile('state', path);
  }
}
