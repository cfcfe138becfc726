import { readFile } from 'node:fs/promises';
import { isLosslessNumber, parse, stringify } from 'lossless-json';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { streamKey } from '../../protocol/catalog.ts';
import { type ConnectorError, codeOf, messageOf } from '../../protocol/errors.ts';
import { readTextFile } from '../../protocol/json-file.ts';
import { readStateFile } from '../../protocol/state.ts';
import { syncError } from '../../runner/errors.ts';

/** Cursors are data: the file is for its owner alone. */
const STATE_FILE_MODE = 0o600;

const streamState = z.looseObject({
  stream: z.looseObject({ stream_descriptor: z.looseObject({ name: z.string(), namespace: z.string().nullish() }) }),
});
const stateEntry = z.union([streamState, z.object({ state: streamState }).transform(({ state }) => state)]);

/** Where a stream stands, as its state says it in the source's words: a cursor, or rows that are remembered one by one. */
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
 * The file that holds a state for each stream, a list of them as `read --state` takes it, and no digit or key otherwise
 * than it came. Whatever happens, the file is whole: the one before, or the one after a save.
 */
export class StateFile {
  readonly #path: string;
  /** The text of the state of each stream, by the key of the stream. */
  readonly #states: Map<string, string>;
  /** What the file holds, as we know it; undefined when there is none. */
  #text: string | undefined;

  private constructor(path: string, text: string | undefined, states: Map<string, string>) {
    this.#path = path;
    this.#text = text;
    this.#states = states;
  }

  /**
   * Reads the file, or finds that there is none yet.
   *
   * @throws ConnectorError (config_error) when it can't be read or is no file of states.
   */
  static async open(path: string): Promise<StateFile> {
    const text = await readIfExists(path);
    if (text === undefined) return new StateFile(path, undefined, new Map());
    // `read` takes it for a first run, as platforms make such. We write none: it was cut off, by a full disk or a slip.
    if (text.trim() === '') throw explainInvalidState(path, undefined);
    await readStateFile(path).catch((cause: unknown) => {
      throw explainInvalidState(path, cause);
    });
    return new StateFile(path, text, parseStates(text));
  }

  /** Whether there is a file to read from. */
  get exists(): boolean {
    return this.#text !== undefined;
  }

  /** Whether it says of any stream how far that was read. */
  get hasStates(): boolean {
    return this.#states.size > 0;
  }

  /** Takes the state in a STATE message in the place of the stream's last one. It is kept by the next save. */
  put(stream: string, message: string): void {
    this.#states.set(stream, message);
  }

  /**
   * Writes the states: to a file beside it, which is forced to the disk and takes its name then.
   *
   * @throws ConnectorError when it can't be written, or is no longer as we left it.
   */
  async save(): Promise<void> {
    if ((await readIfExists(this.#path)) !== this.#text) {
      throw syncError(
        'state_file_changed',
        `The state file ${this.#path} was changed by somebody else while this run was under way. What they wrote is left as it is, as nobody can tell which of the two is right. Let one run at a time use a state file.`,
      );
    }
    const states = [...this.#states.values()].map((text) => extractState(text));
    const text = `[\n${states.join(',\n')}\n]\n`;
    try {
      await writeFileAtomic(this.#path, text, { mode: STATE_FILE_MODE });
    } catch (cause) {
      throw syncError(
        'state_file_unwritable',
        `The state file ${this.#path} can't be written: ${messageOf(cause)}. The disk may be full, or the folder no longer be yours to write to. Make room and run again.`,
        { cause },
      );
    }
    this.#text = text;
  }

  /** Where the file has each stream that was read, for a person: "events: last_updated_at 2026-01-01T00:00:00Z". */
  describePositions(): string[] {
    if (this.#text === undefined) return [];
    return [...parseStates(this.#text).values()].flatMap((text) => {
      const { data } = position.safeParse(JSON.parse(extractState(text)));
      if (data === undefined) return [];
      const { name } = data.stream.stream_descriptor;
      const { cursor, cursor_column, recent_rows } = data.stream.stream_state;
      if (cursor !== null) return `${name}: ${cursor_column} ${cursor}`;
      return recent_rows === undefined ? [] : `${name}: the rows of the lookback that were read`;
    });
  }
}

/** What `read` says of such a file is advice for who need not give one. */
function explainInvalidState(path: string, cause: unknown): ConnectorError {
  return syncError(
    'state_invalid',
    `The state file ${path} does not hold the states of a sync: it was cut off or edited, or is another file. Nothing was read. Restore it from a backup, or move it away: the next run then sends all rows again, and Batch gets those that it has a second time.`,
    { cause },
  );
}

async function readIfExists(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    // It fails as well, and says so in words.
    return readTextFile('state', path);
  }
}

/** The states in the text of a file of states, by stream. Of several for one stream the last counts, as for `read`. */
function parseStates(text: string): Map<string, string> {
  const states = new Map<string, string>();
  const value = parse(text);
  for (const entry of Array.isArray(value) ? value : [value]) {
    const { success, data } = stateEntry.safeParse(entry);
    if (success) states.set(streamKey(data.stream.stream_descriptor), stringifyState(entry));
  }
  return states;
}

/** The text of the state in a text that is one, or a message that holds one. */
function extractState(text: string): string {
  const value = parse(text);
  return stringifyState(isMessage(value) ? value.state : value);
}

function isMessage(value: unknown): value is { state: unknown } {
  return typeof value === 'object' && value !== null && !isLosslessNumber(value) && 'state' in value;
}

function stringifyState(value: unknown): string {
  const text = stringify(value);
  if (text === undefined) throw new Error('A state that was read is no JSON.');
  return text;
}
