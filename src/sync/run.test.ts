import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { GivenConfiguration } from '../protocol/configuration/configuration.ts';
import type { Program } from '../runner/process.ts';
import type { RunResult } from './result.ts';
import { runOnce } from './run.ts';
import { FileStateStore } from './state/file-store.ts';

// integration_tests/sync/command.test.ts uses the real connectors. These processes end in ways that those seldom do.

let folder: string;
let state: string;
let source: string;
let destination: string;

/** The configurations are checked before the processes start. */
const DESTINATION = { project_key: 'project_1', rest_api_key: 'key' };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sync-run-test-'));
  state = join(folder, 'state.json');
  destination = join(folder, 'destination.json');
  writeFileSync(destination, JSON.stringify(DESTINATION));
  source = join(folder, 'source.json');
  writeFileSync(source, '{"host":"localhost"}');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const SAY = `
const say = (type, key, value) => fs.writeSync(1, JSON.stringify({ type, [key]: value }) + '\\n');
const log = (level, message) => say('LOG', 'log', { level, message });
const fail = (failure_type, message, more) => {
  say('TRACE', 'trace', { type: 'ERROR', error: { message, failure_type, ...more } });
  process.exitCode = 1;
};
const row = () => say('RECORD', 'record', { data: {} });
const state = (cursor, destinationStats) =>
  say('STATE', 'state', {
    type: 'STREAM',
    stream: { stream_descriptor: { name: 'events' }, stream_state: { cursor, cursor_column: 'id' } },
    ...destinationStats,
  });
const settle = (cursor, recordCount, rejectedRecordCount = 0) =>
  state(cursor, { destinationStats: { recordCount, rejectedRecordCount } });
`;

const DISCOVER = `say('CATALOG', 'catalog', { streams: [{ name: 'events' }, { name: 'orders' }] })`;

type Commands = { discover?: string; read: string; write: string; writeAt?: 'data' | 'end' };

/** A program that runs the given code for each command; `write` runs it when its input begins or ends. */
function connector({ discover = DISCOVER, read, write, writeAt = 'end' }: Commands): Program {
  const code = `${SAY}
    const command = process.argv[1];
    if (command === 'discover') { ${discover} }
    if (command === 'read') { ${read} }
    if (command === 'write') process.stdin.once('${writeAt}', () => { ${write} }).resume();
  `;
  return [process.execPath, '--eval', code, '--'];
}

/** What a connector logs when the test has to send a signal. */
const STOP = 'A signal comes.';

type Ran = RunResult & { logs: string[] };

async function run(
  program: Program,
  { stop = new AbortController(), write = destination }: { stop?: AbortController; write?: GivenConfiguration } = {},
): Promise<Ran> {
  const logs: string[] = [];
  const ignore = (): void => {};
  const result = await runOnce(
    { source, destination: write, streams: ['events'], limit: undefined, allStreams: false, fullRefresh: false },
    {
      program,
      reporter: {
        progressIntervalMs: 1_000,
        runStarted: ignore,
        progress: ignore,
        lastProgress: ignore,
        log: (level, speaker, message) => {
          logs.push(`${level} ${speaker}: ${message}`);
          if (message === STOP) stop.abort();
        },
        runEnded: ignore,
        nextRun: ignore,
        stopped: () => {},
        failed: ignore,
      },
      stop: stop.signal,
      stopAtOnce: new AbortController().signal,
      now: Date.now,
      store: new FileStateStore(state),
      onProgress: ignore,
    },
  );
  return { ...result, logs };
}

