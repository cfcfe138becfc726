import { addSentence } from '../shared/statement.ts';
import type { ConnectorError } from './errors.ts';
import { troubleshootingPage } from './help-pages.ts';

/**
 * The messages that the two connectors write, as defined in version 0.18 of the Airbyte protocol. RECORD and STATE messages are
 * not included, because the connectors write them directly as lines of JSON.
 */
export type Message =
  | { type: 'SPEC'; spec: Record<string, unknown> }
  | { type: 'CONNECTION_STATUS'; connectionStatus: { status: 'SUCCEEDED' | 'FAILED'; message?: string } }
  | { type: 'CATALOG'; catalog: { streams: AirbyteStream[] } }
  | { type: 'DESTINATION_CATALOG'; destination_catalog: { operations: DestinationOperation[] } }
  | { type: 'LOG'; log: { level: LogLevel; message: string } }
  | { type: 'TRACE'; trace: Trace };

export type LogLevel = 'ERROR' | 'WARN' | 'INFO' | 'DEBUG';

export type StreamDescriptor = { name: string; namespace?: string };

type SyncMode = 'full_refresh' | 'incremental';

export type JsonSchema = Record<string, unknown>;

export type AirbyteStream = {
  name: string;
  namespace: string;
  json_schema: JsonSchema;
  supported_sync_modes: SyncMode[];
  source_defined_cursor: boolean;
  default_cursor_field: string[];
  is_resumable: boolean;
};

export type DestinationOperation = {
  object_name: string;
  sync_mode: 'append' | 'append_dedup';
  json_schema: JsonSchema;
  /** The alternatives for identifying an object. Each of them is a list of columns. */
  matching_keys?: string[][];
};

export type StreamStatus = 'STARTED' | 'RUNNING' | 'COMPLETE' | 'INCOMPLETE';

type Trace =
  | {
      type: 'ERROR';
      emitted_at: number;
      error: {
        message: string;
        internal_message?: string;
        stack_trace?: string;
        failure_type: string;
        stream_descriptor?: StreamDescriptor;
      };
    }
  | {
      type: 'ESTIMATE';
      emitted_at: number;
      estimate: { type: 'STREAM'; name: string; namespace?: string; row_estimate: number; byte_estimate?: number };
    }
  | {
      type: 'STREAM_STATUS';
      emitted_at: number;
      stream_status: { stream_descriptor: StreamDescriptor; status: StreamStatus };
    }
  | { type: 'ANALYTICS'; emitted_at: number; analytics: { type: string; value: string } };

/** The log levels of warnings and errors. */
const WARNING_LEVELS: ReadonlySet<unknown> = new Set(['WARN', 'ERROR', 'FATAL']);

/** Checks whether a log level is WARN or worse. @param level the level of a LOG message, unchecked. */
export function isWarningOrWorse(level: unknown): boolean {
  return WARNING_LEVELS.has(level);
}

export function log(level: LogLevel, message: string): Message {
  return { type: 'LOG', log: { level, message } };
}

/** Builds a STREAM_STATUS message. @param at milliseconds since the epoch. */
export function streamStatus(stream: StreamDescriptor, status: StreamStatus, at: number): Message {
  return {
    type: 'TRACE',
    trace: { type: 'STREAM_STATUS', emitted_at: at, stream_status: { stream_descriptor: stream, status } },
  };
}

/**
 * Builds an ESTIMATE message for a stream.
 *
 * @param rows the estimated number of rows.
 * @param bytes their estimated size, if it is known.
 * @param at milliseconds since the epoch.
 */
export function streamEstimate(stream: StreamDescriptor, rows: number, bytes: number | undefined, at: number): Message {
  const size = bytes === undefined ? { row_estimate: rows } : { row_estimate: rows, byte_estimate: bytes };
  return {
    type: 'TRACE',
    trace: { type: 'ESTIMATE', emitted_at: at, estimate: { type: 'STREAM', ...stream, ...size } },
  };
}

/** Builds the result of a `check` that failed. */
export function connectionFailed(error: ConnectorError): Extract<Message, { type: 'CONNECTION_STATUS' }> {
  return { type: 'CONNECTION_STATUS', connectionStatus: { status: 'FAILED', message: formatError(error) } };
}

/**
 * Builds an ERROR message.
 *
 * @param at milliseconds since the epoch.
 * @param stream the stream, if the error concerns only one stream. Its name is put before the message, because many users see
 * only the message.
 */
export function errorTrace(error: ConnectorError, at: number, stream?: StreamDescriptor): Message {
  return {
    type: 'TRACE',
    trace: {
      type: 'ERROR',
      emitted_at: at,
      error: {
        message: stream === undefined ? formatError(error) : `${stream.name}: ${formatError(error)}`,
        ...(error.internalMessage === undefined ? {} : { internal_message: error.internalMessage }),
        ...(error.stackTrace === undefined ? {} : { stack_trace: error.stackTrace }),
        failure_type: error.failureType,
        ...(stream === undefined ? {} : { stream_descriptor: stream }),
      },
    },
  };
}

/**
 * Formats an error with a link to the page of its code. Many users see only this text, for example in a platform's list of runs.
 */
export function formatError({ message, page }: ConnectorError): string {
  return addSentence(message, `See ${troubleshootingPage(page)}`);
}

/** Formats an error for a terminal: with a link to its page and, if it is unexpected, with its stack trace for a bug report. */
export function formatErrorWithStack(error: ConnectorError): string {
  return error.stackTrace === undefined ? formatError(error) : `${formatError(error)}\n${error.stackTrace}`;
}

/**
 * Formats a STREAM state message as a line.
 *
 * @param rows the number of records since the stream's previous state. The protocol's schema requires a decimal point, which
 * JSON.stringify can't write for a whole number.
 */
export function formatStateLine(stream: StreamDescriptor, state: Record<string, unknown>, rows: number): string {
  const body = JSON.stringify({ stream_descriptor: stream, stream_state: state });
  return `{"type":"STATE","state":{"type":"STREAM","stream":${body},"sourceStats":{"recordCount":${rows}.0}}}\n`;
}

/**
 * Applies `change` to the texts of a message that are written for people. Names stay unchanged: if a password is also the name
 * of a table, masking that name would make the catalog unusable.
 */
export function mapTexts(message: Message, change: (text: string) => string): Message {
  switch (message.type) {
    case 'LOG':
      return { ...message, log: { ...message.log, message: change(message.log.message) } };
    case 'CONNECTION_STATUS': {
      const { message: text, ...status } = message.connectionStatus;
      return { ...message, connectionStatus: text === undefined ? status : { ...status, message: change(text) } };
    }
    case 'TRACE': {
      if (message.trace.type !== 'ERROR') return message;
      const { error } = message.trace;
      const texts = Object.entries(error).map(([key, value]) =>
        key === 'message' || key === 'internal_message' || key === 'stack_trace'
          ? [key, change(String(value))]
          : [key, value],
      );
      return { ...message, trace: { ...message.trace, error: { ...error, ...Object.fromEntries(texts) } } };
    }
    default:
      return message;
  }
}
