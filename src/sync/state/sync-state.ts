import { isLosslessNumber, parse, stringify } from 'lossless-json';
import { z } from 'zod';
import { streamKey } from '../../protocol/catalog.ts';
import type { ConnectorError } from '../../protocol/errors.ts';
import { parseState } from '../../protocol/state.ts';
import { syncError } from '../../runner/errors.ts';
import type { StreamPosition } from '../result.ts';
import type { StateStore } from './store.ts';

const streamState = z.looseObject({
  stream: z.looseObject({ stream_descriptor: z.looseObject({ name: z.string(), namespace: z.string().nullish() }) }),
});
const stateEntry = z.union([streamState, z.object({ state: streamState }).transform(({ state }) => state)]);

/**
 * The position of a stream in the source's state: a cursor, and the rows that were emitted inside the lookback, which is the time
 * range that each run reads again. Either of them may be missing.
 */
const position = z.object({
  stream: z.object({
    stream_descriptor: z.object({ name: z.string(), namespace: z.string().nullish() }),
    stream_state: z.object({
      cursor: z.string().nullable(),
      cursor_column: z.string(),
      recent_rows: z.looseObject({}).optional(),
    }),
  }),
});

/** The number of characters of a timestamp up to its second. The source groups the rows inside the lookback by second. */
const SECOND_LENGTH = 19;

/**
 * The state of a sync: a list with one state per stream, as `read --state` accepts it. All digits and keys are kept unchanged.
 */
export class SyncState {
  readonly #store: Pick<StateStore, 'writeState'>;
  /** The JSON of the state of each stream, by the key of the stream. */
  readonly #states: Map<string, string>;
  #text: string | undefined;
  #positions: ReadonlyMap<string, SavedPosition> | undefined;

  private constructor(store: Pick<StateStore, 'writeState'>, text: string | undefined, states: Map<string, string>) {
    this.#store = store;
    this.#text = text;
    this.#states = states;
  }

  /**
   * Reads the state, if there is one.
   *
   * @throws ConnectorError (config_error) if the store can't be read, or doesn't contain states.
   */
  static async open(store: Pick<StateStore, 'location' | 'readState' | 'writeState'>): Promise<SyncState> {
    const text = await store.readState();
    if (text === undefined) return new SyncState(store, undefined, new Map());
    // `read` treats an empty file as a first run, because platforms create empty files. `sync` never creates an empty file, so this
    // file has been truncated.
    if (text.trim() === '') throw explainInvalidState(store.location, undefined);
    try {
      parseState(store.location, text);
    } catch (cause) {
      throw explainInvalidState(store.location, cause);
    }
    return new SyncState(store, text, parseStates(text));
  }

  /** The text in the store; undefined if there is no state yet. */
  get text(): string | undefined {
    return this.#text;
  }

  /** Whether any stream has a state. */
  get hasStates(): boolean {
    return this.#states.size > 0;
  }

  /** Replaces the state of a stream with the one in a STATE message. The next save writes it to the store. */
  put(stream: string, message: string): void {
    this.#states.set(stream, message);
  }

  /** Writes the states to the store. @throws ConnectorError if that fails, or if another process has changed the state. */
  async save(): Promise<void> {
    const states = [...this.#states.values()].map((text) => extractState(text));
    const text = `[\n${states.join(',\n')}\n]\n`;
    await this.#store.writeState(text);
    this.#text = text;
    this.#positions = undefined;
  }

  /** The position of each stream whose state in the store contains a position, by the key of the stream. */
  get positions(): ReadonlyMap<string, SavedPosition> {
    this.#positions ??= this.#text === undefined ? new Map() : parsePositions(this.#text);
    return this.#positions;
  }

  /** Describes the position of each stream: "events: last_updated_at 2026-01-01T00:00:00Z". */
  describePositions(): string[] {
    return [...this.positions.values()].flatMap(({ name, cursorColumn, cursor, newest }) => {
      if (cursor !== null) return `${name}: ${cursorColumn} ${cursor}`;
      return newest === undefined ? [] : `${name}: the rows that were read inside the lookback`;
    });
  }
}

/** The position of a stream in the store, with the name of the stream. */
export type SavedPosition = StreamPosition & { name: string; namespace: string | undefined };

function parsePositions(text: string): Map<string, SavedPosition> {
  const positions = new Map<string, SavedPosition>();
  for (const [key, state] of parseStates(text)) {
    const { data } = position.safeParse(JSON.parse(extractState(state)));
    if (data === undefined) continue;
    const { name, namespace } = data.stream.stream_descriptor;
    const { cursor, cursor_column, recent_rows } = data.stream.stream_state;
    const newest = findNewest(cursor, Object.keys(recent_rows ?? {}));
    positions.set(key, { name, namespace: namespace ?? undefined, cursorColumn: cursor_column, cursor, newest });
  }
  return positions;
}

/** @param recent the times of the rows inside the lookback: timestamps up to the second, or days. */
function findNewest(cursor: string | null, recent: readonly string[]): string | undefined {
  const last = recent.toSorted().at(-1);
  if (last === undefined || (cursor !== null && cursor.slice(0, last.length) >= last)) return cursor ?? undefined;
  return last.length === SECOND_LENGTH ? `${last}Z` : last;
}

/** Explains an invalid state file. The error of `read` is not used: it suggests leaving out --state, but `sync` requires it. */
function explainInvalidState(path: string, cause: unknown): ConnectorError {
  return syncError(
    'state_invalid',
    `The state file ${path} doesn't contain the states of a sync. It may be truncated, edited or a different file. Nothing was read. Restore it from a backup. If you move it away instead, the next run sends all rows again, and Batch receives rows a second time.`,
    { cause },
  );
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
