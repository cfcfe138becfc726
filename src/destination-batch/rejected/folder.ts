import { createReadStream } from 'node:fs';
import { type FileHandle, open, readdir, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConnectorError, codeOf, describeSystemError } from '../../protocol/errors.ts';
import { quoteForShell } from '../../shared/statement.ts';
import { destinationError } from '../errors.ts';
import type { StorageErrorTexts, StoredFile, StoredFiles } from './stored-files.ts';

/** The mode of the files. Rows contain personal data, so only the user that runs the connector can read them. */
export const FILE_MODE = 0o600;

/** The folder of `rejected_rows`. */
export class Folder implements StoredFiles {
  readonly #path: string;
  readonly #texts: StorageErrorTexts;

  constructor(path: string, texts: StorageErrorTexts) {
    this.#path = path;
    this.#texts = texts;
  }

  pathOf(name: string): string {
    return join(this.#path, name);
  }

  list(): Promise<StoredFile[]> {
    return this.explainErrors(async () => {
      const files: StoredFile[] = [];
      for (const name of await readdir(this.#path)) {
        const found = await ifExists(stat(this.pathOf(name)));
        if (found?.isFile()) files.push({ name, bytes: found.size });
      }
      return files;
    });
  }

  async *read(name: string): AsyncGenerator<Uint8Array> {
    try {
      yield* createReadStream(this.pathOf(name));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw this.#explain(error);
    }
  }

  /**
   * write-file-atomic is not used, because it listens for signals. When a file exceeds the size limit, the signal
   * SIGXFSZ would then kill the process.
   */
  put(name: string, text: string): Promise<void> {
    return this.explainErrors(async () => {
      const temporary = this.pathOf(`${name}.${process.pid}`);
      try {
        await writeFile(temporary, text, { mode: FILE_MODE, flush: true });
        await rename(temporary, this.pathOf(name));
      } catch (error) {
        await unlink(temporary).catch(() => undefined);
        throw error;
      }
      await this.sync();
    });
  }

  remove(name: string): Promise<void> {
    return this.explainErrors(async () => {
      await ifExists(unlink(this.pathOf(name)));
    });
  }

  removeUnlessGrown(name: string, bytes: number): Promise<number | undefined> {
    return this.explainErrors(async () => {
      const found = await ifExists(stat(this.pathOf(name)));
      if (found !== undefined && found.size > bytes) return found.size;
      await this.remove(name);
      return undefined;
    });
  }

  /** Lists the names of all files and folders. */
  names(): Promise<string[]> {
    return this.explainErrors(() => readdir(this.#path));
  }

  exists(name: string): Promise<boolean> {
    return this.explainErrors(async () => (await ifExists(stat(this.pathOf(name)))) !== undefined);
  }

  /**
   * Creates a file for appending, and makes its name durable.
   *
   * @throws Error with Node's code EEXIST if it exists already. Errors are not explained: see `explainErrors`.
   */
  async create(name: string): Promise<GrowingFile> {
    const path = this.pathOf(name);
    const file = new GrowingFile(name, path, await open(path, 'ax', FILE_MODE));
    await this.sync();
    return file;
  }

  /** Makes the names of new files durable. Otherwise a power cut could lose a file, even if its content is durable. */
  async sync(): Promise<void> {
    const handle = await open(this.#path, 'r');
    try {
      await handle.sync();
    } catch (error) {
      // Some file systems can't sync a folder.
      if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'EPERM') throw error;
    } finally {
      await handle.close();
    }
  }

  /** Runs `work`, and explains its errors. */
  async explainErrors<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.#explain(error);
    }
  }

  #explain(error: unknown): ConnectorError {
    if (error instanceof ConnectorError) return error;
    const code = codeOf(error);
    const meaning =
      code === 'ENOENT'
        ? `The folder does not exist. Create it (mkdir -p ${quoteForShell(this.#path)}); in a container, mount it`
        : MEANINGS[code];
    return destinationError(
      meaning === undefined ? 'rejected_rows_unavailable' : 'rejected_rows_unwritable',
      `Rejected rows can't be ${this.#texts.action} the folder ${this.#path} (rejected_rows.path). ${meaning ?? `${describeSystemError(error)}. The disk may be failing`}. ${this.#texts.consequence}`,
      { cause: error },
    );
  }
}

/** A file of a run that is open for appending. Errors are not explained: see `Folder.explainErrors`. */
export class GrowingFile {
  readonly name: string;
  readonly path: string;
  readonly #handle: FileHandle;
  #bytes = 0;

  constructor(name: string, path: string, handle: FileHandle) {
    this.name = name;
    this.path = path;
    this.#handle = handle;
  }

  /** The size of the durable content. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Appends the content of other files and then `lines`, and makes them durable. After an error, truncates the file to
   * its previous length, because half a line would corrupt it.
   */
  async append(lines: string, others: readonly string[] = []): Promise<void> {
    let added = 0;
    const add = async (bytes: Buffer): Promise<void> => {
      await this.#handle.appendFile(bytes);
      added += bytes.length;
    };
    try {
      for (const path of others) for await (const chunk of createReadStream(path)) await add(chunk);
      await add(Buffer.from(lines));
      await this.#handle.sync();
      this.#bytes += added;
    } catch (error) {
      await this.#handle.truncate(this.#bytes).catch(() => undefined);
      throw error;
    }
  }

  /** Checks that the file is still in its place, and was not moved or removed. */
  async isInPlace(): Promise<boolean> {
    const found = await ifExists(stat(this.path));
    return found !== undefined && found.ino === (await this.#handle.stat()).ino;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** Resolves to undefined if the file does not exist. */
async function ifExists<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** What an error of the file system means and what to do about it. The keys are Node's error codes. */
const MEANINGS: Record<string, string> = {
  ENOTDIR: 'The path is not a folder. Give the path of a folder',
  EACCES: "The connector's user has no permission to read and write there. Change the owner or the mode of the folder",
  EPERM: "The connector's user has no permission to read and write there. Change the owner or the mode of the folder",
  EROFS: 'The file system is read-only. Mount it for writing',
  ENOSPC: 'The disk is full. Free some space',
  EDQUOT: 'The disk quota is used up. Free some space',
  EFBIG: 'A file would exceed the size limit. Raise the limit (ulimit -f)',
};
