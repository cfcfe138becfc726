import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../../src/protocol/errors.ts';

const MEBIBYTES = 16;

/** A device on which there is never room. */
export const FULL_DEVICE = '/dev/full';

/**
 * A folder on a disk that can be filled: a small file system in memory where this user may mount one. Elsewhere it is a
 * folder like any other, and who asks where to write is led to a device that is always full.
 */
export class SmallDisk {
  readonly folder: string;
  readonly #isMounted: boolean;
  #isFull = false;

  private constructor(folder: string, isMounted: boolean) {
    this.folder = folder;
    this.#isMounted = isMounted;
  }

  static open(): SmallDisk {
    const folder = mkdtempSync(join(tmpdir(), 'chaos-disk-'));
    return new SmallDisk(folder, mounts(folder));
  }

  /** Where to write what is to stand at this path of the disk. */
  pathToWrite(path: string): string {
    return this.#isFull && !this.#isMounted ? FULL_DEVICE : path;
  }

  fill(): void {
    this.#isFull = true;
    if (!this.#isMounted) return;
    // In ever smaller pieces, as one that does not fit is not written to its end.
    for (let bytes = MEBIBYTES * 1024 * 1024; bytes >= 1; bytes = Math.floor(bytes / 2)) this.#fillWith(bytes);
  }

  /** There is room again. */
  free(): void {
    this.#isFull = false;
    rmSync(this.#ballast, { force: true });
  }

  /** Removes the disk with all that is on it. */
  close(): void {
    if (this.#isMounted) execFileSync('umount', [this.folder]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #ballast(): string {
    return join(this.folder, 'ballast');
  }

  #fillWith(bytes: number): void {
    const piece = Buffer.alloc(bytes);
    try {
      for (;;) appendFileSync(this.#ballast, piece);
    } catch (error) {
      if (codeOf(error) !== 'ENOSPC') throw error;
    }
  }
}

function mounts(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${MEBIBYTES}m`, 'chaos', folder], { stdio: 'ignore' });
    writeFileSync(join(folder, 'probe'), '');
    rmSync(join(folder, 'probe'));
    return true;
  } catch {
    return false;
  }
}
