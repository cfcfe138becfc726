import { describe, expect, test } from 'vitest';
import type { JournalEntry, StateName } from './journal.ts';
import { complaints, type Evidence } from './ledger.ts';
import type { ProcessEnd, RunEnd } from './run-end.ts';

const WELL: ProcessEnd = { code: 0, signal: null, stderr: '', signalsSent: [], afterSignalMs: undefined };
const TERMINATED: ProcessEnd = {
  ...WELL,
  code: null,
  signal: 'SIGTERM',
  signalsSent: ['SIGTERM'],
  afterSignalMs: 5_000,
};
const KILLED: ProcessEnd = { ...TERMINATED, signal: 'SIGKILL', signalsSent: ['SIGKILL'] };
const FAILED: ProcessEnd = { ...WELL, code: 1 };

const END: RunEnd = {
  source: WELL,
  destination: WELL,
  occurred: [],
  loggedSignal: { source: false, destination: false },
  failures: { source: undefined, destination: undefined },
  isBatchAway: false,
  eventsOfUnknownOutcome: 0,
  isStuck: false,
};

const begins = (resumesFrom?: StateName): JournalEntry => ({ kind: 'run_begins', resumesFrom });
const ends = (end: Partial<RunEnd> = {}): JournalEntry => ({ kind: 'run_ends', end: { ...END, ...end } });
const passed = (...ids: string[]): JournalEntry[] => ids.map((id) => ({ kind: 'row_passed', id }));
const accepted = (...ids: string[]): JournalEntry[] => ids.map((id) => ({ kind: 'row_accepted', id }));
const rejected = (...ids: string[]): JournalEntry[] => ids.map((id) => ({ kind: 'row_rejected', id }));
const statePassed = (state: string): JournalEntry => ({ kind: 'state_passed', state });
const echoed = (state: string, settled: number): JournalEntry => ({ kind: 'state_echoed', state, settled });

function judged(
  entries: JournalEntry[],
  { table = ['a', 'b'], ...more }: { table?: string[] } & Partial<Pick<Evidence, 'tooLate' | 'rejected'>> = {},
): string[] {
  return complaints({ entries, table: new Set(table), tooLate: new Set(), rejected: [], ...more });
}

/** A run that sends a and b, whether the state that it resumes from covers them or not. */
function goodRun(resumesFrom?: StateName): JournalEntry[] {
  return [begins(resumesFrom), ...passed('a', 'b'), statePassed('1'), ...accepted('a', 'b'), echoed('1', 2), ends()];
}

/** A run that passes on two rows and echoes no state. Only the first row was stored when it ended. */
function interruptedRun(end: Partial<RunEnd>): JournalEntry[] {
  return [begins(), ...passed('a', 'b'), ...accepted('a'), ends(end)];
}

test('returns no complaints for a good round', () => {
  expect(judged(goodRun())).toEqual([]);
});

describe('every row is accounted for: the ledger', () => {
  test('reports a row that is neither accepted nor rejected as lost', () => {
    expect(judged(goodRun(), { table: ['a', 'b', 'c'] })).toEqual([
      expect.stringMatching(/Rows were lost.*\(1 row\): c$/),
    ]);
  });

  test('allows a row to be lost if it appeared too late for the lookback', () => {
    expect(judged(goodRun(), { table: ['a', 'b', 'c'], tooLate: new Set(['c']) })).toEqual([]);
  });

  test('accepts a rejected row only if it was stored', () => {
    const run = [
      begins(),
      ...passed('a', 'b'),
      statePassed('1'),
      ...accepted('a'),
      ...rejected('b'),
      echoed('1', 2),
      ends(),
    ];
    expect(judged(run, { rejected: ['b'] })).toEqual([]);
    expect(judged(run)).toEqual([expect.stringMatching(/Rows were lost.*\(1 row\): b$/)]);
  });

  test('reports an accepted row that is not in the table', () => {
    expect(judged(goodRun(), { table: ['a'] })).toEqual([expect.stringMatching(/not in the table \(1 row\): b$/)]);
  });

  test('reports a state with a wrong count of the rows before it', () => {
    const run = [begins(), ...passed('a', 'b'), statePassed('1'), ...accepted('a', 'b'), echoed('1', 1), ends()];
    expect(judged(run)).toEqual([expect.stringMatching(/state 1 counts 1 rows .* instead of 2$/)]);
  });
});

describe('echoed states: the ledger', () => {
  test('reports a state that was echoed before its rows were stored', () => {
    const run = [
      begins(),
      ...passed('a', 'b'),
      statePassed('1'),
      ...accepted('a'),
      echoed('1', 2),
      ...accepted('b'),
      ends(),
    ];
    expect(judged(run)).toEqual([
      expect.stringMatching(/State 1 was echoed before these rows were accepted or rejected \(1 row\): b$/),
    ]);
  });

  test('reports a state that was echoed out of order', () => {
    const run = [
      begins(),
      statePassed('1'),
      ...passed('a', 'b'),
      statePassed('2'),
      ...accepted('a', 'b'),
      echoed('2', 2),
      ends(),
    ];
    expect(judged(run)[0]).toMatch(/Echoed state 1 is not state 1 of the source/);
  });
});

