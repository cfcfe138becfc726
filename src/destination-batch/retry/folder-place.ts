import { copyFile, rename, truncate, unlink } from 'node:fs/promises';
import { codeOf } from '../../protocol/errors.ts';
import { parseRowFileName } from '../rejected/file-names.ts';
import { Folder, type GrowingFile } from '../rejected/folder.ts';
import { readWhole } from '../rejected/stored-files.ts';
import type { JournalPlace, JournalVersion, OwnedJournal } from './journal.ts';
import { RETRY_TEXTS, type RetryPlace } from './place.ts';

/** Opens the folder of rejected rows for a retry. */
export function openFolderPlace(path: string): RetryPlace {
  const folder = new Folder(path, RETRY_TEXTS);
  return {
    files: folder,
    journal: new FolderJournal(folder),
    locate: (name) => folder.pathOf(name),
    rollBack: (run, position) => rollBack(folder, run, position),
    close: () => {},
  };
}

async function rollBack(folder: Folder, run: string, position: Readonly<Record<string, number>>): Promise<void> {
  for (const { name, bytes } of await folder.list()) {
    if (parseRowFileName(name)?.run !== run) continue;
    const valid = position[name] ?? 0;
    if (valid === 0) await folder.remove(name);
    else if (bytes > valid) await shorten(folder, name, valid);
  }
}

/**
 * Replaces a file with a copy of its first bytes. The file itself is not truncated, because a suspended retry may still append to
 * it.
 */
async function shorten(folder: Folder, name: string, bytes: number): Promise<void> {
  await folder.explainErrors(async () => {
    const copy = folder.pathOf('.retry-copy');
    await copyFile(folder.pathOf(name), copy);
    await truncate(copy, bytes);
    await rename(copy, folder.pathOf(name));
    await folder.sync();
  });
}

const JOURNAL_FILE = /^\.retry-(\d{6})\.ndjson$/;
const NUMBER_DIGITS = 6;

function journalName(number: number): string {
  return `.retry-${String(number).padStart(NUMBER_DIGITS, '0')}.ndjson`;
}

/**
 * A journal in numbered files. Each owner has its own file, and appends records to it. The process that creates the file with the
 * next number becomes the next owner. After each record, an owner checks that its file is still the last one. So either the next
 * owner reads the record, or the owner before it knows that it has lost the journal.
 */
export class FolderJournal implements JournalPlace {
  readonly #folder: Folder;

  constructor(folder: Folder) {
    this.#folder = folder;
  }

  async read(): Promise<JournalVersion | undefined> {
    const number = (await this.#numbers()).at(-1);
    return number === undefined ? undefined : this.#readFile(number);
  }

  async take(
    version: JournalVersion | undefined,
    createText: (last: string | undefined) => string,
  ): Promise<OwnedJournal | undefined> {
    if ((await this.read())?.token !== version?.token) return undefined;
    const numbers = await this.#numbers();
    const number = (numbers.at(-1) ?? 0) + 1;
    const file = await this.#create(number);
    if (file === undefined) return undefined;
    // The last record is read only now, because the previous owner may have added records until this file was created.
    const owned = new OwnedFile(this.#folder, file, number);
    try {
      if (await owned.write(createText(await this.#readLast(numbers)))) {
        for (const before of numbers) await this.#folder.remove(journalName(before));
        return owned;
      }
    } catch (error) {
      await owned.close(false);
      throw error;
    }
    await owned.close(false);
    return undefined;
  }

  async #numbers(): Promise<number[]> {
    const numbers = (await this.#folder.names()).flatMap((name) => {
      const [, digits] = JOURNAL_FILE.exec(name) ?? [];
      return digits === undefined ? [] : [Number(digits)];
    });
    return numbers.sort((a, b) => a - b);
  }

  async #readFile(number: number): Promise<JournalVersion> {
    const content = (await readWhole(this.#folder, journalName(number))) ?? '';
    // The last line may be incomplete.
    const text = content.split('\n').slice(0, -1).at(-1);
    return { text, token: `${number} ${content.length}` };
  }

  /** Returns the last record. It may be in an earlier file, because an owner that was killed early has written none. */
  async #readLast(numbers: readonly number[]): Promise<string | undefined> {
    for (const number of numbers.toReversed()) {
      const { text } = await this.#readFile(number);
      if (text !== undefined) return text;
    }
    return undefined;
  }

  #create(number: number): Promise<GrowingFile | undefined> {
    return this.#folder.explainErrors(async () => {
      try {
        return await this.#folder.create(journalName(number));
      } catch (error) {
        if (codeOf(error) === 'EEXIST') return undefined;
        throw error;
      }
    });
  }
}

class OwnedFile implements OwnedJournal {
  readonly #folder: Folder;
  readonly #file: GrowingFile;
  readonly #next: string;

  constructor(folder: Folder, file: GrowingFile, number: number) {
    this.#folder = folder;
    this.#file = file;
    this.#next = journalName(number + 1);
  }

  write(text: string): Promise<boolean> {
    return this.#folder.explainErrors(async () => {
      await this.#file.append(`${text}\n`);
      return (await this.#file.isInPlace()) && !(await this.#folder.exists(this.#next));
    });
  }

  async close(isFinished: boolean): Promise<void> {
    await this.#folder.explainErrors(async () => {
      if (isFinished) await unlink(this.#file.path);
      await this.#file.close();
    });
  }
}
