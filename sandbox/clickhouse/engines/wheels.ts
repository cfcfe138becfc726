import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { lock } from 'proper-lockfile';
import type { Wheel } from './engines.ts';

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/clickhouse-engines', import.meta.url));

/** Python 3.x: the oldest that the wheels support. */
const OLDEST_PYTHON = 9;

/** The commands to try for Python; `python3` first, because it is most likely complete. */
const PYTHONS = ['python3', ...[14, 13, 12, 11, 10, 9].map((minor) => `python3.${minor}`)];

/** How long pip may take, in milliseconds. A wheel has up to 250 MB. */
const INSTALL_TIMEOUT_MS = 600_000;

/** Waits as long as an install may take. */
const WAIT_FOR_ANOTHER_INSTALL = { retries: INSTALL_TIMEOUT_MS / 1_000, factor: 1, minTimeout: 1_000 };

/** Without a package index, pip would try for a minute. */
const PIP_RETRIES = 2;

const run = promisify(execFile);

/** Explains in a sentence why a wheel can't be installed on this machine. */
export class WheelUnavailable extends Error {}

/**
 * Returns the path of Python in a virtual environment with the wheel. The first call installs the wheel.
 *
 * @throws WheelUnavailable
 */
export async function pythonWith(wheel: Wheel): Promise<string> {
  const folder = join(CACHE, wheel.requirement);
  const python = join(folder, 'bin/python');
  if (existsSync(python)) return python;
  // The libraries in the wheels for macOS don't export the functions that are called here.
  if (process.platform !== 'linux') throw new WheelUnavailable('The wheels run on Linux only.');
  const basePython = await suitedPython(wheel);
  await mkdir(CACHE, { recursive: true });
  const unlock = await lock(CACHE, { retries: WAIT_FOR_ANOTHER_INSTALL });
  try {
    if (existsSync(python)) return python;
    const unfinished = `${folder}.unfinished`;
    await rm(unfinished, { recursive: true, force: true });
    try {
      await install(wheel, basePython, unfinished);
      await rename(unfinished, folder);
    } finally {
      await rm(unfinished, { recursive: true, force: true });
    }
    return python;
  } finally {
    await unlock();
  }
}

async function suitedPython({ requirement, newestPython }: Wheel): Promise<string> {
  for (const python of PYTHONS) if (await isPython(python, newestPython)) return python;
  for (const python of PYTHONS) {
    if (!(await isPython(python))) continue;
    throw new WheelUnavailable(`${requirement} needs Python 3.${OLDEST_PYTHON} to 3.${newestPython} with venv.`);
  }
  throw new WheelUnavailable(`There is no Python 3.${OLDEST_PYTHON} or later with venv.`);
}

/** Whether a command is a Python that the wheels support and that can make virtual environments. */
async function isPython(command: string, newest = Number.POSITIVE_INFINITY): Promise<boolean> {
  try {
    const { stdout } = await run(command, ['-c', 'import ensurepip, sys, venv; print(*sys.version_info[:2])']);
    const [major, minor = 0] = stdout.split(' ').map(Number);
    return major === 3 && minor >= OLDEST_PYTHON && minor <= newest;
  } catch {
    return false;
  }
}

async function install({ requirement }: Wheel, python: string, folder: string): Promise<void> {
  const pip = [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--no-cache-dir',
    '--no-compile',
    '--retries',
    String(PIP_RETRIES),
  ];
  try {
    await run(python, ['-m', 'venv', folder]);
    await run(join(folder, 'bin/python'), [...pip, '--no-deps', '--only-binary=:all:', requirement], {
      timeout: INSTALL_TIMEOUT_MS,
    });
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    // pip reports a package index that it can't reach as one that lacks the package.
    if (/NewConnectionError|ConnectTimeoutError|name resolution/.test(said)) {
      throw new WheelUnavailable("The package index can't be reached.");
    }
    throw new WheelUnavailable(`${requirement} can't be installed: ${said.split('\n').at(-1)}`);
  }
}
