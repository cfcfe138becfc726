import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CONNECTOR_NAMES, type ConnectorName, readConnectors } from '../../build/airbyte/metadata.ts';
import { buildRegistry } from '../../build/airbyte/registry.ts';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { READER } from '../../sandbox/clickhouse/users.ts';
import { runInProcess } from '../support/in-process.ts';
import { PythonEnvironment } from '../support/python-environment.ts';
import { destinationConfiguration, quickBatchApi } from '../support/support.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Airbyte's standard tests that are left out on purpose, and why. */
const LEFT_OUT_TESTS = {
  test_docker_image_spec_backward_compatibility:
    'compares with the version in Airbyte’s registry, which has neither connector, and needs a network',
};

/** Airbyte's checks that are left out on purpose, and why. */
const LEFT_OUT_CHECKS = {
  ValidateMetadata: 'asks Docker Hub; the metadata is validated without that, below',
  CheckConnectorLanguageTag:
    'knows only Python, Java and manifests; the registry of Airbyte has language:unknown for TypeScript',
  CheckVersionIncrement: 'compares with the main branch of Airbyte’s repository, which has neither connector',
};

/** The standard tests that pass. The others detect that they do not apply to a destination or a configuration. */
const PASSING_TESTS: Record<ConnectorName, string[]> = {
  'source-clickhouse': [
    "check['config']",
    "check['invalid_config']",
    "check['malformed_config']",
    "config_matches_spec['config']",
    "discover['config']",
    "read['config']",
    'spec',
  ],
  'destination-batch': [
    "check['config']",
    "check['invalid_config']",
    "check['malformed_config']",
    "config_matches_spec['config']",
    'spec',
  ],
};

/** The checks that pass. The others report that they do not apply: most are only for Python or for Airbyte's own connectors. */
const PASSING_CHECKS = [
  'CheckChangelogEntry',
  'CheckConnectorIconIsAvailable',
  'CheckConnectorLicense',
  'CheckConnectorUsesHTTPSOnly',
  'CheckDocumentationExists',
  'CheckMigrationGuide',
  'CheckVersionFollowsSemver',
  'ValidateBreakingChangesDeadlineAction',
  'ValidateBreakingChangesDeadlines',
];

/** The page of each connector in Airbyte's repository, as it would be if the connector was listed there. */
const PAGES: Record<ConnectorName, string> = {
  'source-clickhouse': 'integrations/sources/clickhouse-events',
  'destination-batch': 'integrations/destinations/batch',
};

const resultsSchema = z.strictObject({
  quality: z.record(z.string(), z.record(z.string(), z.tuple([z.string(), z.string()]))),
  metadata: z.record(z.string(), z.string().nullable()),
  catalog: z.array(z.unknown()),
  entries: z.record(z.string(), z.record(z.string(), z.unknown())),
});

// Instead of Docker, Airbyte's tests find a program in this folder that starts the launchers.
process.env.PATH = `${HERE}:${process.env.PATH}`;
process.env.LAUNCHERS = join(ROOT, 'bin');

const python = await PythonEnvironment.prepare({
  name: 'airbyte',
  requirements: join(HERE, 'requirements.txt'),
  oldestMinor: 11,
});
if (typeof python === 'string') process.stderr.write(`The tests and checks of Airbyte are not run: ${python}.\n`);

