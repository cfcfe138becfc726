import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type ConnectorError, codeOf, describeSystemError } from '../../protocol/errors.ts';
import { destinationError } from '../errors.ts';
import type { RejectedRowStore } from './rejected-rows.ts';

/** The mode of the files. Rows contain personal data, so only the user that runs the connector can read them. */
const MODE = 0o600;

/** The maximum number of characters of a stream's name in a file name. */
const NAME_CHARACTERS = 40;

type OpenFile = { path: string; handle: FileHandle; bytes: number };

/** The files of one stream: the open file for confirmed rows, and the path of the file for each unconfirmed piece. */
type StreamFiles = { base: string; confirmed: OpenFile | undefined; pieces: Map<string, string> };

/**
 * Stores rejected rows in a folder. Each stream has a file for its confirmed rows, `STREAM-START-RANDOM.ndjson`.
 * Unconfirmed rows are in separate files, `STREAM-START-RANDOM.unconfirmed-PIECE.ndjson`. The store never writes to a
 * file of another run. For the meaning of confirmed rows and pieces, see RejectedRowStore.
 */
export class FileStore implements RejectedRowStore {
  readonly #folder: string;
  readonly #startedAt: number;
  readonly #streams = new Map<string, StreamFiles>();

  /** @param startedAt milliseconds since the epoch. */
  constructor(folder: string, startedAt: number) {
    this.#folder = folder;
    this.#startedAt = startedAt;
  }

  async checkWritable(): Promise<void> {
    await this.#explainErrors(async () => {
      const path = join(this.#folder, `.probe-${createRunName(this.#startedAt)}`);
      const handle = await open(path, 'wx', MODE);
      try {
        await handle.writeFile('{}\n');
        await handle.sync();
      } finally {
        await handle.close();
        await unlink(path);
      }
    });
  }

  async spill(stream: string, piece: string, lines: string): Promise<void> {
    await this.#explainErrors(async () => {
      const { base, pieces } = this.#filesOf(stream);
      const path = pieces.get(piece) ?? `${base}.unconfirmed-${piece}.ndjson`;
      // The file is not kept open, because there may be many files.
      const handle = await open(path, pieces.has(piece) ? 'a' : 'ax', MODE);
      pieces.set(piece, path);
      try {
        await handle.appendFile(lines);
      } finally {
        await handle.close();
      }
    });
  }

  async confirm(stream: string, pieces: readonly string[], lines: string): Promise<void> {
    await this.#explainErrors(async () => {
      const files = this.#filesOf(stream);
      files.confirmed ??= await this.#create(`${files.base}.ndjson`);
      const paths = pieces.map((piece) => files.pieces.get(piece)).filter((path) => path !== undefined);
      await appendDurably(files.confirmed, paths, lines);
      for (const piece of pieces) files.pieces.delete(piece);
      for (const path of paths) await unlink(path);
    });
  }

  locations(): { confirmed: string[]; unconfirmed: string[] } {
    const files = [...this.#streams.values()];
    return {
      confirmed: files.flatMap(({ confirmed }) => (confirmed === undefined ? [] : [confirmed.path])),
      unconfirmed: files.flatMap(({ pieces }) => [...pieces.values()]),
    };
  }

  async close(): Promise<void> {
    for (const { confirmed } of this.#streams.values()) await confirmed?.handle.close();
  }

  #filesOf(stream: string): StreamFiles {
    let files = this.#streams.get(stream);
    if (files === undefined) {
      const base = join(this.#folder, `${toFileName(stream)}-${createRunName(this.#startedAt)}`);
      files = { base, confirmed: undefined, pieces: new Map() };
      this.#streams.set(stream, files);
    }
    return files;
  }

  async #create(path: string): Promise<OpenFile> {
    const handle = await open(path, 'ax', MODE);
    await this.#syncFolder();
    return { path, handle, bytes: 0 };
  }

  /**
   * Makes the name of a new file durable. Otherwise a power cut could lose the file, even if its content is durable.
   */
  async #syncFolder(): Promise<void> {
    const handle = await open(this.#folder, 'r');
    try {
      await handle.sync();
    } catch (error) {
      // Some file systems can't sync a folder.
      if (codeOf(error) !== 'EINVAL' && codeOf(error) !== 'EPERM') throw error;
    } finally {
      await handle.close();
    }
  }

  async #explainErrors(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      throw explainStoreError(this.#folder, error);
    }
  }
}

/**
 * Appends the content of other files and then `lines`, and makes them durable. After an error, truncates the file to
 * its previous length, because half a line would corrupt it.
 */
async function appendDurably(file: OpenFile, others: readonly string[], lines: string): Promise<void> {
  const { bytes } = file;
  try {
    for (const path of others) for await (const chunk of createReadStream(path)) await append(file, chunk);
    await append(file, lines);
    await file.handle.sync();
  } catch (error) {
    await file.handle.truncate(bytes).catch(() => undefined);
    throw error;
  }
}

async function append(file: OpenFile, content: string | Buffer): Promise<void> {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  await file.handle.appendFile(bytes);
  file.bytes += bytes.length;
}

/** Returns a name for this run: its start time and a random suffix. */
export function createRunName(startedAt: number): string {
  const stamp = new Date(startedAt).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  return `${stamp}-${randomBytes(4).toString('hex')}`;
}

/** Converts the name of a stream to a part of a file name, without characters that are special in a path. */
export function toFileName(stream: string): string {
  const plain = stream.replaceAll(/[^\p{L}\p{N}_-]+/gu, '_').slice(0, NAME_CHARACTERS);
  return plain === '' ? 'stream' : plain;
}

/** What an error of the file system means and what to do about it. The keys are Node's error codes. */
const MEANINGS: Record<string, string> = {
  ENOENT: 'The folder does not exist. Create it; in a container, mount it',
  ENOTDIR: 'The path is not a folder. Give the path of a folder',
  EACCES: "The connector's user has no write permission. Change the owner or the mode of the folder",
  EPERM: "The connector's user has no write permission. Change the owner or the mode of the folder",
  EROFS: 'The file system is read-only. Mount it for writing',
  ENOSPC: 'The disk is full. Free some space',
  EDQUOT: 'The disk quota is used up. Free some space',
  EFBIG: 'A file would exceed the size limit. Raise the limit (ulimit -f)',
};

function explainStoreError(folder: string, error: unknown): ConnectorError {
  const meaning = MEANINGS[codeOf(error)];
  return destinationError(
    meaning === undefined ? 'rejected_rows_unavailable' : 'rejected_rows_unwritable',
    `Rejected rows can't be written to the folder ${folder} (rejected_rows.path). ${meaning ?? `${describeSystemError(error)}. The disk may be failing`}. The state does not advance past these rows, so the next run reads them again.`,
    { cause: error },
  );
}