describe('rows that are sent again: the ledger', () => {
  test.each<[string, Partial<RunEnd>]>([
    ['a SIGKILL of the destination', { destination: KILLED, source: FAILED }],
    ['a SIGKILL of the source', { source: KILLED }],
    ['a second signal', { destination: { ...TERMINATED, signalsSent: ['SIGTERM', 'SIGTERM'] } }],
    [
      'a reader that closed its pipe',
      { occurred: [{ kind: 'reader_leaves', of: 'source', at: { after: 'rows', count: 2 } }] },
    ],
    [
      'a sync that failed',
      { destination: FAILED, isBatchAway: true, failures: { source: undefined, destination: 'Batch is unreachable' } },
    ],
  ])('allows them after %s', (_, end) => {
    expect(judged([...interruptedRun(end), ...goodRun()])).toEqual([]);
  });

  test('reports them after a SIGTERM', () => {
    expect(judged([...interruptedRun({ destination: TERMINATED, source: FAILED }), ...goodRun()])).toEqual([
      expect.stringMatching(/^Run 1: Rows were sent but no state covers them/),
      expect.stringMatching(/^Run 2: Rows were stored or rejected twice, and no fault explains it \(1 row\): a$/),
    ]);
  });

  test('reports them if the state that the run started from covers them, whatever happened', () => {
    const killed = [...goodRun().slice(0, -1), ends({ destination: KILLED })];
    expect(judged([...killed, ...goodRun({ run: 0, index: 0 })])).toEqual([
      expect.stringMatching(
        /Rows were read again although the state that the run started from covers them \(2 rows\): a, b$/,
      ),
    ]);
  });

  test('allows them within a run only for the events in requests of unknown outcome', () => {
    const twice = (eventsOfUnknownOutcome: number): JournalEntry[] => [
      ...[begins(), ...passed('a', 'b'), statePassed('1'), ...accepted('a', 'b', 'a'), echoed('1', 2)],
      ends({ eventsOfUnknownOutcome }),
    ];
    expect(judged(twice(1))).toEqual([]);
    expect(judged(twice(0))[0]).toMatch(
      /1 times more than they were passed on, but only 0 events were in requests of unknown outcome \(1 row\): a$/,
    );
  });

  test('does not count the rows that a killed destination had in flight as sent by the next run', () => {
    const run = [begins(), ...accepted('a'), ...passed('a', 'b'), ends({ destination: TERMINATED })];
    expect(judged([...interruptedRun({ destination: KILLED }), ...run, ...goodRun()])).toEqual([]);
  });
});

describe('the end of a process: the ledger', () => {
  test.each<[string, Partial<RunEnd>, RegExp]>([
    ['an exit code other than 0', { destination: FAILED }, /The destination ended with code 1 instead of code 0/],
    [
      'an exit code instead of the signal that it was sent',
      { source: { ...TERMINATED, signal: null, code: 0 } },
      /code 0 instead of SIGTERM/,
    ],
    [
      'an exit code of 0 although Batch stayed unreachable',
      { occurred: [{ kind: 'batch_away', status: 500, at: { after: 'requests', count: 1 } }] },
      /code 0 instead of code 1/,
    ],
    ['output on stderr', { source: { ...WELL, stderr: 'oh' } }, /The source wrote to stderr: oh/],
    ['a failure of the source', { failures: { source: 'lost', destination: undefined } }, /The source failed: lost/],
    ['a run that does not end', { isStuck: true }, /The run did not end/],
  ])('reports %s', (_, end, expected) => {
    expect(judged([...goodRun().slice(0, -1), ends(end)])).toEqual([expect.stringMatching(expected)]);
  });

  test('allows the error that the output could not be written, if it could not', () => {
    const stderr =
      "Can't write the output of this command: no space left on device. See https://x/output_unwritable.md\n";
    const destination = { ...WELL, code: 1, stderr };
    expect(judged([...goodRun().slice(0, -1), ends({ destination, occurred: [{ kind: 'output_full' }] })])).toEqual([]);
    expect(judged([...goodRun().slice(0, -1), ends({ destination })])).toContainEqual(
      expect.stringMatching(/The destination wrote to stderr: Can't write the output/),
    );
  });

  test('allows an exit code if the process was already ending and did not log the signal', () => {
    const ending = { ...WELL, signalsSent: ['SIGTERM' as const], afterSignalMs: 20 };
    const rest = (end: Partial<RunEnd>): JournalEntry[] => [...goodRun().slice(0, -1), ends(end)];
    expect(judged(rest({ source: ending }))).toEqual([]);
    expect(judged(rest({ source: ending, loggedSignal: { source: true, destination: false } }))).toEqual([
      expect.stringMatching(/The source ended with code 0 instead of SIGTERM/),
    ]);
  });
});
