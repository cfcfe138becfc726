import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { explainMissingBuild } from './missing-build.ts';

test('a demo of connectors that are not built says what to run', () => {
  const folder = mkdtempSync(join(tmpdir(), 'missing-build-test-'));
  const root = pathToFileURL(`${folder}/`);
  expect(explainMissingBuild(root)).toBe(
    'The connectors are not built yet: dist/ is not there. Run `npm run build`, and then the demo again.',
  );
  mkdirSync(join(folder, 'dist', 'cli'), { recursive: true });
  writeFileSync(join(folder, 'dist', 'cli', 'main.js'), '');
  expect(explainMissingBuild(root)).toBeUndefined();
  rmSync(folder, { recursive: true });
});
