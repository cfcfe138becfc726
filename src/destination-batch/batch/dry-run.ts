import type { ConnectorError } from '../../protocol/errors.ts';
import { explainFileError } from '../../protocol/file-errors.ts';
import { destinationError } from '../errors.ts';
import type { Endpoint } from './endpoints.ts';
import { LineFile } from './line-file.ts';
import type { BatchResponse } from './responses.ts';

/** Replaces Batch's API in a dry run. Accepts every request, and writes it to a file if one is configured. */
export class DryRun {
  readonly #file: LineFile | undefined;

  private constructor(file: LineFile | undefined) {
    this.#file = file;
  }

  /**
   * Opens a dry run.
   *
   * @param path the file for the requests. It is overwritten. Each line has one request: `{"path":…,"body":[…]}`.
   * @throws ConnectorError (config_error) if the file can't be written to.
   */
  static async open(path: string | undefined): Promise<DryRun> {
    if (path === undefined) return new DryRun(undefined);
    try {
      return new DryRun(await LineFile.open(path, 'w'));
    } catch (error) {
      throw explainWriteError(path, error);
    }
  }

  async post({ path }: Pick<Endpoint, 'path'>, body: Buffer): Promise<BatchResponse> {
    try {
      await this.#file?.append(Buffer.from(`{"path":"${path}","body":`), body, Buffer.from('}'));
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
    `The dry run can't write its requests to ${file}: ${explainFileError(file, error, 'Choose a file in a folder with free space, or remove dry_run_file')}.`,
    { cause: error },
  );
}
