import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { ROOT } from '../packaging/kubernetes-manifest.ts';

const execute = promisify(execFile);

/** Podman takes the arguments of Docker. */
const PROGRAMS = ['docker', 'podman'];

/** The names of the tests' images, so that images of the user stay unchanged. */
const REPOSITORY = 'clickhouse-to-batch-test';

const printedImage = z.tuple([
  z.object({
    Size: z.number(),
    Config: z.object({
      User: z.string(),
      Env: z.array(z.string()),
      Entrypoint: z.array(z.string()),
      Labels: z.record(z.string(), z.string()),
    }),
  }),
]);

type Image = z.output<typeof printedImage>[0];

/** What builds images and runs containers, which are on the network of this machine, as the sandbox is. */
export class ContainerEngine {
  readonly #program: string;
  readonly #base: string;

  private constructor(program: string, base: string) {
    this.#program = program;
    this.#base = base;
  }

  /**
   * Docker or Podman, if one of them works here and has or gets the base image: that of the Dockerfile, or NODE_IMAGE of
   * the environment. A string with the reason if it is unavailable.
   */
  static async find(): Promise<ContainerEngine | string> {
    const base = process.env.NODE_IMAGE ?? (await baseOfDockerfile());
    for (const program of PROGRAMS) {
      if (!(await succeeds(program, 'version'))) continue;
      const hasBase = (await succeeds(program, 'image', 'inspect', base)) || (await succeeds(program, 'pull', base));
      return hasBase ? new ContainerEngine(program, base) : `${program} can't get the image ${base}`;
    }
    return `neither ${PROGRAMS.join(' nor ')} works here`;
  }

  /** The name of an image in the tests. */
  name(target: string): string {
    return `${REPOSITORY}/${target}`;
  }

  /**
   * A block of a page, to be run by bash, in which `docker` is this engine: it builds from this checkout and on the base
   * image that there is, under the names of the tests, and runs on the network of this machine.
   */
  inShell(block: string): string {
    const build = `build --network host --build-arg NODE_IMAGE='${this.#base}'`;
    return `docker() {
  case "$1" in
    build) command ${this.#program} ${build} "\${@:2}" ;;
    run) command ${this.#program} run --network host "\${@:2}" ;;
    *) command ${this.#program} "$@" ;;
  esac
}
${block.replaceAll('clickhouse-to-batch/', `${REPOSITORY}/`).replace(/^(docker build .*) \.$/gm, `$1 '${ROOT}'`)}`;
  }

  /** Runs a command of this engine to its end. @throws Error when it fails. */
  async run(...args: string[]): Promise<string> {
    const { stdout } = await execute('bash', ['-c', this.inShell('docker "$@"'), 'docker', ...args]);
    return stdout;
  }

  /** The program and the arguments that start a container, whose stdin is ours. */
  container(...args: string[]): [program: string, args: string[]] {
    return [this.#program, ['run', '--rm', '--interactive', '--network', 'host', ...args]];
  }

  async inspect(image: string): Promise<Image> {
    const [printed] = printedImage.parse(JSON.parse(await this.run('image', 'inspect', image)));
    return printed;
  }

  /** The bytes that an image has beyond its base. */
  async bytesBeyondBase(image: string): Promise<number> {
    const sizes = z.array(z.object({ Size: z.number() }));
    const [ours, base] = sizes.parse(JSON.parse(await this.run('image', 'inspect', image, this.#base)));
    return (ours?.Size ?? Number.NaN) - (base?.Size ?? Number.NaN);
  }
}

async function baseOfDockerfile(): Promise<string> {
  const [, base = ''] = /^ARG NODE_IMAGE=(\S+)$/m.exec(await readFile(`${ROOT}/Dockerfile`, 'utf8')) ?? [];
  return base;
}

async function succeeds(program: string, ...args: string[]): Promise<boolean> {
  try {
    await execute(program, args);
    return true;
  } catch {
    return false;
  }
}
