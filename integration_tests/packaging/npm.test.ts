import { execFile } from 'node:child_process';
import { access, constants, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The commands that npm installs. */
const COMMANDS = ['clickhouse-to-batch', 'source-clickhouse', 'destination-batch'];

/** The targets of the Dockerfile. Each starts the launcher of the same name. */
const TARGETS = ['source-clickhouse', 'destination-batch', 'connector'];

const names = z.record(z.string(), z.string());
/** It contains nothing that npm would install or run except the package itself. */
const packageSchema = z.object({
  version: z.string(),
  license: z.string(),
  homepage: z.url(),
  repository: z.object({ type: z.literal('git'), url: z.string() }),
  bugs: z.url(),
  bin: names,
  files: z.array(z.string()),
  scripts: z.looseObject({
    preinstall: z.undefined().optional(),
    install: z.undefined().optional(),
    postinstall: z.undefined().optional(),
    // It would not run, but npm warns about it when a tarball is installed.
    prepare: z.undefined().optional(),
  }),
  dependencies: z.undefined().optional(),
  optionalDependencies: z.undefined().optional(),
  peerDependencies: z.undefined().optional(),
});
const lockSchema = z.object({
  version: z.string(),
  packages: z.record(z.string(), z.object({ optionalDependencies: names.default({}) })),
});

const manifest = packageSchema.parse(await json('package.json'));
const lock = lockSchema.parse(await json('package-lock.json'));
const stages = dockerStages(await text('Dockerfile'));
const images = stages.slice(-TARGETS.length);

test('every file names the same version', async () => {
  const [, changelog] = /^## (\S+)/m.exec(await text('CHANGELOG.md')) ?? [];
  const versions = {
    'package-lock.json': lock.version,
    'CHANGELOG.md': changelog,
    'Dockerfile, io.airbyte.version': images.map(({ labels }) => labels['io.airbyte.version']),
    'Dockerfile, org.opencontainers': images.map(({ labels }) => labels['org.opencontainers.image.version']),
  };
  const { version } = manifest;
  expect(versions).toEqual({
    'package-lock.json': version,
    'CHANGELOG.md': version,
    'Dockerfile, io.airbyte.version': [version, version, version],
    'Dockerfile, org.opencontainers': [version, version, version],
  });
});

describe('the Dockerfile', () => {
  test('has a target for each launcher, and the one with both connectors comes last', () => {
    expect(images.map(({ name }) => name)).toEqual(TARGETS);
  });

  test.each(images)('$name starts its launcher the same way for Docker and for the platform', (image) => {
    expect(image.env.AIRBYTE_ENTRYPOINT).toBe(`/airbyte/integration_code/bin/${image.name}`);
    expect(JSON.parse(image.entrypoint)).toEqual([image.env.AIRBYTE_ENTRYPOINT]);
    expect(image.labels['io.airbyte.name']).toBe(`clickhouse-to-batch/${image.name}`);
  });

  test.each(images)('$name runs as a numeric user other than root', ({ user }) => {
    expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  test.each(images)('$name contains the files of the npm package, and nothing else', ({ copied }) => {
    const built = copied.filter(({ from }) => from === 'build').map(({ to }) => to);
    expect(built.toSorted()).toEqual([...manifest.files, './'].toSorted());
  });

  test('copies nothing that .dockerignore excludes', async () => {
    const admitted = (await text('.dockerignore')).split('\n').flatMap((line) => /^!(.+)$/.exec(line)?.[1] ?? []);
    const wanted = stages.flatMap(({ copied }) => copied.filter(({ from }) => from === undefined));
    expect(new Set(admitted)).toEqual(new Set(wanted.flatMap(({ what }) => what)));
  });
});

describe('package.json', () => {
  test('has the addresses that the connectors print', async () => {
    const { documentationUrl } = z
      .object({ documentationUrl: z.string() })
      .parse(await json('spec/source-clickhouse.json'));
    const [address = ''] = /^https:\/\/github\.com\/[^/]+\/[^/]+/.exec(documentationUrl) ?? [];
    expect({ homepage: manifest.homepage, repository: manifest.repository.url, bugs: manifest.bugs }).toEqual({
      homepage: `${address}#readme`,
      // As npm writes it when it publishes. For --provenance, it must be the repository of the workflow.
      repository: `git+${address}.git`,
      bugs: `${address}/issues`,
    });
  });

  test('has a lock file with the optional packages of every platform', () => {
    const missing = Object.values(lock.packages)
      .flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies))
      .filter((name) => !Object.keys(lock.packages).some((path) => path.endsWith(`node_modules/${name}`)));
    expect(missing).toEqual([]);
  });

  test('has a launcher for each command, which can be executed', async () => {
    expect(manifest.bin).toEqual(Object.fromEntries(COMMANDS.map((name) => [name, `bin/${name}`])));
    for (const path of [...Object.values(manifest.bin), 'bin/connector']) {
      await access(join(ROOT, path), constants.X_OK);
      expect(await text(path)).toMatch(/^#!\/usr\/bin\/env node\n/);
    }
  });
});

describe('the npm package, installed without a network', () => {
  let folder: string;
  let packed: string[];

  /** Runs npm in the folder, as a user who has never used it and has no network. */
  async function npm(command: string, ...args: string[]): Promise<string> {
    const env = { PATH: process.env.PATH, HOME: folder, npm_config_registry: 'http://127.0.0.1:1' };
    const { stdout } = await execute(command, [...args, '--offline'], { cwd: folder, env });
    return stdout;
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clickhouse-to-batch-package-'));
    const options = ['--json', '--ignore-scripts', '--pack-destination', folder];
    const { stdout } = await execute('npm', ['pack', ...options], { cwd: ROOT });
    const [contents] = z
      .array(z.object({ filename: z.string(), files: z.array(z.object({ path: z.string() })) }))
      .parse(JSON.parse(stdout));
    packed = contents?.files.map(({ path }) => path) ?? [];
    await npm('npm', 'install', `./${contents?.filename}`);
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Runs an installed command from a folder that is not the package's. Returns its stdout. */
  async function run(name: string, args: string[], env: Record<string, string> = {}): Promise<string> {
    const command = join(folder, 'node_modules', '.bin', name);
    const { stdout } = await execute(command, args, { cwd: folder, env: { PATH: process.env.PATH, ...env } });
    return stdout;
  }

  test('installs nothing but the package and its commands', async () => {
    expect((await readdir(join(folder, 'node_modules'))).sort()).toEqual([
      '.bin',
      '.package-lock.json',
      'clickhouse-to-batch',
    ]);
    expect((await readdir(join(folder, 'node_modules', '.bin'))).sort()).toEqual([...COMMANDS].sort());
  });

  test('is started by npx', async () => {
    expect(await npm('npx', 'clickhouse-to-batch', '--version')).toBe(`${manifest.version}\n`);
  });

  test('contains the programs and pages for users, and no tests, sandbox or sources', () => {
    const rest = packed.filter((path) => !/^(dist\/cli\/[^/]+\.js|docs\/troubleshooting\/\w+\.md)$/.test(path));
    expect(rest.sort()).toEqual([
      'LICENSE',
      'README.md',
      'bin/clickhouse-to-batch',
      'bin/connector',
      'bin/destination-batch',
      'bin/source-clickhouse',
      'dist/third-party-licences.txt',
      'package.json',
      'spec/destination-batch.json',
      'spec/source-clickhouse.json',
      'spec/sync.json',
    ]);
    expect(packed).toContain('dist/cli/main.js');
    expect(packed.filter((path) => /\.test\.|sandbox|integration/.test(path))).toEqual([]);
  });

  test.each([
    ['source-clickhouse', 'source-clickhouse', undefined],
    ['destination-batch', 'destination-batch', undefined],
    ['clickhouse-to-batch', 'source-clickhouse', 'source'],
    ['clickhouse-to-batch', 'destination-batch', 'destination'],
  ])('%s prints the spec of %s', async (name, connector, role) => {
    const printed = await run(name, ['spec'], role === undefined ? {} : { CONNECTOR_ROLE: role });
    expect(JSON.parse(printed)).toEqual({ type: 'SPEC', spec: await json(`spec/${connector}.json`) });
  });

  test('explains a code without this repository', async () => {
    const page = await run('clickhouse-to-batch', ['explain', 'custom_id_missing']);
    expect(page).toBe(await text('docs/troubleshooting/custom_id_missing.md'));
  });

  test.each([
    ['source-clickhouse', { host: 1 }],
    ['destination-batch', { project_key: 1 }],
  ])('%s finds every module that its commands need', async (name, config) => {
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    expect(JSON.parse(await run(name, ['check', '--config', 'config.json']))).toMatchObject({
      connectionStatus: { status: 'FAILED' },
    });
  });

  test('contains every package that it imports', async () => {
    const imported = new Set<string>();
    for (const path of packed.filter((each) => each.startsWith('dist/cli/'))) {
      const specifiers = (await text(path)).matchAll(
        /^(?:import|export)\b[^;'"]*['"]([^'"]+)['"];$|\bimport\("([^"]+)"\)/gm,
      );
      for (const [, fixed, dynamic] of specifiers) imported.add(fixed ?? dynamic ?? '');
    }
    // http-proxy-agent loads kerberos only for an option that is not used.
    expect([...imported].filter((name) => !name.startsWith('./') && !isBuiltin(name))).toEqual(['kerberos']);
  });
});

function text(path: string): Promise<string> {
  return readFile(join(ROOT, path), 'utf8');
}

async function json(path: string): Promise<unknown> {
  return JSON.parse(await text(path));
}

type Stage = {
  name: string;
  user: string;
  entrypoint: string;
  env: Record<string, string>;
  labels: Record<string, string>;
  copied: { from: string | undefined; what: string[]; to: string }[];
};

/** The stages of a Dockerfile, each with what it inherits from its base stage. */
function dockerStages(dockerfile: string): Stage[] {
  const found: Stage[] = [];
  const instructions = dockerfile
    .split('\n')
    .filter((line) => !/^\s*(#|$)/.test(line))
    .join('\n')
    .replaceAll(/\\\n/g, '')
    .split('\n');
  for (const instruction of instructions) {
    const [, keyword, rest = ''] = /^(\w+)\s+(.*)$/.exec(instruction) ?? [];
    if (keyword === 'FROM') {
      const [, base, name = ''] = /^(?:--\S+ )?(\S+) AS (\S+)$/.exec(rest) ?? [];
      const before = found.find((stage) => stage.name === base);
      const empty: Stage = { name, user: 'root', entrypoint: '', env: {}, labels: {}, copied: [] };
      found.push({ ...structuredClone(before ?? empty), name });
      continue;
    }
    const stage = found.at(-1);
    if (stage === undefined) continue;
    if (keyword === 'USER') stage.user = rest;
    if (keyword === 'ENTRYPOINT') stage.entrypoint = rest;
    if (keyword === 'ENV') Object.assign(stage.env, keysAndValues(rest));
    if (keyword === 'LABEL') Object.assign(stage.labels, keysAndValues(rest));
    if (keyword === 'COPY') stage.copied.push(copy(rest));
  }
  return found;
}

function keysAndValues(text: string): Record<string, string> {
  const pairs = text.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S+))/g);
  return Object.fromEntries([...pairs].map(([, key = '', quoted, bare]) => [key, quoted ?? bare ?? '']));
}

function copy(rest: string): Stage['copied'][number] {
  const words = rest.split(/\s+/);
  const from = words.find((word) => word.startsWith('--from='))?.slice('--from='.length);
  const paths = words.filter((word) => !word.startsWith('--'));
  return { from, what: paths.slice(0, -1), to: paths.at(-1) ?? '' };
}
