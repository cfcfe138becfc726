import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '../../src/protocol/errors.ts';

const MEBIBYTES = 16;

/** A device that is always full. */
export const FULL_DEVICE = '/dev/full';

/**
 * A folder on a disk that can be filled: a small file system in memory, if this user may mount one. Otherwise it is an ordinary
 * folder, and while it should be full, `pathToWrite` returns a device that is always full.
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
    return new SmallDisk(folder, mountSmall(folder));
  }

  /** Returns where to write a file for this path. */
  pathToWrite(path: string): string {
    return this.#isFull && !this.#isMounted ? FULL_DEVICE : path;
  }

  fill(): void {
    this.#isFull = true;
    if (!this.#isMounted) return;
    // Write smaller and smaller pieces: the last piece of each size does not fit.
    for (let bytes = MEBIBYTES * 1024 * 1024; bytes >= 1; bytes = Math.floor(bytes / 2)) this.#fillWith(bytes);
  }

  /** Removes what `fill` has written. */
  free(): void {
    this.#isFull = false;
    rmSync(this.#ballast, { force: true });
  }

  /** Removes the disk and its files. */
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

/** Mounts a small file system in memory at a folder. Returns whether that was possible. */
function mountSmall(folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${MEBIBYTES}m`, 'chaos', folder], { stdio: 'ignore' });
    writeFileSync(join(folder, 'probe'), '');
    rmSync(join(folder, 'probe'));
    return true;
  } catch {
    return false;
  }
}
