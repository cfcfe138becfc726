import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

// The sandbox is an independent implementation of Batch's rules, so it must not import them from the destination.

const folder = fileURLToPath(new URL('.', import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

/** Lists the modules after `from`, `import`, `import(` or `require(`. */
function modulesOf(name: string): string[] {
  const text = readFileSync(resolve(folder, name), 'utf8');
  return [...text.matchAll(/(?:\bfrom|\bimport|\bimport\(|\brequire\()\s*(['"])(.+?)\1/g)].map(
    ([, , module = '']) => module,
  );
}

test('the sandbox only imports its own modules and packages', () => {
  expect(files.length).toBeGreaterThan(20);
  const packages = new Set<string>();
  for (const name of files) {
    for (const module of modulesOf(name)) {
      if (module.startsWith('.')) expect(dirname(resolve(folder, name, '..', module))).toBe(resolve(folder));
      else if (!isBuiltin(module)) packages.add(module);
    }
  }
  expect([...packages].sort()).toEqual(['fast-check', 'fastify', 'lossless-json', 'undici', 'vitest', 'zod']);
});
