import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { codeOf } from '../../src/protocol/errors.ts';
import type { StateName } from './journal.ts';
import type { SmallDisk } from './small-disk.ts';

/** The state that a platform keeps for the next run: the whole of one, or that of before. */
export class StateFile {
  readonly path: string;
  readonly #disk: SmallDisk;
  #kept: StateName | undefined;

  constructor(disk: SmallDisk, path: string) {
    this.#disk = disk;
    this.path = path;
  }

  /** Which state is in it; undefined while there is no file. */
  get kept(): StateName | undefined {
    return this.#kept;
  }

  /** Puts a state into it. On a full disk the one of before stays. */
  keep(name: StateName, line: string): void {
    const unfinished = `${this.path}.unfinished`;
    try {
      writeFileSync(this.#disk.pathToWrite(unfinished), line, { flush: true });
      renameSync(unfinished, this.path);
      this.#kept = name;
    } catch (error) {
      rmSync(unfinished, { force: true });
      if (codeOf(error) !== 'ENOSPC') throw error;
    }
  }
}
