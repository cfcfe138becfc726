import { readFile } from 'node:fs/promises';
import { isLosslessNumber, parse, stringify } from 'lossless-json';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { streamKey } from '../../protocol/catalog.ts';
import { type ConnectorError, codeOf, describeSystemError } from '../../protocol/errors.ts';
import { readTextFile } from '../../protocol/json-file.ts';
import { readStateFile } from '../../protocol/state.ts';
import { syncError } from '../../runner/errors.ts';

/** The mode of the state file. Only its owner can read it, because cursors are values from the user's tables. */
const STATE_FILE_MODE = 0o600;

const streamState = z.looseObject({
  stream: z.looseObject({ stream_descriptor: z.looseObject({ name: z.string(), namespace: z.string().nullish() }) }),
});
const stateEntry = z.union([streamState, z.object({ state: streamState }).transform(({ state }) => state)]);

/**
 * The position of a stream in the source's state: a cursor, or the rows that were emitted inside the lookback, which is the time
 * range that each run reads again.
 */
const position = z.object({
  stream: z.object({
    stream_descriptor: z.object({ name: z.string() }),
    stream_state: z.object({
      cursor: z.string().nullable(),
      cursor_column: z.string(),
      recent_rows: z.looseObject({}).optional(),
    }),
  }),
});

/**
 * The state file: a list with one state per stream, as `read --state` accepts it. All digits and keys are kept unchanged. A save
 * is atomic: whatever happens, the file has either its old content or its new content.
 */
export class StateFile {
  readonly #path: string;
  /** The JSON of the state of each stream, by the key of the stream. */
  readonly #states: Map<string, string>;
  /** The content of the file when this process last read or wrote it; undefined if the file didn't exist. */
  #text: string | undefined;

  private constructor(path: string, text: string | undefined, states: Map<string, string>) {
    this.#path = path;
    this.#text = text;
    this.#states = states;
  }

  /**
   * Reads the file, if it exists.
   *
   * @throws ConnectorError (config_error) if the file can't be read, or doesn't contain states.
   */
  static async open(path: string): Promise<StateFile> {
    const text = await readIfExists(path);
    if (text === undefined) return new StateFile(path, undefined, new Map());
    // `read` treats an empty file as a first run, because platforms create empty files. `sync` never creates an empty file, so this
    // file has been truncated.
    if (text.trim() === '') throw explainInvalidState(path, undefined);
    await readStateFile(path).catch((cause: unknown) => {
      throw explainInvalidState(path, cause);
    });
    return new StateFile(path, text, parseStates(text));
  }

  /** Whether the file exists. */
  get exists(): boolean {
    return this.#text !== undefined;
  }

  /** Whether there is a state of any stream. */
  get hasStates(): boolean {
    return this.#states.size > 0;
  }

  /** Replaces the state of a stream with the one in a STATE message. The next save writes it to the file. */
  put(stream: string, message: string): void {
    this.#states.set(stream, message);
  }

  /**
   * Writes the states to a temporary file, flushes it to the disk, and renames it to the state file.
   *
   * @throws ConnectorError if the file can't be written, or if another process has changed it.
   */
  async save(): Promise<void> {
    if ((await readIfExists(this.#path)) !== this.#text) {
      throw syncError(
        'state_file_changed',
        `The state file ${this.#path} was changed by another process during this run. The file was left as the other process wrote it, because there is no way to know which state is right. Use a state file for only one run at a time.`,
      );
    }
    const states = [...this.#states.values()].map((text) => extractState(text));
    const text = `[\n${states.join(',\n')}\n]\n`;
    try {
      await writeFileAtomic(this.#path, text, { mode: STATE_FILE_MODE });
    } catch (cause) {
      throw syncError(
        'state_file_unwritable',
        `Can't write the state file ${this.#path}: ${describeSystemError(cause)}. The disk may be full, or you can no longer write to the folder. Free some space and run again.`,
        { cause },
      );
    }
    this.#text = text;
  }

  /** Describes the position of each stream: "events: last_updated_at 2026-01-01T00:00:00Z". */
  describePositions(): string[] {
    if (this.#text === undefined) return [];
    return [...parseStates(this.#text).values()].flatMap((text) => {
      const { data } = position.safeParse(JSON.parse(extractState(text)));
      if (data === undefined) return [];
      const { name } = data.stream.stream_descriptor;
      const { cursor, cursor_column, recent_rows } = data.stream.stream_state;
      if (cursor !== null) return `${name}: ${cursor_column} ${cursor}`;
      return recent_rows === undefined ? [] : `${name}: the rows that were read inside the lookback`;
    });
  }
}

/** Explains an invalid state file. The error of `read` is not used: it suggests leaving out --state, but `sync` requires it. */
function explainInvalidState(path: string, cause: unknown): ConnectorError {
  return syncError(
    'state_invalid',
    `The state file ${path} doesn't contain the states of a sync. It may be truncated, edited or a different file. Nothing was read. Restore it from a backup. If you move it away instead, the next run sends all rows again, and Batch receives rows a second time.`,
    { cause },
  );
}

async function readIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    // This call fails too, with an error that explains why the file can't be read.
    return readTextFile('state', path);
  }
}

/** Parses the states in a state file, by stream. If a stream has several states, the last one is used, as in `read`. */
function parseStates(text: string): Map<string, string> {
  const states = new Map<string, string>();
  const value = parse(text);
  for (const entry of Array.isArray(value) ? value : [value]) {
    const { success, data } = stateEntry.safeParse(entry);
    if (success) states.set(streamKey(data.stream.stream_descriptor), stringifyState(entry));
  }
  return states;
}

/** Extracts the JSON of a state from a JSON text that is either a state or a STATE message. */
function extractState(text: string): string {
  const value = parse(text);
  return stringifyState(isMessage(value) ? value.state : value);
}

function isMessage(value: unknown): value is { state: unknown } {
  return typeof value === 'object' && value !== null && !isLosslessNumber(value) && 'state' in value;
}

function stringifyState(value: unknown): string {
  const text = stringify(value);
  if (text === undefined) throw new Error('A state that was read is not JSON.');
  return text;
}
