import { RejectedFiles } from './rejected-files.ts';
import type { RejectedRowsOptions } from './rejected-options.ts';
import type { RejectedRowStore } from './rejected-rows.ts';

/**
 * The store that a configuration asks for; undefined when rejected rows are not kept.
 *
 * @param startedAt milliseconds since the epoch.
 */
export async function rejectedRowStore(
  options: RejectedRowsOptions,
  startedAt: number,
): Promise<RejectedRowStore | undefined> {
  switch (options.storage_type) {
    case 'None':
      return undefined;
    case 'Local':
      return new RejectedFiles(options.path, startedAt);
    case 'S3':
      return undefined;
  }
}
