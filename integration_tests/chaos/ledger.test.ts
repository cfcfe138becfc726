import { describe, expect, test } from 'vitest';
import type { Happening, StateName } from './journal.ts';
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
  met: [],
  hasHeard: { source: false, destination: false },
  failures: { source: undefined, destination: undefined },
  isBatchToStayAway: false,
  eventsOfUnknownOutcome: 0,
  isStuck: false,
};

const begins = (given?: StateName): Happening => ({ kind: 'run_begins', given });
const ends = (end: Partial<RunEnd> = {}): Happening => ({ kind: 'run_ends', end: { ...END, ...end } });
const passed = (...ids: string[]): Happening[] => ids.map((id) => ({ kind: 'row_passed', id }));
const accepted = (...ids: string[]): Happening[] => ids.map((id) => ({ kind: 'row_accepted', id }));
const rejected = (...ids: string[]): Happening[] => ids.map((id) => ({ kind: 'row_rejected', id }));
const statePassed = (state: string): Happening => ({ kind: 'state_passed', state });
const echoed = (state: string, settled: number): Happening => ({ kind: 'state_echoed', state, settled });

function judged(
  happenings: Happening[],
  { table = ['a', 'b'], ...more }: { table?: string[] } & Partial<Pick<Evidence, 'tooLate' | 'rejected'>> = {},
): string[] {
  return complaints({ happenings, table: new Set(table), tooLate: new Set(), rejected: [], ...more });
}

/** A run that sends a and b after the state that it resumes from. */
function goodRun(given?: StateName): Happening[] {
  return [begins(given), ...passed('a', 'b'), statePassed('1'), ...accepted('a', 'b'), echoed('1', 2), ends()];
}

/** A run that passes two rows, of which the first was stored when it ended, and echoes no state. */
function cutRun(end: Partial<RunEnd>): Happening[] {
  return [begins(), ...passed('a', 'b'), ...accepted('a'), ends(end)];
}

test('a good round has nothing to complain of', () => {
  expect(judged(goodRun())).toEqual([]);
});

describe('rows are accounted for', () => {
  test('one that is neither stored nor rejected is lost', () => {
    expect(judged(goodRun(), { table: ['a', 'b', 'c'] })).toEqual([expect.stringMatching(/1 rows are lost.*: c$/)]);
  });

  test('one that appeared later than is looked back may be', () => {
    expect(judged(goodRun(), { table: ['a', 'b', 'c'], tooLate: new Set(['c']) })).toEqual([]);
  });

  test('one may be rejected instead, if it was kept', () => {
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
    expect(judged(run)).toEqual([expect.stringMatching(/1 rows are lost.*: b$/)]);
  });

  test('none comes from nowhere', () => {
    expect(judged(goodRun(), { table: ['a'] })).toEqual([expect.stringMatching(/not in the table: b$/)]);
  });

  test('a state counts the rows before it', () => {
    const run = [begins(), ...passed('a', 'b'), statePassed('1'), ...accepted('a', 'b'), echoed('1', 1), ends()];
    expect(judged(run)).toEqual([expect.stringMatching(/state 1 tells of 1 rows .* there were 2/)]);
  });
});

describe('a state is echoed', () => {
  test('not ahead of what Batch stored', () => {
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
      expect.stringMatching(/1 rows were neither stored nor rejected when the state 1 .*: b$/),
    ]);
  });

  test('as it came, in order', () => {
    const run = [
      begins(),
      statePassed('1'),
      ...passed('a', 'b'),
      statePassed('2'),
      ...accepted('a', 'b'),
      echoed('2', 2),
      ends(),
    ];
    expect(judged(run)[0]).toMatch(/state 1 that was echoed is not the one that was passed/);
  });
});

