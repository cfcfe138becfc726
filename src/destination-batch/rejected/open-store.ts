import type { ConfiguredCatalog } from '../../protocol/catalog.ts';
import { thisProcess } from '../../shared/process-owner.ts';
import type { RejectedRowsOptions } from '../config/rejection.ts';
import { createRunName } from './file-names.ts';
import type { RejectedRowStore } from './rejected-rows.ts';
import { createRunRecord } from './run-record.ts';
import { WRITE_TEXTS } from './stored-files.ts';

/**
 * Opens the configured store for a run. Returns undefined if rejected rows are not stored.
 *
 * @param catalog the catalog of the run.
 * @param startedAt milliseconds since the epoch.
 * @param retryTimeMs how long a write is retried while the store is unreachable, in milliseconds.
 * @throws ConnectorError (config_error) if the options of the store are inconsistent.
 */
export async function openRejectedRowStore(
  options: RejectedRowsOptions,
  catalog: ConfiguredCatalog,
  startedAt: number,
  retryTimeMs: number,
  texts = WRITE_TEXTS,
): Promise<RejectedRowStore | undefined> {
  const record = createRunRecord(thisProcess(startedAt), catalog);
  const run = createRunName(startedAt);
  // The code of a store is loaded only when it is needed, because the AWS library is large.
  switch (options.storage_type) {
    case 'None':
      return undefined;
    case 'Local': {
      const [{ Folder }, { FileStore }] = await Promise.all([import('./folder.ts'), import('./file-store.ts')]);
      return new FileStore(new Folder(options.path, texts), run, record);
    }
    case 'S3': {
      const [{ Bucket }, { S3Store }] = await Promise.all([import('./bucket.ts'), import('./s3-store.ts')]);
      return new S3Store(await Bucket.open(options, retryTimeMs, texts), run, record);
    }
  }
}
