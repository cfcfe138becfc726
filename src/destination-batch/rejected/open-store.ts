import type { RejectedRowsOptions } from '../config/rejection.ts';
import { FileStore } from './file-store.ts';
import type { RejectedRowStore } from './rejected-rows.ts';

/**
 * Opens the configured store. Returns undefined if rejected rows are not stored.
 *
 * @param startedAt milliseconds since the epoch.
 * @param retryTimeMs how long a write is retried while the store is unreachable, in milliseconds.
 * @throws ConnectorError (config_error) if the options of the store are inconsistent.
 */
export async function openRejectedRowStore(
  options: RejectedRowsOptions,
  startedAt: number,
  retryTimeMs: number,
): Promise<RejectedRowStore | undefined> {
  switch (options.storage_type) {
    case 'None':
      return undefined;
    case 'Local':
      return new FileStore(options.path, startedAt);
    case 'S3':
      // Loaded only when needed, because the AWS library is large.
      return (await import('./s3-store.ts')).S3Store.open(options, startedAt, retryTimeMs);
  }
}