describe('a row is sent again', () => {
  test.each<[string, Partial<RunEnd>]>([
    ['a SIGKILL of the destination', { destination: KILLED, source: FAILED }],
    ['a SIGKILL of the source', { source: KILLED }],
    ['a second signal', { destination: { ...TERMINATED, signalsSent: ['SIGTERM', 'SIGTERM'] } }],
    ['a reader that left', { met: [{ kind: 'reader_leaves', of: 'source', at: { after: 'rows', count: 2 } }] }],
    [
      'a sync that failed',
      { destination: FAILED, isBatchToStayAway: true, failures: { source: undefined, destination: 'Batch is away' } },
    ],
  ])('after %s', (_, end) => {
    expect(judged([...cutRun(end), ...goodRun()])).toEqual([]);
  });

  test('not after a SIGTERM', () => {
    expect(judged([...cutRun({ destination: TERMINATED, source: FAILED }), ...goodRun()])).toEqual([
      expect.stringMatching(/^Run 1: 1 rows were sent and no state covers them/),
      expect.stringMatching(/^Run 2: 1 rows were stored or rejected twice, in a round without any cause for it: a$/),
    ]);
  });

  test('not after a STATE that covers it, whatever happened', () => {
    const killed = [...goodRun().slice(0, -1), ends({ destination: KILLED })];
    expect(judged([...killed, ...goodRun({ run: 0, index: 0 })])).toEqual([
      expect.stringMatching(/2 rows came again, although the state that the source was given covers them: a, b$/),
    ]);
  });

  test('within a run only by a request of unknown outcome, and at most the rows in it', () => {
    const twice = (eventsOfUnknownOutcome: number): Happening[] => [
      ...[begins(), ...passed('a', 'b'), statePassed('1'), ...accepted('a', 'b', 'a'), echoed('1', 2)],
      ends({ eventsOfUnknownOutcome }),
    ];
    expect(judged(twice(1))).toEqual([]);
    expect(judged(twice(0))[0]).toMatch(/1 times too often, while 0 events were in requests of unknown outcome: a$/);
  });

  test('what a killed destination still had on its way does not count for the run after it', () => {
    const run = [begins(), ...accepted('a'), ...passed('a', 'b'), ends({ destination: TERMINATED })];
    expect(judged([...cutRun({ destination: KILLED }), ...run, ...goodRun()])).toEqual([]);
  });
});

describe('a process ends', () => {
  test.each<[string, Partial<RunEnd>, RegExp]>([
    ['well', { destination: FAILED }, /The destination ended with code 1 instead of code 0/],
    [
      'by the signal that it is sent',
      { source: { ...TERMINATED, signal: null, code: 0 } },
      /code 0 instead of SIGTERM/,
    ],
    [
      'with 1 when Batch stays away',
      { met: [{ kind: 'batch_away', status: 500, at: { after: 'requests', count: 1 } }] },
      /code 0 instead of code 1/,
    ],
    ['without a word on stderr', { source: { ...WELL, stderr: 'oh' } }, /The source wrote to stderr: oh/],
    [
      'without a failure of the source',
      { failures: { source: 'lost', destination: undefined } },
      /The source failed: lost/,
    ],
    ['at all', { isStuck: true }, /It did not end/],
  ])('%s', (_, end, expected) => {
    expect(judged([...goodRun().slice(0, -1), ends(end)])).toEqual([expect.stringMatching(expected)]);
  });

  test('with the word that its output could not be written, if it could not', () => {
    const stderr =
      "Can't write the output of this command: no space left on device. See https://x/output_unwritable.md\n";
    const destination = { ...WELL, code: 1, stderr };
    expect(judged([...goodRun().slice(0, -1), ends({ destination, met: [{ kind: 'output_full' }] })])).toEqual([]);
    expect(judged([...goodRun().slice(0, -1), ends({ destination })])).toContainEqual(
      expect.stringMatching(/The destination wrote to stderr: Can't write the output/),
    );
  });

  test('with its code, when a signal met it at its end and it did not hear it', () => {
    const met = { ...WELL, signalsSent: ['SIGTERM' as const], afterSignalMs: 20 };
    const rest = (end: Partial<RunEnd>): Happening[] => [...goodRun().slice(0, -1), ends(end)];
    expect(judged(rest({ source: met }))).toEqual([]);
    expect(judged(rest({ source: met, hasHeard: { source: true, destination: false } }))).toEqual([
      expect.stringMatching(/The source ended with code 0 instead of SIGTERM/),
    ]);
  });
});
