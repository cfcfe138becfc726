import { isWarningOrWorse } from '../../protocol/messages.ts';
import { isJsonObject, parseExact, tryParseJson } from '../../shared/exact-json.ts';
import type { Row } from '../mapping/mapper.ts';

/** How a message names its stream. */
export type StreamName = { name: string; namespace: string | undefined };

/** A line on stdin, by what the destination does with it. */
export type InputMessage =
  /** `line` is the line as it came in, here and below. */
  | { kind: 'record'; stream: StreamName; data: Row; line: string }
  /** `stream` is undefined for a state of all streams. */
  | { kind: 'state'; line: string; stream: StreamName | undefined }
  /** A TRACE ERROR of the source, in a bare pipe. */
  | { kind: 'source_error'; message: string }
  /** A LOG of the source that is a warning or worse, in a bare pipe. */
  | { kind: 'source_warning'; message: string }
  /** Other messages of the source in a bare pipe, such as its progress. */
  | { kind: 'ignored' }
  /** Not a message of the protocol. */
  | { kind: 'unknown'; what: string }
  /** Looks like a message but can't be read: it may have been a row. */
  | { kind: 'broken' };

/** What the types of the protocol look like. */
const MESSAGE_TYPE = /^[A-Z_]{1,40}$/;

/** Parses a line. It never throws. */
export function parseInputLine(bytes: Buffer): InputMessage {
  const line = bytes.toString('utf8');
  const message = tryParseJson(line, parseExact);
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

/** A type that doesn't look like one is not shown: it may be data of a row. */
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
