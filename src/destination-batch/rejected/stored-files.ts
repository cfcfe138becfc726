/** A file or an object of `rejected_rows`. `name` is relative to the folder or to bucket_path. */
export type StoredFile = { name: string; bytes: number };

/**
 * The files of a folder, or the objects of a bucket, of `rejected_rows`. All methods reject with a ConnectorError if the place
 * can't be used.
 */
export interface StoredFiles {
  /** Lists all files, in no particular order. */
  list(): Promise<StoredFile[]>;
  /** Reads a file in parts. Yields nothing if it does not exist. */
  read(name: string): AsyncIterable<Uint8Array>;
  /** Creates or replaces a file, atomically and durably. */
  put(name: string, text: string): Promise<void>;
  /** Removes a file, if it exists. */
  remove(name: string): Promise<void>;
  /**
   * Removes a file, if it exists, unless another process has appended to it.
   *
   * @param bytes the size of the file when it was read.
   * @returns the size of a file that was not removed.
   */
  removeUnlessGrown(name: string, bytes: number): Promise<number | undefined>;
}

/** Reads a small file; returns undefined if it does not exist. */
export async function readWhole(files: Pick<StoredFiles, 'read'>, name: string): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  for await (const part of files.read(name)) parts.push(part);
  return parts.length === 0 ? undefined : Buffer.concat(parts).toString('utf8');
}

/** The parts of an error message that depend on the command. */
export type StorageErrorTexts = {
  /** What failed, before the name of the place: "written to". */
  action: string;
  /** What the error means for the rows, as a sentence. */
  consequence: string;
};

/** The texts for a run of `write`. */
export const WRITE_TEXTS: StorageErrorTexts = {
  action: 'written to',
  consequence: 'The state does not advance past these rows, so the next run reads them again.',
};
