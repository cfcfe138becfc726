import fc from 'fast-check';
import type { FaultRequest } from '../../sandbox/batch-api/faults.ts';

/** A point of a run, by what it has seen so far and not by the clock: a replay comes to the same one. */
export type Moment = { after: 'rows' | 'requests' | 'states'; count: number };

export type ConnectorName = 'source' | 'destination';
export type Signal = 'SIGKILL' | 'SIGTERM' | 'SIGINT';

/** Something that goes wrong in a run, once. */
export type Fault =
  | { kind: 'signal'; signal: Signal; to: readonly ConnectorName[]; at: Moment }
  /** One answer of Batch, to the request of that number. */
  | { kind: 'batch_answer'; answer: FaultRequest; at: Moment }
  /** From that request on Batch answers nothing else, for longer than the destination tries. */
  | { kind: 'batch_away'; status: 401 | 500 | 503; at: Moment }
  /** The server is killed after it has sent this number of rows, and started again at once. 0: before the first query. */
  | { kind: 'clickhouse_crash'; behindRows: number }
  /** A response ends after this number of rows: cut off, or in one of the two ways in which a complete one ends. */
  | { kind: 'clickhouse_cut'; behindRows: number; bytes: number; by: 'break' | 'chunk' | 'close' }
  /** The platform takes nothing of a connector's output for a while. */
  | { kind: 'reader_pauses'; of: ConnectorName; at: Moment; milliseconds: number }
  /** The platform closes a connector's output. */
  | { kind: 'reader_leaves'; of: ConnectorName; at: Moment }
  /** The disk with the state file and the rejected rows is full until the run ends. */
  | { kind: 'disk_full'; at: Moment }
  /** The destination's output goes to a file on a full disk, as in `write … > out.jsonl`: no state reaches the platform. */
  | { kind: 'output_full' };

/** How long the destination tries in a run in which Batch is to stay away: little, as it is all waited for. */
export const RETRY_MINUTES_WHEN_AWAY = 0.02;

/** The requests of a run are few when it has few rows, or many profiles share one. */
const someRequests = fc
  .oneof(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 12 }))
  .map((count): Moment => ({ after: 'requests', count }));
const states = fc.integer({ min: 1, max: 4 }).map((count): Moment => ({ after: 'states', count }));

const connector = fc.constantFrom<ConnectorName>('source', 'destination');

/** So many rows, in a table with as many. Few of them half of the time, as later runs have but few left. */
function someRows(rows: number): fc.Arbitrary<number> {
  return fc.oneof(fc.nat(rows), fc.nat(Math.min(rows, 50)));
}

/** A moment for what befalls the whole run. */
function moment(rows: number): fc.Arbitrary<Moment> {
  const afterRows = someRows(rows).map((count): Moment => ({ after: 'rows', count }));
  return fc.oneof({ arbitrary: afterRows, weight: 3 }, { arbitrary: someRequests, weight: 3 }, states);
}

const stored = fc.boolean();

/** What Batch, or a proxy in front of it, does with one request. */
const answer: fc.Arbitrary<FaultRequest> = fc.oneof(
  fc.record({
    kind: fc.constant('status' as const),
    status: fc.constant(429),
    // Without it the destination pauses for five seconds.
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
  // A 202 says that the request was stored: where it was not, nobody could know.
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

/** Faults of a run over a table with this number of rows. */
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
        behindRows: fc.oneof(fc.constant(0), someRows(rows)),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('clickhouse_cut' as const),
        behindRows: someRows(rows),
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
