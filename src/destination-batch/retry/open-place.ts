import type { RejectedRowsOptions } from '../config/rejection.ts';
import { destinationError } from '../errors.ts';
import type { RetryPlace } from './place.ts';

/**
 * Opens the place of the rejected rows.
 *
 * @param retryTimeMs how long a request is retried while the store is unreachable, in milliseconds.
 * @throws ConnectorError (config_error) if rejected rows are not stored, or if the options are inconsistent.
 */
export async function openRetryPlace(options: RejectedRowsOptions, retryTimeMs: number): Promise<RetryPlace> {
  switch (options.storage_type) {
    case 'None':
      throw destinationError(
        'configuration_invalid',
        "There are no rejected rows to retry, because rejected_rows is not set in the configuration of the destination. Set it to the folder or the bucket where they are stored. Rows that were rejected while it was not set were only counted, so they can't be retried.",
      );
    case 'Local':
      return (await import('./folder-place.ts')).openFolderPlace(options.path);
    case 'S3':
      return (await import('./bucket-place.ts')).openBucketPlace(options, retryTimeMs);
  }
}
