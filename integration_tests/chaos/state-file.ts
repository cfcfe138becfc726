import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { codeOf } from '../../src/protocol/errors.ts';
import type { StateName } from './journal.ts';
import type { SmallDisk } from './small-disk.ts';

/** The state that the platform saves for the next run. The file always contains one complete state. */
export class StateFile {
  readonly path: string;
  readonly #disk: SmallDisk;
  #saved: StateName | undefined;

  constructor(disk: SmallDisk, path: string) {
    this.#disk = disk;
    this.path = path;
  }

  /** The state in the file; undefined while there is no file. */
  get saved(): StateName | undefined {
    return this.#saved;
  }

  /** Replaces the state in the file. On a full disk, the previous state remains. */
  save(name: StateName, line: string): void {
    const unfinished = `${this.path}.unfinished`;
    try {
      writeFileSync(this.#disk.pathToWrite(unfinished), line, { flush: true });
      renameSync(unfinished, this.path);
      this.#saved = name;
    } catch (error) {
      rmSync(unfinished, { force: true });
      if (codeOf(error) !== 'ENOSPC') throw error;
    }
  }
}
