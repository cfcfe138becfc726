import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeSystemError } from '../protocol/errors.ts';
import { syncError } from './errors.ts';

/** A temporary folder that only this user can read. It is removed when this process exits. */
export type TempFolder = { path: string; remove: () => void };

/** Creates a temporary folder. @throws ConnectorError (config_error) if it can't be created. */
export async function createTempFolder(): Promise<TempFolder> {
  const path = await makeTempFolder();
  const remove = (): void => {
    process.removeListener('exit', remove);
    rmSync(path, { recursive: true, force: true });
  };
  process.once('exit', remove);
  return { path, remove };
}

async function makeTempFolder(): Promise<string> {
  try {
    // mkdtemp creates it with mode 700.
    return await mkdtemp(join(tmpdir(), 'clickhouse-to-batch-'));
  } catch (cause) {
    throw syncError(
      'temporary_folder_missing',
      `Can't create a folder for temporary files in ${tmpdir()}: ${describeSystemError(cause)}. ${tmpdir()} may not exist, or its disk may be full or read-only. Set TMPDIR to another folder. In a container with a read-only root, mount one: --tmpfs /tmp.`,
      { cause },
    );
  }
}