describe.skipIf(typeof python === 'string')('Airbyte’s', () => {
  if (typeof python === 'string') return;
  let folder: string;
  let server: ClickHouseServer;
  let batch: BatchApi;
  let configurations: Record<ConnectorName, Record<string, unknown>>;

  const write = async (path: string, content: unknown): Promise<void> => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content));
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'clickhouse-to-batch-airbyte-'));
    server = await ClickHouseServer.start();
    batch = await quickBatchApi();
    await server.execute(
      'CREATE DATABASE shop',
      `CREATE TABLE shop.events (custom_id String, event_name LowCardinality(String), event_time Nullable(DateTime64(3)),
         last_updated_at DateTime64(6), n UInt64, price Decimal(10, 2), tags Array(String), labels Map(String, UInt8), address Tuple(city String))
       ENGINE = MergeTree ORDER BY last_updated_at`,
      'CREATE VIEW shop.purchases AS SELECT custom_id, event_name, last_updated_at FROM shop.events',
      `INSERT INTO shop.events SELECT toString(number), 'purchase', now64(3), now64(6), number, 1.25, ['a'], map('b', 1), tuple('Paris') FROM numbers(50)`,
    );
    configurations = {
      'source-clickhouse': { ...server.connection(READER), database: 'shop' },
      'destination-batch': destinationConfiguration(batch),
    };
  });

  afterAll(async () => {
    await batch.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** The folder of a connector, with the three configurations that its acceptance-test-config.yml names. */
  const connectorWithSecrets = async (name: ConnectorName): Promise<string> => {
    const connector = join(folder, name);
    await cp(join(ROOT, 'airbyte', name), connector, { recursive: true });
    const isSource = name === 'source-clickhouse';
    const wrong = isSource ? { password: 'wrong-password-1' } : { rest_api_key: 'wrong-key-1' };
    const contents = {
      config: configurations[name],
      invalid_config: { ...configurations[name], ...wrong },
      malformed_config: isSource ? { port: 8123 } : { project_key: 'project_1' },
    };
    for (const [file, content] of Object.entries(contents))
      await write(join(connector, `secrets/${file}.json`), content);
    return connector;
  };

  describe.each(CONNECTOR_NAMES)('standard tests of %s', (name) => {
    // Skipped, so that the report names each test that is left out, with its reason.
    test.skip.each(Object.entries(LEFT_OUT_TESTS))('%s: %s', () => {});

    test('pass', async () => {
      const args = [
        ...['-v', '-p', 'no:cacheprovider', '-p', 'airbyte_cdk.test.standard_tests.pytest_hooks'],
        ...['--connector-image', `clickhouse-to-batch/${name}:dev`, '--read-from-streams', 'all'],
        ...[
          '-k',
          Object.keys(LEFT_OUT_TESTS)
            .map((left) => `not ${left}`)
            .join(' and '),
        ],
        join(HERE, 'test_standard.py'),
      ];
      const { stdout, code } = await python.run('pytest', args, await connectorWithSecrets(name));
      expect(code, stdout).toBe(0);
      const passed = stdout.matchAll(/::test_docker_image_build_and_(\w+)(?:(\['\w+') Test Scenario(\]))? PASSED/g);
      expect([...passed].map(([, ...parts]) => parts.join('')).toSorted()).toEqual(PASSING_TESTS[name]);
    });
  });

  describe('checks', () => {
    let results: z.output<typeof resultsSchema>;
    let connectors: Awaited<ReturnType<typeof readConnectors>>;

    beforeAll(async () => {
      connectors = await readConnectors();
      const repository = join(folder, 'airbyte');
      for (const name of CONNECTOR_NAMES) {
        const connector = join(repository, 'airbyte-integrations/connectors', name);
        await cp(join(ROOT, 'airbyte', name), connector, { recursive: true });
        // With this folder, the checks treat it as a connector in Java, because they don't know TypeScript.
        await mkdir(join(connector, 'src/main/java'), { recursive: true });
        const { documentationUrl } = connectors[name].data;
        const metadata = await readFile(join(connector, 'metadata.yaml'), 'utf8');
        await write(
          join(connector, 'metadata.yaml'),
          metadata.replace(documentationUrl, `https://docs.airbyte.com/${PAGES[name]}`),
        );
        await write(join(repository, `docs/${PAGES[name]}.md`), await readFile(join(ROOT, `docs/${name}.md`), 'utf8'));
      }
      await write(join(repository, 'source.json'), configurations['source-clickhouse']);
      const discovered = await runInProcess('source-clickhouse', [
        'discover',
        '--config',
        join(repository, 'source.json'),
      ]);
      await write(join(repository, 'input.json'), {
        leftOut: Object.keys(LEFT_OUT_CHECKS),
        catalog: discovered.messages.find(({ catalog }) => catalog !== undefined)?.catalog,
        registry: JSON.parse(await readFile(join(ROOT, 'airbyte/registry.json'), 'utf8')),
        connectors: Object.fromEntries(
          CONNECTOR_NAMES.map((name) => [
            name,
            { metadata: connectors[name].data, specification: connectors[name].specification },
          ]),
        ),
      });
      const { code, stderr } = await python.run('python', [join(HERE, 'checks.py'), 'results.json'], repository);
      expect(code, stderr).toBe(0);
      results = resultsSchema.parse(JSON.parse(await readFile(join(repository, 'results.json'), 'utf8')));
    });

    // Skipped, so that the report names each check that is left out, with its reason.
    test.skip.each(Object.entries(LEFT_OUT_CHECKS))('%s: %s', () => {});

    test.each(CONNECTOR_NAMES)('of the folder of %s pass', (name) => {
      const all = Object.entries(results.quality[name] ?? {});
      expect(all.filter(([, [status]]) => status === 'FAILED')).toEqual([]);
      expect(all.flatMap(([check, [status]]) => (status === 'PASSED' ? [check] : [])).toSorted()).toEqual(
        PASSING_CHECKS,
      );
    });

    test('of the metadata pass', () => {
      expect(results.metadata).toEqual({ 'source-clickhouse': null, 'destination-batch': null });
    });

    test('of the catalog pass, with columns of each kind', () => {
      expect(results.catalog).toEqual([]);
    });

    test('generate the entries that are in the registry', () => {
      const { sources, destinations } = buildRegistry(Object.values(connectors));
      const [source, destination] = [...sources, ...destinations].map(({ iconUrl: _, ...entry }) => entry);
      expect(results.entries).toEqual({ 'source-clickhouse': source, 'destination-batch': destination });
    });
  });
});
