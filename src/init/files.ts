import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { describeSystemError } from '../protocol/errors.ts';
import { syncError } from '../runner/errors.ts';
import { isJsonObject, tryParseJson } from '../shared/exact-json.ts';

/** The mode of the files. Only the user can read them, because they contain secrets. */
const MODE = 0o600;

export const FILES = { source: 'source.json', destination: 'destination.json', catalog: 'catalog.json' };

/** Finds which of the three files already exist in a folder. */
export async function findExistingFiles(folder: string): Promise<string[]> {
  const present: string[] = [];
  for (const name of Object.values(FILES)) {
    const exists = await access(join(folder, name)).then(
      () => true,
      () => false,
    );
    if (exists) present.push(name);
  }
  return present;
}

/** Reads the options in a file. A file that is missing, or isn't a JSON object, has none. */
export async function readOptions(folder: string, name: string): Promise<Record<string, unknown>> {
  const value = tryParseJson(await readFile(join(folder, name), 'utf8').catch(() => ''));
  return isJsonObject(value) ? value : {};
}

/** The contents of the files, or of some of them. */
type Contents = Partial<Record<keyof typeof FILES, object>>;

/** Returns the names of the files that have these contents. */
export function listFiles(contents: Contents): string[] {
  return collectFiles(contents).map(([name]) => name);
}

/**
 * Writes files. Each one is written completely or not at all.
 *
 * @returns the names of the files.
 * @throws ConnectorError (config_error) if the folder can't be written to.
 */
export async function writeFiles(folder: string, contents: Contents): Promise<string[]> {
  for (const [name, content] of collectFiles(contents)) {
    const path = join(folder, name);
    try {
      await writeFileAtomic(path, `${JSON.stringify(content, null, 2)}\n`, { mode: MODE });
    } catch (error) {
      throw syncError(
        'configuration_unwritable',
        `Can't write the file ${path}: ${describeSystemError(error)}. Run init in a folder that you can write to.`,
        { cause: error },
      );
    }
  }
  return listFiles(contents);
}

function collectFiles({ source, destination, catalog }: Contents): [name: string, content: object][] {
  const files: [string, object | undefined][] = [
    [FILES.source, source],
    [FILES.destination, destination],
    [FILES.catalog, catalog],
  ];
  return files.flatMap(([name, content]) => (content === undefined ? [] : [[name, content]]));
}
