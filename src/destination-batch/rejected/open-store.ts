import type { RejectedRowsOptions } from '../config/rejection.ts';
import { FileStore } from './file-store.ts';
import type { RejectedRowStore } from './rejected-rows.ts';

/**
 * Opens the configured store; returns undefined when rejected rows are not kept.
 *
 * @param startedAt milliseconds since the epoch.
 * @param retryTimeMs how long writing is retried while a store is unreachable, in milliseconds.
 * @throws ConnectorError (config_error) when its options do not go together.
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
      // Loaded only when needed: its library is large.
      return (await import('./s3-store.ts')).S3Store.open(options, startedAt, retryTimeMs);
  }
}
