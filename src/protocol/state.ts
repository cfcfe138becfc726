import { z } from 'zod';
import { checkJson, parseJson, readTextFile } from './configuration/json-file.ts';
import { protocolError } from './errors.ts';
import type { StreamDescriptor } from './messages.ts';

const streamStateSchema = z.looseObject({
  type: z.literal('STREAM'),
  stream: z.looseObject({
    stream_descriptor: z.looseObject({ name: z.string(), namespace: z.string().nullish() }),
    stream_state: z.record(z.string(), z.unknown()).nullish(),
  }),
});

const stateMessageSchema = z
  .looseObject({ type: z.literal('STATE'), state: streamStateSchema })
  .transform((message) => message.state);

const stateFileSchema = z.array(z.union([streamStateSchema, stateMessageSchema]));

type StreamStateEntry = z.output<typeof streamStateSchema>;

/** The states that the platform passed to this run, by stream. */
export class InputState {
  readonly #entries: readonly StreamStateEntry[];

  constructor(entries: readonly StreamStateEntry[]) {
    this.#entries = entries;
  }

  /**
   * Finds the state of a stream. An exact match of the name and namespace takes precedence. Otherwise, a stream without a
   * namespace has the state in the default namespace, and a stream with a namespace the state without one. If several states
   * match, the last one is used.
   *
   * @returns undefined if there is no state, or if the stream was reset: platforms then write null or `{}` as its state.
   */
  of({ name, namespace }: StreamDescriptor, defaultNamespace: string): Record<string, unknown> | undefined {
    const withNamespace = (wanted: string | undefined): StreamStateEntry | undefined =>
      this.#entries.findLast(
        ({ stream: { stream_descriptor: found } }) => found.name === name && (found.namespace ?? undefined) === wanted,
      );
    const found = withNamespace(namespace) ?? withNamespace(namespace === undefined ? defaultNamespace : undefined);
    const state = found?.stream.stream_state;
    return state == null || isEmptyObject(state) ? undefined : state;
  }
}

/** Reads the --state file. For a first run, `path` may be undefined. @throws ConnectorError (config_error) as `parseState` does. */
export async function readStateFile(path: string | undefined): Promise<InputState> {
  return path === undefined ? new InputState([]) : parseState(path, await readTextFile('state', path));
}

/**
 * Parses the text of a state. For a first run, it may be empty, `[]`, `{}` or `null`. Otherwise it contains one or more STREAM
 * states, or STATE messages as a sync writes them.
 *
 * @param path where the text was read from, for messages.
 * @throws ConnectorError (config_error) for any other content, such as a GLOBAL or LEGACY state. If such a state were ignored,
 * every event would be sent again.
 */
export function parseState(path: string, text: string): InputState {
  if (text.trim() === '') return new InputState([]);
  const value = parseJson('state', path, text);
  if (value === null || isEmptyObject(value)) return new InputState([]);
  try {
    return new InputState(checkJson('state', path, Array.isArray(value) ? value : [value], stateFileSchema));
  } catch (cause) {
    throw protocolError(
      'state_invalid',
      `The state in ${path} is not a list of STREAM states. It may come from another connector, or be truncated. ` +
        'Pass the STATE messages of the last run unchanged. To start from the first row on purpose, leave out --state or pass [].',
      { cause },
    );
  }
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}
