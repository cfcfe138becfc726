import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Writes a file with a name, and its content as JSON unless it is a string. Returns its path. */
export type WriteFile = (name: string, content: unknown) => Promise<string>;

/** Creates a folder, and removes it after its use. */
export async function withTemporaryFolder<T>(use: (file: WriteFile) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'clickhouse-to-batch-bench-'));
  try {
    return await use(async (name, content) => {
      const path = join(folder, name);
      await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
      return path;
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
