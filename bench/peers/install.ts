import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/bench-peers/', import.meta.url));
const run = promisify(execFile);

/** The folder of the source on faros-airbyte-cdk, with its dependencies installed from its lock file. */
export async function installFaros(): Promise<string> {
  return installed('faros', ['package.json', 'package-lock.json', 'source.cjs'], async (folder) => {
    await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder });
  });
}

/** The Python of an environment with dlt and PyAirbyte, in the versions of requirements.txt. */
export async function installPython(): Promise<string> {
  const folder = await installed('python', ['requirements.txt'], async (folder) => {
    await run('python3', ['-m', 'venv', join(folder, 'venv')]);
    await run(join(folder, 'venv/bin/pip'), ['install', '--quiet', '--requirement', join(folder, 'requirements.txt')], {
      maxBuffer: Number.POSITIVE_INFINITY,
    });
  });
  return join(folder, 'venv/bin/python');
}

/** A folder of the cache with these files of ours, created again when one of them has changed. */
async function installed(
  name: string,
  files: readonly string[],
  install: (folder: string) => Promise<void>,
): Promise<string> {
  const paths = files.map((file) => fileURLToPath(new URL(`${name}/${file}`, import.meta.url)));
  const hash = createHash('sha256');
  for (const path of paths) hash.update(await readFile(path));
  const print = hash.digest('hex');
  const folder = join(CACHE, name);
  const stamp = join(folder, 'installed');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === print) return folder;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  for (const [index, path] of paths.entries()) await copyFile(path, join(folder, files[index] ?? ''));
  await install(folder);
  await writeFile(stamp, print);
  return folder;
}
