import { open, unlink } from 'node:fs/promises';
import { destinationError } from '../errors.ts';
import { createStreamNames } from './file-names.ts';
import { FILE_MODE, type Folder, type GrowingFile } from './folder.ts';
import type { RejectedRowStore } from './rejected-rows.ts';
import { type RunRecord, RunRecordKeeper } from './run-record.ts';

/** The files of one stream. */
type StreamFiles = {
  /** The beginning of the names of all these files. */
  base: string;
  /** The files for confirmed rows. Rows are only added to the last one. */
  confirmed: GrowingFile[];
  /** The name of the file for each unconfirmed piece. */
  pieces: Map<string, string>;
};

/**
 * Stores rejected rows in a folder. Each stream has a file for its confirmed rows, `STREAM-START-RANDOM.ndjson`.
 * Unconfirmed rows are in separate files, `STREAM-START-RANDOM.unconfirmed-PIECE.ndjson`. The store never writes to a
 * file of another run. For the meaning of confirmed rows and pieces, see RejectedRowStore.
 */
export class FileStore implements RejectedRowStore {
  readonly run: string;
  readonly #folder: Folder;
  readonly #record: RunRecordKeeper;
  readonly #nameOf = createStreamNames();
  readonly #streams = new Map<string, StreamFiles>();

  /** @param run the name of this run. */
  constructor(folder: Folder, run: string, record: RunRecord) {
    this.#folder = folder;
    this.run = run;
    this.#record = new RunRecordKeeper(folder, run, record);
  }

  async checkWritable(): Promise<void> {
    await this.#folder.explainErrors(async () => {
      const path = this.#folder.pathOf(`.probe-${this.run}`);
      const handle = await open(path, 'wx', FILE_MODE);
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
    await this.#folder.explainErrors(async () => {
      await this.#record.begin();
      const { base, pieces } = this.#filesOf(stream);
      const name = pieces.get(piece) ?? `${base}.unconfirmed-${piece}.ndjson`;
      // The file is not kept open, because there may be many files.
      const handle = await open(this.#folder.pathOf(name), pieces.has(piece) ? 'a' : 'ax', FILE_MODE);
      pieces.set(piece, name);
      try {
        await handle.appendFile(lines);
      } finally {
        await handle.close();
      }
    });
  }

  async confirm(stream: string, pieces: readonly string[], lines: string): Promise<void> {
    await this.#folder.explainErrors(async () => {
      await this.#record.begin();
      const files = this.#filesOf(stream);
      const file = await this.#openConfirmed(files);
      const names = pieces.map((piece) => files.pieces.get(piece)).filter((name) => name !== undefined);
      const paths = names.map((name) => this.#folder.pathOf(name));
      await file.append(lines, paths);
      // If the file was moved in the meantime, another process may already have read it, without these rows.
      if (!(await file.isInPlace())) throw explainMovedFile(file.path);
      for (const piece of pieces) files.pieces.delete(piece);
      for (const path of paths) await unlink(path);
    });
  }

  locations(): { confirmed: string[]; unconfirmed: string[] } {
    const files = [...this.#streams.values()];
    return {
      confirmed: files.flatMap(({ confirmed }) => confirmed.map(({ path }) => path)),
      unconfirmed: files.flatMap(({ pieces }) => [...pieces.values()].map((name) => this.#folder.pathOf(name))),
    };
  }

  position(): Record<string, number> {
    const files = [...this.#streams.values()].flatMap(({ confirmed }) => confirmed);
    return Object.fromEntries(files.map(({ name, bytes }) => [name, bytes]));
  }

  async close(hasEnded: boolean): Promise<void> {
    for (const { confirmed } of this.#streams.values()) for (const file of confirmed) await file.close();
    if (hasEnded) await this.#record.end();
  }

  #filesOf(stream: string): StreamFiles {
    let files = this.#streams.get(stream);
    if (files === undefined) {
      files = { base: `${this.#nameOf(stream)}-${this.run}`, confirmed: [], pieces: new Map() };
      this.#streams.set(stream, files);
    }
    return files;
  }

  /** Opens the file for confirmed rows. If someone has moved or removed it since it was last used, creates another one. */
  async #openConfirmed({ base, confirmed }: StreamFiles): Promise<GrowingFile> {
    const last = confirmed.at(-1);
    if (last !== undefined && (await last.isInPlace())) return last;
    const file = await this.#folder.create(`${base}${confirmed.length === 0 ? '' : `-${confirmed.length + 1}`}.ndjson`);
    confirmed.push(file);
    return file;
  }
}

function explainMovedFile(path: string): Error {
  return destinationError(
    'rejected_rows_unavailable',
    `The file ${path} was moved or removed while rejected rows were written to it. The state does not advance past these rows, so the next run reads them again. Move such files only when no run writes to them.`,
  );
}
