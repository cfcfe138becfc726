import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chosenEngine } from '../../sandbox/clickhouse/engines/engines.ts';
import { pythonWith } from '../../sandbox/clickhouse/engines/wheels.ts';

/**
 * Builds the launchers that the tests run, from the current sources. If another version of the engine is chosen, it is
 * installed before the first test waits for it. All temporary files are in one folder, which is removed at the end.
 */
export default async function setup(): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), 'clickhouse-to-batch-tests-'));
  process.env.TMPDIR = folder;
  execFileSync('npm', ['run', '--silent', 'build'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: 'inherit',
  });
  const engine = chosenEngine();
  if ('wheel' in engine) await pythonWith(engine.wheel);
  return () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
