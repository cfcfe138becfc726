import type { Engine } from '../../sandbox/clickhouse/engines/engines.ts';
import type { Ledger } from './ledger.ts';

/** The results of the tests of a run. `ledger` counts the rows of those that count rows. */
export type Outcome = { passed: number; failures: string[]; skipped: number; ledger: Ledger };

export type EngineResult = {
  engine: Engine;
  outcome: Outcome;
  seconds: number;
  /** Of the tests that continue its states on the next engine; undefined for the last one. */
  next?: Outcome;
};

/** How an engine is run, in the words of the documentation. */
const HOW_RUN: Record<Engine['kind'], string> = {
  npm: 'real server, npm',
  server: 'real server, PyPI',
  'engine only': 'engine only, PyPI',
  debian: 'real server, Debian',
};

/** The result of an engine in one line. */
export function engineLine({ engine, outcome, seconds }: EngineResult): string {
  const { passed, failures, skipped, ledger } = outcome;
  return `ClickHouse ${engine.version} (${HOW_RUN[engine.kind]}): ${passed} passed, ${failures.length} failed, ${skipped} skipped; ${ledger.rows} rows, ${ledger.lost} lost, ${ledger.duplicated} duplicated; ${Math.round(seconds)} s`;
}

/** The results as the table of docs/source-clickhouse.md. */
export function resultTable(results: readonly EngineResult[]): string {
  const rows = results.map(({ engine, outcome, next }) => {
    const { passed, failures, ledger } = outcome;
    const states = next === undefined ? '' : next.failures.length === 0 ? 'yes' : 'NO';
    return [
      engine.version,
      HOW_RUN[engine.kind],
      passed,
      failures.length,
      ledger.rows.toLocaleString('en-US'),
      ledger.lost,
      ledger.duplicated,
      states,
    ];
  });
  const head = ['ClickHouse', 'run as', 'tests passed', 'failed', 'rows', 'lost', 'duplicated', 'states resumed on'];
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
