import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { watchForSecrets } from '../../sandbox/shown-secrets.ts';

/** Their name in the tests. */
const CONFIGURATIONS = ['source.json', 'destination.json'];

/** Kept between runs, and removed with node_modules. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache', import.meta.url));

/** The folder of the launchers. */
const LAUNCHERS = fileURLToPath(new URL('../../bin', import.meta.url));

const PYTHONS = ['python3', 'python3.12', 'python3.11', 'python3.10'];

/** Installs packages in seconds where pip takes minutes, but does not know the settings of pip. */
const UV = 'uv==0.8.24';

/** The packages of an environment. */
export type Packages = {
  /** The name of the folder in the cache. */
  name: string;
  /** The path of the file with their versions. */
  requirements: string;
  /** The oldest minor version of Python 3 that they support. */
  oldestMinor: number;
};

/** The first minor version of Python 3 that not all packages support. */
const FIRST_UNSUPPORTED_MINOR = 13;

/** How a Python process ended, and what it printed. */
export type Ended = { code: number | null; stdout: string; stderr: string };

/** A virtual environment of Python with some packages in it. */
export class PythonEnvironment {
  readonly #bin: string;

  private constructor(folder: string) {
    this.#bin = join(folder, 'bin');
  }

  /** Creates an environment, or uses the existing one for the same requirements. Returns the reason if that fails. */
  static async prepare(packages: Packages): Promise<PythonEnvironment | string> {
    const version = createHash('sha256')
      .update(await readFile(packages.requirements))
      .digest('hex')
      .slice(0, 12);
    const folder = join(CACHE, `${packages.name}-${version}`);
    // This is written last, so that an incomplete installation is not mistaken for a complete one.
    const whole = join(folder, 'is-whole');
    if (!existsSync(whole)) {
      const problem = await install(folder, packages);
      if (problem !== undefined) {
        await rm(folder, { recursive: true, force: true });
        return problem;
      }
      await writeFile(whole, '');
    }
    return new PythonEnvironment(folder);
  }

  /**
   * Starts one of its commands in a folder, where PyAirbyte then stores all of its files. Its output must not contain secrets
   * of the configurations there.
   */
  start(command: string, args: readonly string[], folder: string, stdio: 'ignore' | 'pipe' = 'ignore'): ChildProcess {
    const child = spawn(join(this.#bin, command), [...args], {
      cwd: folder,
      stdio: [stdio, 'pipe', 'pipe', stdio],
      env: {
        ...process.env,
        // The smoke test looks for its own source there, and the scripts of the documentation for the connectors.
        PATH: `${this.#bin}:${LAUNCHERS}:${process.env.PATH}`,
        // Does not fetch the list of Airbyte's connectors, and sends nothing to Airbyte.
        AIRBYTE_OFFLINE_MODE: '1',
        AIRBYTE_PROJECT_DIR: folder,
        AIRBYTE_LOGGING_ROOT: join(folder, 'logs'),
        AIRBYTE_TEMP_DIR: folder,
        PYTHONWARNINGS: 'ignore',
      },
    });
    watchForSecrets(
      child,
      CONFIGURATIONS.map((name) => join(folder, name)),
    );
    return child;
  }

  /** Runs one of its commands to the end. */
  async run(command: string, args: readonly string[], folder: string): Promise<Ended> {
    return ended(this.start(command, args, folder));
  }
}

/** Waits for a process whose stdout and stderr are piped to us. */
export async function ended(child: ChildProcess): Promise<Ended> {
  const [stdout, stderr, code] = await Promise.all([
    child.stdout === null ? '' : text(child.stdout),
    child.stderr === null ? '' : text(child.stderr),
    new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    }),
  ]);
  return { code, stdout, stderr };
}

/** Installs packages into a folder. Returns why it could not. */
async function install(folder: string, { requirements, oldestMinor }: Packages): Promise<string | undefined> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(CACHE, { recursive: true });
  const python = await findPython(oldestMinor);
  if (python === undefined) return `there is no Python from 3.${oldestMinor} to 3.${FIRST_UNSUPPORTED_MINOR - 1} here`;
  const problem = await failing(python, ['-m', 'venv', folder]);
  if (problem !== undefined) return problem;
  const pip = join(folder, 'bin/pip');
  const uv = join(folder, 'bin/uv');
  const byUv = ['pip', 'install', '--quiet', '--no-cache', '--python', join(folder, 'bin/python'), '-r', requirements];
  const withoutUv = (await failing(pip, ['install', '--quiet', UV])) ?? (await failing(uv, byUv));
  return withoutUv && (await failing(pip, ['install', '--quiet', '-r', requirements]));
}

async function findPython(oldestMinor: number): Promise<string | undefined> {
  const isSupported = `import sys; sys.exit(not (3, ${oldestMinor}) <= sys.version_info < (3, ${FIRST_UNSUPPORTED_MINOR}))`;
  for (const python of PYTHONS) if ((await failing(python, ['-c', isSupported])) === undefined) return python;
  return undefined;
}

async function failing(command: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { code, stderr } = await ended(spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] }));
    return code === 0 ? undefined : `${command} ended with ${code}: ${stderr.trim().split('\n').at(-1)}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
