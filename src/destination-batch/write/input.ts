import { isWarningOrWorse } from '../../protocol/messages.ts';
import { viewOf } from '../../shared/byte-pattern.ts';
import { hasInexactNumber, isJsonObject, parseExact, tryParseJson } from '../../shared/exact-json.ts';
import type { Row } from '../mapping/mapper.ts';

/** The name and the namespace of a stream, as a message contains them. */
export type StreamName = { name: string; namespace: string | undefined };

/**
 * A line on stdin, classified by how the destination handles it. In a pipe without a platform, stdin also contains
 * messages that a platform would handle, such as the logs of the source.
 */
export type InputMessage =
  /** A row. `line` is the original line. */
  | { kind: 'record'; stream: StreamName; data: Row; line: string }
  /** A state. `line` is the original line; `stream` is undefined if the state covers all streams. */
  | { kind: 'state'; line: string; stream: StreamName | undefined }
  /** A TRACE message with an error of the source. */
  | { kind: 'source_error'; message: string }
  /** A LOG message of the source at level WARN or above. */
  | { kind: 'source_warning'; message: string }
  /** Any other message of the source, such as its progress. */
  | { kind: 'ignored' }
  /** A line that is not a JSON object, or a message of a type that the destination does not expect. */
  | { kind: 'unknown'; what: string }
  /** A message that can't be read. It may have been a row. */
  | { kind: 'broken' };

/** Matches the form of the protocol's message types, such as RECORD. */
const MESSAGE_TYPE = /^[A-Z_]{1,40}$/;

/**
 * Parses the line from `start` to `end`. It never throws.
 *
 * @param view a view of the bytes.
 */
export function parseInputLine(bytes: Buffer, start = 0, end = bytes.length, view = viewOf(bytes)): InputMessage {
  const line = bytes.toString('utf8', start, end);
  const message = tryParseJson(line, (text) => parseExact(text, hasInexactNumber(bytes, start, end, view)));
  if (!isJsonObject(message))
    return line.trimStart().startsWith('{') ? { kind: 'broken' } : { kind: 'unknown', what: 'not JSON' };
  switch (message.type) {
    case 'RECORD':
      return parseRecord(message.record, line);
    case 'STATE':
      return { kind: 'state', line, stream: readStateStream(message.state) };
    case 'TRACE':
      return parseTrace(message.trace);
    case 'LOG':
      return parseSourceLog(message.log);
    case 'CONTROL':
      return { kind: 'ignored' };
    default:
      return { kind: 'unknown', what: `type ${describeType(message.type)}` };
  }
}

/** Describes a message type. A value that doesn't look like a type is not shown, because it may be data of a row. */
function describeType(type: unknown): string {
  if (typeof type !== 'string') return 'missing';
  return MESSAGE_TYPE.test(type) ? type : 'unknown';
}

function parseRecord(value: unknown, line: string): InputMessage {
  if (!isJsonObject(value) || typeof value.stream !== 'string' || !isJsonObject(value.data)) return { kind: 'broken' };
  return { kind: 'record', stream: { name: value.stream, namespace: readNamespace(value) }, data: value.data, line };
}

function parseSourceLog(value: unknown): InputMessage {
  if (isJsonObject(value) && isWarningOrWorse(value.level) && typeof value.message === 'string') {
    return { kind: 'source_warning', message: value.message };
  }
  return { kind: 'ignored' };
}

function parseTrace(value: unknown): InputMessage {
  if (isJsonObject(value) && isJsonObject(value.error) && typeof value.error.message === 'string') {
    return { kind: 'source_error', message: value.error.message };
  }
  return { kind: 'ignored' };
}

function readStateStream(state: unknown): StreamName | undefined {
  if (!isJsonObject(state) || !isJsonObject(state.stream) || !isJsonObject(state.stream.stream_descriptor))
    return undefined;
  const { stream_descriptor: descriptor } = state.stream;
  return typeof descriptor.name === 'string'
    ? { name: descriptor.name, namespace: readNamespace(descriptor) }
    : undefined;
}

function readNamespace({ namespace }: Record<string, unknown>): string | undefined {
  return typeof namespace === 'string' ? namespace : undefined;
}
