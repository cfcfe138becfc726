import { execFile } from 'node:child_process';
import { access, constants, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LAUNCHERS = ['source-clickhouse', 'destination-batch', 'connector'];

const names = z.record(z.string(), z.string());
const packageSchema = z.object({
  version: z.string(),
  license: z.string(),
  bin: names,
  files: z.array(z.string()),
  dependencies: names,
});
const lockSchema = z.object({
  version: z.string(),
  packages: z.record(z.string(), z.object({ optionalDependencies: names.default({}) })),
});

const registry = z.strictObject({ enabled: z.boolean() });

/** What Airbyte's tools take as a connector's metadata, as far as there is a use for it here; an unknown key is refused. */
const metadataSchema = z.strictObject({
  metadataSpecVersion: z.literal('1.0'),
  data: z.strictObject({
    name: z.string(),
    definitionId: z.uuidv4(),
    connectorType: z.enum(['source', 'destination']),
    connectorSubtype: z.enum([
      'api',
      'custom',
      'database',
      'datalake',
      'file',
      'message_queue',
      'unknown',
      'vectorstore',
    ]),
    dockerRepository: z.string(),
    dockerImageTag: z.string().regex(/^\d+\.\d+\.\d+$/),
    license: z.string(),
    documentationUrl: z.url({ protocol: /^https$/ }),
    githubIssueLabel: z.string(),
    releaseStage: z.enum(['alpha', 'beta', 'generally_available', 'custom']),
    supportLevel: z.enum(['community', 'certified', 'archived']).optional(),
    icon: z.string().optional(),
    allowedHosts: z.strictObject({ hosts: z.array(z.string()) }).optional(),
    registryOverrides: z.strictObject({ oss: registry, cloud: registry }).optional(),
    tags: z.array(z.string().regex(/^(language|keyword):[a-z-]+$/)).optional(),
    releases: z.strictObject({ breakingChanges: z.record(z.string(), z.looseObject({})) }).optional(),
    suggestedStreams: z.strictObject({ streams: z.array(z.string()) }).optional(),
    resourceRequirements: z.looseObject({}).optional(),
    maxSecondsBetweenMessages: z.int().optional(),
    protocolVersion: z.string().optional(),
    externalDocumentationUrls: z.array(z.looseObject({ title: z.string(), url: z.url() })).optional(),
    supportsRefreshes: z.boolean().optional(),
    supportsDataActivation: z.boolean().optional(),
    supportsFileTransfer: z.boolean().optional(),
  }),
});

const manifest = packageSchema.parse(await json('package.json'));
const lock = lockSchema.parse(await json('package-lock.json'));
const metadataDocuments = parseAllDocuments(await text('metadata.yaml'));
const metadata = metadataDocuments.map((document) => metadataSchema.parse(document.toJS()));
const stages = dockerStages(await text('Dockerfile'));
const images = stages.slice(-LAUNCHERS.length);

test('every file names the same version', async () => {
  const [, changelog] = /^## (\S+)/m.exec(await text('CHANGELOG.md')) ?? [];
  const versions = {
    'package-lock.json': lock.version,
    'CHANGELOG.md': changelog,
    'metadata.yaml': metadata.map(({ data }) => data.dockerImageTag),
    'Dockerfile, io.airbyte.version': images.map(({ labels }) => labels['io.airbyte.version']),
    'Dockerfile, org.opencontainers': images.map(({ labels }) => labels['org.opencontainers.image.version']),
  };
  const { version } = manifest;
  expect(versions).toEqual({
    'package-lock.json': version,
    'CHANGELOG.md': version,
    'metadata.yaml': [version, version],
    'Dockerfile, io.airbyte.version': [version, version, version],
    'Dockerfile, org.opencontainers': [version, version, version],
  });
});

describe('metadata.yaml', () => {
  test('is YAML that every parser accepts', () => {
    expect(metadataDocuments.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
  });

  test('describes one source and one destination, by the names of their images', () => {
    expect(metadata.map(({ data }) => [data.connectorType, data.connectorSubtype, data.dockerRepository])).toEqual([
      ['source', 'database', 'clickhouse-to-batch/source-clickhouse'],
      ['destination', 'api', 'clickhouse-to-batch/destination-batch'],
    ]);
  });

  test('has a different id for each connector', () => {
    expect(new Set(metadata.map(({ data }) => data.definitionId)).size).toBe(metadata.length);
  });

  test('agrees with the licence and with what spec prints', async () => {
    for (const { data } of metadata) {
      const spec = z
        .object({ documentationUrl: z.string(), connectionSpecification: z.object({ properties: z.looseObject({}) }) })
        .parse(await json(`spec/${data.githubIssueLabel}.json`));
      expect(data.license).toBe(manifest.license);
      expect(data.documentationUrl).toBe(spec.documentationUrl);
      for (const host of data.allowedHosts?.hosts ?? []) {
        const [, option] = /^\$\{(.+)\}$/.exec(host) ?? [];
        // An option of one of several choices stands a level deeper than its name says.
        const [name = '', inChoice] = option?.split('.') ?? [];
        if (option === undefined) continue;
        expect(spec.connectionSpecification.properties).toHaveProperty(name);
        if (inChoice !== undefined)
          expect(JSON.stringify(spec.connectionSpecification.properties[name])).toContain(`"${inChoice}":{`);
      }
    }
  });
});

describe('the Dockerfile', () => {
  test('has a target for each launcher, and the one with both connectors comes last', () => {
    expect(images.map(({ name }) => name)).toEqual(LAUNCHERS);
  });

  test.each(images)('$name starts its launcher the same way for Docker and for the platform', (image) => {
    expect(image.env.AIRBYTE_ENTRYPOINT).toBe(`/airbyte/integration_code/bin/${image.name}`);
    expect(JSON.parse(image.entrypoint)).toEqual([image.env.AIRBYTE_ENTRYPOINT]);
    expect(image.labels['io.airbyte.name']).toBe(`clickhouse-to-batch/${image.name}`);
  });

  test.each(images)('$name runs as a user that is known by number not to be root', ({ user }) => {
    expect(user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });

  test.each(images)('$name holds what the npm package holds, and nothing else', ({ copied }) => {
    const built = copied.filter(({ from }) => from === 'build').map(({ to }) => to);
    expect(built.toSorted()).toEqual([...manifest.files, './'].toSorted());
  });

  test('copies nothing that .dockerignore keeps away', async () => {
    const admitted = (await text('.dockerignore')).split('\n').flatMap((line) => /^!(.+)$/.exec(line)?.[1] ?? []);
    const wanted = stages.flatMap(({ copied }) => copied.filter(({ from }) => from === undefined));
    expect(new Set(admitted)).toEqual(new Set(wanted.flatMap(({ what }) => what)));
  });
});

describe('package.json', () => {
  test('has as dependencies what src imports, and nothing else', async () => {
    const imported = new Set<string>();
    for (const path of await readdir(join(ROOT, 'src'), { recursive: true })) {
      if (!path.endsWith('.ts') || path.endsWith('.test.ts')) continue;
      const source = await text(join('src', path));
      // Types alone need nothing at run time.
      const specifiers = source.matchAll(
        /^(?:import|export) (?!type )(?:[^';]* from )?'([^']+)'|\bimport\('([^']+)'\)/gm,
      );
      for (const [, fixed, dynamic] of specifiers) {
        const [name] = /^(@[^/]+\/)?[^/]+/.exec(fixed ?? dynamic ?? '') ?? [''];
        if (!/^(\.|node:)/.test(name)) imported.add(name);
      }
    }
    expect([...imported].sort()).toEqual(Object.keys(manifest.dependencies).sort());
  });

  test('has a lock file with the optional packages of every platform', () => {
    const missing = Object.values(lock.packages)
      .flatMap(({ optionalDependencies }) => Object.keys(optionalDependencies))
      .filter((name) => !Object.keys(lock.packages).some((path) => path.endsWith(`node_modules/${name}`)));
    expect(missing).toEqual([]);
  });

  test('has a launcher for each command, which can be executed', async () => {
    expect(Object.entries(manifest.bin).sort()).toEqual(LAUNCHERS.map((name) => [name, `bin/${name}`]).sort());
    for (const path of Object.values(manifest.bin)) {
      await access(join(ROOT, path), constants.X_OK);
      expect(await text(path)).toMatch(/^#!\/usr\/bin\/env node\n/);
    }
  });
});

describe('the npm package, without any other', () => {
  let folder: string;
  let packed: string[];

  /** Installs the files of the package as npm does: in node_modules, with links to the launchers in .bin. */
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clickhouse-to-batch-package-'));
    const { stdout } = await execute('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT });
    const [contents] = z.array(z.object({ files: z.array(z.object({ path: z.string() })) })).parse(JSON.parse(stdout));
    packed = contents?.files.map(({ path }) => path) ?? [];

    const installed = join(folder, 'node_modules', 'clickhouse-to-batch');
    for (const path of packed) await cp(join(ROOT, path), join(installed, path));
    await mkdir(join(folder, 'node_modules', '.bin'));
    for (const [name, path] of Object.entries(manifest.bin)) {
      await symlink(join('..', 'clickhouse-to-batch', path), join(folder, 'node_modules', '.bin', name));
    }
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** What a launcher prints when it is started through its link, from a folder that is not the package's. */
  async function print(name: string, args: string[], env: Record<string, string> = {}): Promise<unknown> {
    const launcher = join(folder, 'node_modules', '.bin', name);
    const { stdout } = await execute(launcher, args, { cwd: folder, env: { PATH: process.env.PATH, ...env } });
    return JSON.parse(stdout);
  }

  test('holds what is run and read, and no tests, no sandbox, no sources', () => {
    const rest = packed.filter((path) => !/^(dist\/cli\/[^/]+\.js|docs\/troubleshooting\/\w+\.md)$/.test(path));
    expect(rest.sort()).toEqual([
      'LICENSE',
      'README.md',
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
    ['connector', 'source-clickhouse', 'source'],
    ['connector', 'destination-batch', 'destination'],
  ])('%s prints the spec of %s', async (launcher, connector, role) => {
    expect(await print(launcher, ['spec'], role === undefined ? {} : { CONNECTOR_ROLE: role })).toEqual({
      type: 'SPEC',
      spec: await json(`spec/${connector}.json`),
    });
  });

  test('explains a code without this repository', async () => {
    const launcher = join(folder, 'node_modules', '.bin', 'connector');
    const { stdout } = await execute(launcher, ['explain', 'custom_id_missing'], { cwd: folder });
    expect(stdout).toBe(await text('docs/troubleshooting/custom_id_missing.md'));
  });

  test.each([
    ['source-clickhouse', { host: 1 }],
    ['destination-batch', { project_key: 1 }],
  ])('%s finds every module that its commands need', async (launcher, config) => {
    await writeFile(join(folder, 'config.json'), JSON.stringify(config));
    expect(await print(launcher, ['check', '--config', 'config.json'])).toMatchObject({
      connectionStatus: { status: 'FAILED' },
    });
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

/** The stages of a Dockerfile, each with what it has from the one that it begins from. */
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
