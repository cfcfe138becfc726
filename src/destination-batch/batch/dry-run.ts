import { type FileHandle, open } from 'node:fs/promises';
import { type ConnectorError, describeSystemError } from '../../protocol/errors.ts';
import { destinationError } from '../errors.ts';
import type { Endpoint } from './endpoints.ts';
import type { BatchResponse } from './responses.ts';

/** Replaces Batch's API in a dry run: accepts every request, and writes it to a file if one is configured. */
export class DryRun {
  readonly #file: FileHandle | undefined;

  private constructor(file: FileHandle | undefined) {
    this.#file = file;
  }

  /**
   * @param path of the file, which is overwritten, with one request per line: `{"path":…,"body":[…]}`.
   * @throws ConnectorError (config_error) when it can't be written to.
   */
  static async open(path: string | undefined): Promise<DryRun> {
    if (path === undefined) return new DryRun(undefined);
    try {
      return new DryRun(await open(path, 'w'));
    } catch (error) {
      throw explainWriteError(path, error);
    }
  }

  async post({ path }: Pick<Endpoint, 'path'>, body: string): Promise<BatchResponse> {
    try {
      // One write for a line, so that concurrent requests don't mix.
      await this.#file?.appendFile(`{"path":"${path}","body":${body}}\n`);
    } catch (error) {
      throw explainWriteError('dry_run_file', error);
    }
    return { kind: 'accepted', errors: [] };
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }
}

function explainWriteError(file: string, error: unknown): ConnectorError {
  return destinationError(
    'dry_run_unwritable',
    `The requests of the dry run can't be written to ${file}: ${describeSystemError(error)}. Name a file in an existing folder with free space, or remove dry_run_file.`,
    { cause: error },
  );
}
