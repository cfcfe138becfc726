import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chosenEngine } from '../../sandbox/clickhouse/engines/engines.ts';
import { pythonWith } from '../../sandbox/clickhouse/engines/wheels.ts';

/**
 * The tests run the launchers, and these run what was built: build what is there now. And the engine of another version is
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
