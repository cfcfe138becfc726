import fc from 'fast-check';
import type { FaultRequest } from '../../sandbox/batch-api/faults.ts';

/**
 * A point in a run: after a number of rows, requests or states. It does not depend on the clock, so a replay reaches the same
 * point.
 */
export type Moment = { after: 'rows' | 'requests' | 'states'; count: number };

export type ConnectorName = 'source' | 'destination';
export type Signal = 'SIGKILL' | 'SIGTERM' | 'SIGINT';

/** Something that goes wrong once in a run. */
export type Fault =
  | { kind: 'signal'; signal: Signal; to: readonly ConnectorName[]; at: Moment }
  /** A fault in Batch's answer to one request. */
  | { kind: 'batch_answer'; answer: FaultRequest; at: Moment }
  /** From this request on, Batch only answers with this status, for longer than the destination retries. */
  | { kind: 'batch_away'; status: 401 | 500 | 503; at: Moment }
  /** The server is killed after it has sent this number of rows, and restarts at once. 0: before the first query. */
  | { kind: 'clickhouse_crash'; afterRows: number }
  /** A response ends after this number of rows: it breaks off, or ends in one of the two ways of a complete response. */
  | { kind: 'clickhouse_cut'; afterRows: number; bytes: number; by: 'break' | 'chunk' | 'close' }
  /** The platform stops reading a connector's output for a while. */
  | { kind: 'reader_pauses'; of: ConnectorName; at: Moment; milliseconds: number }
  /** The platform closes the pipe of a connector's output. */
  | { kind: 'reader_leaves'; of: ConnectorName; at: Moment }
  /** The disk with the state file and the rejected rows becomes full, until the run ends. */
  | { kind: 'disk_full'; at: Moment }
  /** The destination's output is a file on a full disk, as in `write … > out.jsonl`. No state reaches the platform. */
  | { kind: 'output_full' };

/** How long the destination retries in a run with `batch_away`. It is short, because the run takes at least this long. */
export const RETRY_MINUTES_WHEN_AWAY = 0.02;

/** Draws small numbers often: a run has few requests if it has few rows, or if a request contains many profiles. */
const someRequests = fc
  .oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 12 }))
  .map((count): Moment => ({ after: 'requests', count }));
const states = fc.integer({ min: 1, max: 4 }).map((count): Moment => ({ after: 'states', count }));

const connector = fc.constantFrom<ConnectorName>('source', 'destination');

/** Draws a number of rows of the table. Half of the numbers are small, because later runs read only a few rows. */
function someRows(rows: number): fc.Arbitrary<number> {
  return fc.oneof(fc.nat(rows), fc.nat(Math.min(rows, 50)));
}

/** Draws a moment for a fault that can occur at any time. */
function moment(rows: number): fc.Arbitrary<Moment> {
  const afterRows = someRows(rows).map((count): Moment => ({ after: 'rows', count }));
  return fc.oneof({ arbitrary: afterRows, weight: 3 }, { arbitrary: someRequests, weight: 3 }, states);
}

const stored = fc.boolean();

/** Draws how Batch, or a proxy before it, answers one request. */
const answer: fc.Arbitrary<FaultRequest> = fc.oneof(
  fc.record({
    kind: fc.constant('status' as const),
    status: fc.constant(429),
    // Without this value, the destination pauses for five seconds.
    retry_after_seconds: fc.constantFrom(0, 0.1, 0.3),
  }),
  fc.record({ kind: fc.constant('status' as const), status: fc.constantFrom(500, 503) }),
  fc.record({
    kind: fc.constant('status' as const),
    status: fc.constantFrom(502, 504),
    body: fc.constant('<html><body>Bad Gateway</body></html>'),
    stored,
  }),
  fc.record({ kind: fc.constant('hang' as const), milliseconds: fc.constantFrom(50, 300), stored }),
  fc.record({ kind: fc.constant('cut' as const), stored }),
  // A 202 means that Batch stored the request. If it had not, the destination could not detect it.
  fc.constant({ kind: 'garbage' as const, stored: true }),
  fc.record({ kind: fc.constant('delay' as const), milliseconds: fc.constantFrom(20, 200) }),
  fc.record({
    kind: fc.constant('partial' as const),
    bulk_index: fc.nat(3),
    category: fc.constant('event'),
    reason: fc.constant('chaos'),
  }),
  fc.record({
    kind: fc.constant('partial' as const),
    bulk_index: fc.nat(3),
    category: fc.constant('attribute'),
    reason: fc.constant('chaos'),
    attribute: fc.constant('colour'),
  }),
);

/** Draws a fault of a run. @param rows the number of rows in the table. */
export function fault(rows: number): fc.Arbitrary<Fault> {
  const anyTime = moment(rows);
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('signal' as const),
        signal: fc.constantFrom<Signal>('SIGKILL', 'SIGTERM', 'SIGTERM', 'SIGINT'),
        to: fc.constantFrom<readonly ConnectorName[]>(['source'], ['destination'], ['source', 'destination']),
        at: anyTime,
      }),
    },
    {
      weight: 8,
      arbitrary: fc.record({ kind: fc.constant('batch_answer' as const), answer, at: someRequests }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('batch_away' as const),
        status: fc.constantFrom<401 | 500 | 503>(401, 500, 503),
        at: someRequests,
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('clickhouse_crash' as const),
        afterRows: fc.oneof(fc.constant(0), someRows(rows)),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('clickhouse_cut' as const),
        afterRows: someRows(rows),
        bytes: fc.constantFrom(0, 1, 100),
        by: fc.constantFrom<'break' | 'chunk' | 'close'>('break', 'chunk', 'close'),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('reader_pauses' as const),
        of: connector,
        at: anyTime,
        milliseconds: fc.constantFrom(100, 700),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('reader_leaves' as const), of: connector, at: anyTime }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('disk_full' as const), at: anyTime }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'output_full' as const }) },
  );
}
