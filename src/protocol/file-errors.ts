import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { quoteForShell } from '../shared/statement.ts';
import { codeOf, describeSystemError } from './errors.ts';

/**
 * Explains why a file can't be written, in one or more sentences without the last full stop. The most common reason is that its
 * folder does not exist.
 *
 * @param advice what to do about any other reason.
 */
export function explainFileError(path: string, error: unknown, advice: string): string {
  const folder = dirname(path);
  if (codeOf(error) === 'ENOENT' && !existsSync(folder)) {
    return `the folder ${folder} does not exist. Create it (mkdir -p ${quoteForShell(folder)})`;
  }
  return `${describeSystemError(error)}. ${advice}`;
}
