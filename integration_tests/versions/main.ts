import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { ENGINE_VARIABLE, type Engine, engineOf, SUPPORTED_ENGINES } from '../../sandbox/clickhouse/engines/engines.ts';
import { debianServerMissing } from '../../sandbox/clickhouse/engines/process.ts';
import { pythonWith, WheelUnavailable } from '../../sandbox/clickhouse/engines/wheels.ts';
import { abortOnInterrupt } from '../../sandbox/interruption.ts';
import { NEXT_ENGINE_VARIABLE } from './next-engine.ts';
import { type EngineResult, engineLine, type Outcome, resultTable } from './result-table.ts';

// npm run test:versions [-- VERSION ...]: runs the tests of the source that make sense on other versions on each of them.

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const CORE = ['versions/core'];

/** Test files that also need users, streams or concurrent queries. */
const FOR_SERVERS = [
  ...CORE,
  'types/any-type',
  'source/names',
  'types/column-types',
  'types/cursor-types',
  'source/check',
  'source/discover',
  'source/late-rows',
  'source/server-limits',
  'source/full-refresh',
  'source/read',
  'source/row-limit',
  'source/settings',
  'source/tie-group',
  'docs/types-page',
];

const FILES: Record<Engine['kind'], readonly string[]> = {
  npm: FOR_SERVERS,
  server: FOR_SERVERS,
  'engine only': CORE,
  debian: ['versions/too-old'],
};

/** How much of vitest's own output is shown when the report lacks the reason, in characters. */
const PRINTED_TAIL = 3_000;

/** How much of a failure is shown, in characters. A property test prints its seed and its counterexample there. */
const MESSAGE_START = 2_000;

const reportSchema = z.object({
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      message: z.string(),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.enum(['passed', 'failed', 'skipped', 'pending', 'todo', 'disabled']),
          failureMessages: z.array(z.string()).nullish(),
          meta: z.object({
            ledger: z.object({ rows: z.number(), lost: z.number(), duplicated: z.number() }).optional(),
          }),
        }),
      ),
    }),
  ),
});

/** The attempts to remove a folder while its engine ends, each after 100 ms more. */
const REMOVE_RETRIES = 10;

const interrupted = abortOnInterrupt();

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Runs test files against an engine. */
async function runTests(files: readonly string[], environment: Record<string, string>): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'clickhouse-to-batch-versions-'));
  try {
    const report = join(folder, 'report.json');
    const paths = files.map((file) => `integration_tests/${file}.test.ts`);
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const args = [
      vitest,
      'run',
      '--project',
      'integration',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...paths,
    ];
    // In a folder of ours, so that an interrupted or crashed run leaves nothing.
    const env = { ...process.env, NO_COLOR: '1', TMPDIR: folder, ...environment };
    const options = { cwd: ROOT, env, maxBuffer: Number.POSITIVE_INFINITY, signal: interrupted };
    let printed = '';
    const child = execFile(process.execPath, args, options, (_error, stdout, stderr) => {
      printed = stdout + stderr;
    });
    await new Promise((resolve) => child.once('close', resolve));
    interrupted.throwIfAborted();
    const text = await readFile(report, 'utf8').catch(() => {
      throw new Error(`vitest wrote no report:\n${printed}`);
    });
    return outcomeOf(reportSchema.parse(JSON.parse(text)), printed);
  } finally {
    // An engine whose test was killed may still write for a moment.
    await rm(folder, { recursive: true, force: true, maxRetries: REMOVE_RETRIES });
  }
}

function outcomeOf({ testResults }: z.output<typeof reportSchema>, printed: string): Outcome {
  const outcome: Outcome = { passed: 0, failures: [], skipped: 0, ledger: { rows: 0, lost: 0, duplicated: 0 } };
  for (const { name, status, message, assertionResults } of testResults) {
    const file = name.slice(name.lastIndexOf('/') + 1);
    const failuresBefore = outcome.failures.length;
    for (const { fullName, status, failureMessages, meta } of assertionResults) {
      if (status === 'passed') outcome.passed += 1;
      else if (status !== 'failed') outcome.skipped += 1;
      else outcome.failures.push(`${file}: ${fullName}\n${(failureMessages?.[0] ?? '').slice(0, MESSAGE_START)}`);
      for (const key of ['rows', 'lost', 'duplicated'] as const) outcome.ledger[key] += meta.ledger?.[key] ?? 0;
    }
    // A file may fail before its tests, which are skipped then; the report does not always have the reason.
    if (status === 'failed' && outcome.failures.length === failuresBefore) {
      outcome.failures.push(`${file}: ${message}\n${printed.slice(-PRINTED_TAIL)}`);
    }
  }
  return outcome;
}

function printOutcome(line: string, { failures }: Outcome): void {
  print(line);
  for (const failure of failures) print(`    ${failure}`);
}

/** Why an engine can't be run here. */
async function whyUnavailable(engine: Engine): Promise<string | undefined> {
  if (engine.kind === 'debian') return debianServerMissing();
  if (engine.kind === 'npm') return undefined;
  try {
    await pythonWith(engine.wheel);
    return undefined;
  } catch (error) {
    if (error instanceof WheelUnavailable) return error.message;
    throw error;
  }
}

async function main(versions: readonly string[]): Promise<void> {
  const engines = versions.length === 0 ? SUPPORTED_ENGINES : versions.map(engineOf);
  const available: Engine[] = [];
  const unavailable = new Map<string, string[]>();
  for (const engine of engines) {
    const reason = await whyUnavailable(engine);
    if (reason === undefined) available.push(engine);
    else unavailable.set(reason, [...(unavailable.get(reason) ?? []), engine.version]);
  }
  for (const [reason, missing] of unavailable) print(`ClickHouse ${missing.join(', ')}: not tested. ${reason}`);
  if (available.length === 0) return;

  execFileSync('npm', ['run', '--silent', 'build'], { cwd: ROOT, stdio: 'inherit' });
  const results: EngineResult[] = [];
  for (const [index, engine] of available.entries()) {
    const started = Date.now();
    const outcome = await runTests(FILES[engine.kind], { [ENGINE_VARIABLE]: engine.version });
    const result: EngineResult = { engine, outcome, seconds: (Date.now() - started) / 1000 };
    results.push(result);
    printOutcome(engineLine(result), outcome);
    const next = available[index + 1];
    if (next === undefined || engine.kind === 'debian' || next.kind === 'debian') continue;
    result.next = await runTests(['versions/next-version'], {
      [ENGINE_VARIABLE]: engine.version,
      [NEXT_ENGINE_VARIABLE]: next.version,
    });
    const { ledger, failures } = result.next;
    const verdict = failures.length === 0 ? 'passed' : 'FAILED';
    printOutcome(
      `  a state of ${engine.version} resumed on ${next.version}: ${verdict}, ${ledger.rows} rows, ${ledger.lost} lost, ${ledger.duplicated} duplicated`,
      result.next,
    );
  }
  print(`\n${resultTable(results)}`);
  const failed = results.flatMap(({ outcome, next }) => [...outcome.failures, ...(next?.failures ?? [])]);
  // As a test runner's closing line.
  const passed = results.reduce((sum, { outcome, next }) => sum + outcome.passed + (next?.passed ?? 0), 0);
  print(`\n${passed} passed, ${failed.length} failed`);
  if (failed.length > 0) process.exitCode = 1;
}

await main(process.argv.slice(2));
