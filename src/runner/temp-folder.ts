import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../protocol/errors.ts';
import { syncError } from './errors.ts';

/** A folder for this process and its user alone, which is gone when the process is. */
export type TempFolder = { path: string; remove: () => void };

/** @throws ConnectorError (config_error) when no such folder can be made. */
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
    // mkdtemp makes it with mode 700.
    return await mkdtemp(join(tmpdir(), 'clickhouse-to-batch-'));
  } catch (cause) {
    throw syncError(
      'temporary_folder_missing',
      `No folder for temporary files can be made in ${tmpdir()}: ${messageOf(cause)}. It does not exist, is full, or is not yours to write to. Name another one in the variable TMPDIR; in a container with a read-only root, mount one: --tmpfs /tmp.`,
      { cause },
    );
  }
}
