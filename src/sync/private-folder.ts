import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for this process and its user alone, which is gone when the process is. */
export type PrivateFolder = { path: string; remove: () => void };

export async function privateFolder(): Promise<PrivateFolder> {
  // mkdtemp makes it with mode 700.
  const path = await mkdtemp(join(tmpdir(), 'clickhouse-to-batch-'));
  const remove = (): void => {
    process.removeListener('exit', remove);
    rmSync(path, { recursive: true, force: true });
  };
  process.once('exit', remove);
  return { path, remove };
}
