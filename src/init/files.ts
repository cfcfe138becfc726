import { access } from 'node:fs/promises';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { describeSystemError } from '../protocol/errors.ts';
import { syncError } from '../runner/errors.ts';

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

/**
 * Writes the three files. Each one is written completely or not at all.
 *
 * @throws ConnectorError (config_error) if the folder can't be written to.
 */
export async function writeFiles(folder: string, contents: Record<keyof typeof FILES, object>): Promise<void> {
  for (const [name, content] of [
    [FILES.source, contents.source],
    [FILES.destination, contents.destination],
    [FILES.catalog, contents.catalog],
  ] as const) {
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
}
