import { z } from 'zod';
import {
  DESTINATION_METRICS,
  type DestinationMetrics,
  destinationMetricsSchema,
  SERVER_CLOCK,
  serverClockSchema,
} from '../protocol/analytics.ts';
import { streamKey } from '../protocol/catalog.ts';
import { ConnectorError } from '../protocol/errors.ts';
import { splitLink } from '../protocol/help-pages.ts';
import { tryParseJson } from '../shared/exact-json.ts';

/** How the line of a row begins. Rows are many, so they are recognised without parsing. */
export const RECORD_START = Buffer.from('{"type":"RECORD"');

/** A state that the destination echoes. */
export type StateMessage = {
  kind: 'state';
  /** The line of the message, unchanged. */
  line: string;
  /** The key of the stream. */
  key: string;
  /** The number of rows that were accepted since the previous state of the stream. */
  accepted: number;
  /** The number of rows that were rejected since the previous state of the stream. */
  rejected: number;
};

/** A stream as `discover` describes it. A configured catalog contains this description unchanged. */
export type DiscoveredStream = { name: string; namespace?: string | undefined } & Record<string, unknown>;

/** A message from the stdout of a connector, classified by what `sync` does with it. */
export type ConnectorMessage =
  | StateMessage
  | { kind: 'log'; level: string; message: string }
  | { kind: 'error'; error: ConnectorError }
  | { kind: 'estimate'; stream: string; rows: number }
  /** The destination's metrics since the start of the run. */
  | { kind: 'metrics'; metrics: DestinationMetrics }
  /** The number of milliseconds by which the server's clock is ahead of this machine's clock. */
  | { kind: 'server_clock'; offsetMs: number }
  | { kind: 'catalog'; streams: DiscoveredStream[] }
  | { kind: 'other' };

const descriptor = z.object({ name: z.string(), namespace: z.string().optional() });

const failureType = z.enum(['config_error', 'transient_error', 'system_error']).catch('system_error');

const stats = z.object({ recordCount: z.number(), rejectedRecordCount: z.number() });

const logMessage = z.object({ type: z.literal('LOG'), log: z.object({ level: z.string(), message: z.string() }) });

const traceMessage = z.object({
  type: z.literal('TRACE'),
  trace: z.discriminatedUnion('type', [
    z.object({
      type: z.literal('ERROR'),
      error: z.object({ message: z.string(), failure_type: failureType, stack_trace: z.string().optional() }),
    }),
    z.object({ type: z.literal('ESTIMATE'), estimate: descriptor.extend({ row_estimate: z.number() }) }),
    z.object({ type: z.literal('STREAM_STATUS') }),
    z.object({
      type: z.literal('ANALYTICS'),
      emitted_at: z.number(),
      analytics: z.object({ type: z.string(), value: z.string() }),
    }),
  ]),
});

const stateMessage = z.object({
  type: z.literal('STATE'),
  state: z.object({ stream: z.object({ stream_descriptor: descriptor }), destinationStats: stats.optional() }),
});

const catalogMessage = z.object({
  type: z.literal('CATALOG'),
  catalog: z.object({ streams: z.array(z.looseObject({ name: z.string(), namespace: z.string().optional() })) }),
});

const messageSchema = z.discriminatedUnion('type', [logMessage, traceMessage, stateMessage, catalogMessage]);

/** The code that is used if an error message contains none. */
const UNKNOWN_CODE = 'unexpected_fault';

/** Parses a line that is not a RECORD message. It never throws: an invalid or unknown line becomes `other`. */
export function parseMessage(line: string): ConnectorMessage {
  const { data } = messageSchema.safeParse(tryParseJson(line));
  switch (data?.type) {
    case 'LOG':
      return { kind: 'log', ...data.log };
    case 'TRACE':
      return parseTrace(data.trace);
    case 'STATE': {
      const { stream, destinationStats } = data.state;
      return {
        kind: 'state',
        line,
        key: streamKey(stream.stream_descriptor),
        accepted: destinationStats?.recordCount ?? 0,
        rejected: destinationStats?.rejectedRecordCount ?? 0,
      };
    }
    case 'CATALOG':
      return { kind: 'catalog', streams: data.catalog.streams };
    default:
      return { kind: 'other' };
  }
}

function parseTrace(trace: z.output<typeof traceMessage>['trace']): ConnectorMessage {
  switch (trace.type) {
    case 'ERROR': {
      const { message: printed, failure_type: failureType, stack_trace: stackTrace } = trace.error;
      const { message, code = UNKNOWN_CODE } = splitLink(printed);
      return { kind: 'error', error: new ConnectorError({ code, failureType }, message, { stackTrace }) };
    }
    case 'ESTIMATE':
      return { kind: 'estimate', stream: streamKey(trace.estimate), rows: trace.estimate.row_estimate };
    case 'ANALYTICS':
      return parseAnalytics(trace.analytics, trace.emitted_at);
    default:
      return { kind: 'other' };
  }
}

/** @param at when the message was emitted, in milliseconds since the epoch. */
function parseAnalytics({ type, value }: { type: string; value: string }, at: number): ConnectorMessage {
  const content = tryParseJson(value);
  if (type === DESTINATION_METRICS) {
    const { data } = destinationMetricsSchema.safeParse(content);
    if (data !== undefined) return { kind: 'metrics', metrics: data };
  }
  if (type === SERVER_CLOCK) {
    const time = Date.parse(serverClockSchema.safeParse(content).data?.server_time ?? '');
    if (!Number.isNaN(time)) return { kind: 'server_clock', offsetMs: time - at };
  }
  return { kind: 'other' };
}
