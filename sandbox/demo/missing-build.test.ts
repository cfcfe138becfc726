import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { explainMissingBuild } from './missing-build.ts';

test('explains how to build the connectors when dist/ is missing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'missing-build-test-'));
  const root = pathToFileURL(`${folder}/`);
  expect(explainMissingBuild(root)).toBe(
    'The connectors are not built: dist/ does not exist. Run `npm run build`, then run the demo again.',
  );
  mkdirSync(join(folder, 'dist', 'cli'), { recursive: true });
  writeFileSync(join(folder, 'dist', 'cli', 'main.js'), '');
  expect(explainMissingBuild(root)).toBeUndefined();
  rmSync(folder, { recursive: true });
});
