import type { Row } from './event.ts';
import { parseExact } from './json.ts';

/** A line on stdin, by what the destination does with it. */
export type InputMessage =
  | { kind: 'record'; stream: string; data: Row }
  /** `line` is the very text that came in; `stream` is undefined for a state of all streams. */
  | { kind: 'state'; line: string; stream: string | undefined }
  /** Logs and traces of a source in a bare pipe, and lines that are no messages at all. */
  | { kind: 'other'; what: string }
  /** What looks like a message and can't be read: it may have been a row. */
  | { kind: 'broken' };

/** Reads a line. Whatever comes in, it does not throw. */
export function parseInputLine(bytes: Buffer): InputMessage {
  const line = bytes.toString('utf8');
  const message = parseLine(line);
  if (!isObject(message)) return line.trimStart().startsWith('{') ? { kind: 'broken' } : { kind: 'other', what: 'not JSON' };
  switch (message.type) {
    case 'RECORD':
      return record(message.record);
    case 'STATE':
      return { kind: 'state', line, stream: streamOfState(message.state) };
    default:
      return { kind: 'other', what: typeof message.type === 'string' ? message.type : 'no type' };
  }
}

function record(value: unknown): InputMessage {
  if (!isObject(value) || typeof value.stream !== 'string' || !isObject(value.data)) return { kind: 'broken' };
  return { kind: 'record', stream: value.stream, data: value.data };
}

function streamOfState(state: unknown): string | undefined {
  if (!isObject(state) || !isObject(state.stream) || !isObject(state.stream.stream_descriptor)) return undefined;
  const { name } = state.stream.stream_descriptor;
  return typeof name === 'string' ? name : undefined;
}

function parseLine(line: string): unknown {
  try {
    return parseExact(line);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
