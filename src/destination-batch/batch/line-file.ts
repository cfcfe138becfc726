import { type FileHandle, open } from 'node:fs/promises';
import { serial } from '../../shared/async.ts';

/** The mode of a file with requests. Only its owner can read it, because it contains rows. */
const MODE = 0o600;

/** A file with one JSON object per line. Each line is complete, even if several lines are written at the same time. */
export class LineFile {
  readonly #file: FileHandle;
  readonly #inTurn = serial();

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Opens a file. @param flags `w` to overwrite it, `a+` to append to it. @throws the error of the system. */
  static async open(path: string, flags: 'w' | 'a+'): Promise<LineFile> {
    const file = await open(path, flags, MODE);
    try {
      // A full disk may have left an incomplete line.
      if (flags === 'a+' && !(await endsWithLine(file))) await writeAll(file, Buffer.from('\n'));
    } catch (error) {
      await file.close();
      throw error;
    }
    return new LineFile(file);
  }

  /** Writes a line. @param parts the parts of the line, without the line feed at its end. @throws the error of the system. */
  append(...parts: Uint8Array[]): Promise<void> {
    return this.#inTurn(() => writeAll(this.#file, Buffer.concat([...parts, Buffer.from('\n')])));
  }

  /** Closes the file after all lines are written. */
  close(): Promise<void> {
    return this.#inTurn(() => this.#file.close());
  }
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length; ) written += (await file.write(bytes, written)).bytesWritten;
}

async function endsWithLine(file: FileHandle): Promise<boolean> {
  const status = await file.stat();
  // Only a regular file has an end. Others, such as /dev/null, need not be readable.
  if (!status.isFile() || status.size === 0) return true;
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, status.size - 1);
  return buffer.toString() === '\n';
}