/** The command lines of the children of this process. */
function children(): string[] {
  const lines = execFileSync('ps', ['-A', '-o', 'ppid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.trim().startsWith(`${process.pid} `));
}

function errorsOf({ outcome }: RunResult): [type: string, message: string][] {
  return outcome.kind === 'failed' ? outcome.errors.map(({ failureType, message }) => [failureType, message]) : [];
}

const KEPT_5 = { kind: 'kept', positions: ['events: id 5'] };

describe('the source', () => {
  test('fails: its rows are settled, the state is saved, and its error is reported once', async () => {
    const result = await run(
      connector({
        read: `row(); row(); state('5'); row(); log('WARN', 'It is odd.'); fail('transient_error', 'ClickHouse has gone.')`,
        write: `log('WARN', 'The source warns: It is odd.'); log('ERROR', 'The source failed: ClickHouse has gone.'); settle('5', 1, 1)`,
      }),
    );
    expect(errorsOf(result)).toEqual([['transient_error', 'ClickHouse has gone.']]);
    expect(result).toMatchObject({
      rowsRead: 3,
      rowsAccepted: 1,
      rowsRejected: 1,
      state: { ...KEPT_5, rowsToComeAgain: 1 },
    });
    expect(result.logs.toSorted()).toEqual([
      expect.stringMatching(/^WARN source: It is odd/),
      expect.stringMatching(/^WARN sync: The source failed \(details below\)/),
    ]);
    expect(readFileSync(state, 'utf8')).toContain('"cursor":"5"');
  });

  test('warns at discover and again at read: the warning is logged once', async () => {
    const result = await run(
      connector({
        discover: `log('WARN', 'It is odd.'); ${DISCOVER}`,
        read: `log('WARN', 'It is odd.'); log('WARN', 'It waits.'); log('WARN', 'It waits.')`,
        write: `log('WARN', 'The source warns: It is odd.')`,
      }),
    );
    expect(result.logs).toEqual(['WARN source: It is odd.', 'WARN source: It waits.', 'WARN source: It waits.']);
  });

  test('is killed in the middle of a row: that is the first error, the one of the destination the second', async () => {
    const result = await run(
      connector({
        read: `row(); state('5'); row(); fs.writeSync(1, '{"type":"REC'); process.kill(process.pid, 'SIGKILL')`,
        write: `settle('5', 1); fail('system_error', 'A line is broken.')`,
      }),
    );
    expect(errorsOf(result)).toEqual([
      ['system_error', expect.stringMatching(/^The source was killed by SIGKILL\. .*memory/)],
      ['system_error', 'A line is broken.'],
    ]);
    // The destination may have sent the row after the last state.
    expect(result.state).toEqual({ ...KEPT_5, rowsToComeAgain: 1, mayComeTwice: true });
  });

  test('has an unexpected error: its stack is reported', async () => {
    const stack = 'TypeError: Odd.\\n    at somewhere';
    const result = await run(
      connector({ read: `fail('system_error', 'Odd.', { stack_trace: '${stack}' })`, write: '' }),
    );
    expect(result.outcome).toMatchObject({ errors: [{ stackTrace: 'TypeError: Odd.\n    at somewhere' }] });
  });

  test('crashes: its stderr is logged', async () => {
    const result = await run(connector({ read: `fs.writeSync(2, 'Out of luck\\n'); process.exitCode = 7`, write: '' }));
    expect(errorsOf(result)).toEqual([['system_error', expect.stringMatching(/^The source ended with exit code 7/)]]);
    expect(result.logs).toEqual(['ERROR source: Out of luck']);
    expect(existsSync(state)).toBe(false);
  });
});

describe('the destination', () => {
  test('fails: the source, which would never end, is stopped, and only the cause is reported', async () => {
    const result = await run(
      connector({
        read: 'const go = () => { row(); setImmediate(go); }; go()',
        write: `settle('5', 0); fail('config_error', 'The key is wrong.'); process.stdin.destroy()`,
        writeAt: 'data',
      }),
    );
    expect(errorsOf(result)).toEqual([['config_error', 'The key is wrong.']]);
  });

  test.each([
    [
      'reports its error: it has already reported which rows may reach Batch twice',
      `fail('config_error', 'The key is wrong.')`,
      false,
    ],
    [
      'is killed: rows may arrive twice, because it is not known what it sent',
      `process.kill(process.pid, 'SIGKILL')`,
      true,
    ],
    ['ends well, and the source failed: so they may', '', true],
  ])('%s', async (_, end, mayComeTwice) => {
    const read = `row(); state('5'); row(); ${end === '' ? `fail('transient_error', 'It is gone.')` : ''}`;
    const result = await run(connector({ read, write: `settle('5', 1); ${end}` }));
    expect(result.state).toEqual({ ...KEPT_5, rowsToComeAgain: 1, mayComeTwice });
  });

  test('settles a different number of rows than it received: the run fails', async () => {
    const result = await run(connector({ read: `row(); row(); state('5')`, write: `settle('5', 1)` }));
    expect(errorsOf(result)).toEqual([
      ['system_error', expect.stringMatching(/^2 rows were read, but 1 were accepted/)],
    ]);
  });

  const SETTLES_NOTHING = { read: `row(); state('5')`, write: `log('INFO', '1 row.')` };

  test('settles nothing in a dry run: the run succeeds and saves no state', async () => {
    writeFileSync(destination, JSON.stringify({ ...DESTINATION, dry_run: true }));
    const result = await run(connector(SETTLES_NOTHING));
    expect(result).toMatchObject({ outcome: { kind: 'complete' }, state: { rowsToComeAgain: 1, mayComeTwice: false } });
    expect(result.logs).toEqual(['INFO destination: 1 row.']);
    expect(readdirSync(folder)).toEqual(['destination.json', 'source.json']);
  });

  test('settles nothing without a dry run: the run fails', async () => {
    const result = await run(connector(SETTLES_NOTHING));
    expect(errorsOf(result)).toEqual([
      ['system_error', expect.stringMatching(/^1 row was read, but 0 were accepted or rejected/)],
    ]);
  });

  test('has an unreadable configuration: nothing is started', async () => {
    rmSync(destination);
    const result = await run(connector({ discover: `log('WARN', 'Started.')`, read: '', write: '' }));
    expect(errorsOf(result)).toEqual([['config_error', expect.stringContaining(destination)]]);
    expect(result.logs).toEqual([]);
  });
});

test('kills the source and fails the run if the destination can not be started', async () => {
  // On Linux, an environment variable has at most 128 KiB. On macOS, arguments and variables have at most 1 MiB together.
  const value = { ...DESTINATION, padding: 'x'.repeat(1_200_000) };
  const result = await run(connector({ read: 'setInterval(row, 10)', write: '' }), {
    write: { name: 'sync.json (destination)', value },
  });
  expect(errorsOf(result)).toEqual([
    ['config_error', expect.stringMatching(/^Can't start the process for "write": argument list too long\..* file/)],
  ]);
  expect(result.state).toEqual({ kind: 'untouched' });
  expect(children().filter((args) => args.includes('setInterval(row, 10)'))).toEqual([]);
});

test('SIGTERM during a discover that hangs ends the run at once', { timeout: 5_000 }, async () => {
  const discover = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1_000); log('WARN', '${STOP}')`;
  const result = await run(connector({ discover, read: '', write: '' }));
  expect(result).toMatchObject({ outcome: { kind: 'stopped', atOnce: false }, state: { kind: 'untouched' } });
});

test('a state that could not be saved for a while fails the run, and is saved at its end', async () => {
  const away = `${folder}-away`;
  const result = await run(
    connector({
      // The folder is gone before the first state comes, and back before the last one.
      read: `fs.renameSync('${folder}', '${away}'); const wait = setInterval(() => {}, 1_000); process.once('SIGTERM', () => { fs.renameSync('${away}', '${folder}'); clearInterval(wait); }); row(); row()`,
      write: `settle('5', 2); const wait = setInterval(() => { if (!fs.existsSync('${folder}')) return; clearInterval(wait); settle('6', 0); }, 5)`,
      writeAt: 'data',
    }),
  );
  expect(errorsOf(result)).toEqual([['transient_error', expect.stringMatching(/^Can't write the state file/)]]);
  expect(result.state).toMatchObject({ kind: 'kept', rowsToComeAgain: 0 });
  expect(readFileSync(state, 'utf8')).toContain('"cursor"');
});

test('another process changes the state file: its version is kept, the source is stopped, and the run fails', async () => {
  const theirs = '[]';
  const result = await run(
    connector({
      read: 'row(); setInterval(() => {}, 1_000)',
      write: `fs.writeFileSync('${state}', '${theirs}'); settle('5', 1)`,
      writeAt: 'data',
    }),
  );
  expect(errorsOf(result)).toEqual([['system_error', expect.stringMatching(/was changed by another process/)]]);
  expect(result.state).toEqual({ kind: 'changed' });
  expect(readFileSync(state, 'utf8')).toBe(theirs);
});
