import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { finished } from '../../sandbox/launcher.ts';
import { pagesIn } from '../docs/pages.ts';
import { DocsRunner, type Given } from '../docs/runner.ts';
import { ROOT } from '../packaging/kubernetes-manifest.ts';
import { catalogOf, destinationConfiguration, quickBatchApi, states } from '../support/support.ts';
import { ContainerEngine } from './container-engine.ts';

const TARGETS = ['source-clickhouse', 'destination-batch', 'connector'];

/** What ours may add to the base image: docs/docker.md says 4.8 megabytes. */
const MOST_BYTES = 5e6;

/** The rights that the strictest clusters grant. */
const LEAST_RIGHTS = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'];

/** The exit code after SIGTERM. */
const TERMINATED = 143;

/** Rows, and a STATE after them, as a source writes them. */
const ROWS = 300;
const INPUT = [
  ...Array.from({ length: ROWS }, (_, n) => ({
    type: 'RECORD',
    record: { stream: 'events', emitted_at: 0, data: { custom_id: `u${n % 50}`, event_name: 'purchase', n } },
  })),
  {
    type: 'STATE',
    state: { type: 'STREAM', stream: { stream_descriptor: { name: 'events' }, stream_state: { n: 1 } } },
  },
];

/** What the reader of the pages about containers has. */
const GIVEN: Given = {
  files: {
    'source.json': `{"host": "localhost", "username": "batch_sync", "password": "…", "database": "shop", "table": "events"}`,
    'destination.json': '{"project_key": "project_…", "rest_api_key": "…"}',
    'catalog.json': JSON.stringify(catalogOf('incremental', 'events')),
  },
  statements: [
    `CREATE DATABASE shop;
CREATE TABLE shop.events ENGINE = MergeTree ORDER BY last_updated_at
AS SELECT toString(number % 7) AS custom_id, 'order_paid' AS event_name, now64(6) - 600 AS last_updated_at, number AS n FROM numbers(2000)`,
  ],
};

const engine = await ContainerEngine.find();
if (typeof engine === 'string') {
  process.stderr.write(`The images are not tested: ${engine}.\n`);
  // Skipped, because this machine can't build images. A file without a test would be a failure.
  test.skip('the images', () => {});
} else {
  testImages(engine);
}

function testImages(engine: ContainerEngine): void {
  let runner: DocsRunner;

  beforeAll(async () => {
    for (const target of TARGETS) await engine.run('build', '--target', target, '--tag', engine.name(target), ROOT);
    runner = await DocsRunner.start();
  });

  afterAll(async () => {
    await runner?.stop();
    await engine.run('image', 'rm', ...TARGETS.map((target) => engine.name(target)));
  });

  describe.each(TARGETS)('%s', (target) => {
    test('has labels that describe it', async () => {
      const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
      const { Labels } = (await engine.inspect(engine.name(target))).Config;
      expect(Labels['io.airbyte.name']).toBe(`clickhouse-to-batch/${target}`);
      expect(Labels['io.airbyte.version']).toBe(version);
      expect(Labels['org.opencontainers.image.version']).toBe(version);
    });

    test('runs as user 1000', async () => {
      const identity = await engine.run('run', '--rm', '--entrypoint', 'id', engine.name(target), '-u');
      expect(identity.trim()).toBe('1000');
    });

    test('is small', async () => {
      expect(await engine.bytesBeyondBase(engine.name(target))).toBeLessThan(MOST_BYTES);
    });
  });

  describe.each([
    ['source-clickhouse', 'source-clickhouse', []],
    ['destination-batch', 'destination-batch', []],
    ['connector', 'source-clickhouse', ['--env', 'CONNECTOR_ROLE=source']],
    ['connector', 'destination-batch', ['--env', 'CONNECTOR_ROLE=destination']],
  ])('%s, as %s,', (target, connector, options) => {
    const expected = JSON.parse(readFileSync(join(ROOT, `spec/${connector}.json`), 'utf8'));

    test('prints its specification, with the least rights and as any user', async () => {
      const printed = await engine.run(
        'run',
        '--rm',
        ...LEAST_RIGHTS,
        '--user',
        '12345:12345',
        ...options,
        engine.name(target),
        'spec',
      );
      expect(JSON.parse(printed).spec).toEqual(expected);
    });

    test('is started by AIRBYTE_ENTRYPOINT, through sh', async () => {
      const command = ['--entrypoint', 'sh', engine.name(target), '-c', 'eval "$AIRBYTE_ENTRYPOINT spec"'];
      expect(JSON.parse(await engine.run('run', '--rm', ...options, ...command)).spec).toEqual(expected);
    });
  });

  describe.each([
    ['as process 1', []],
    ['as a child of sh', ['--entrypoint', 'sh']],
  ])('SIGTERM, %s,', (name, entrypoint) => {
    test('lets it settle what it has read', async () => {
      const batch = await quickBatchApi();
      onTestFinished(() => batch.close());
      batch.faults.add({ kind: 'delay', milliseconds: 500, times: 20 });
      const folder = mkdtempSync(join(tmpdir(), 'clickhouse-to-batch-image-'));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      writeFileSync(join(folder, 'destination.json'), JSON.stringify(destinationConfiguration(batch)));
      writeFileSync(join(folder, 'catalog.json'), JSON.stringify(catalogOf('incremental', 'events')));
      chmodSync(folder, 0o755);
      const container = `clickhouse-to-batch-test-${process.pid}-${name.replaceAll(' ', '-')}`;
      const write = ['write', '--config', '/config/destination.json', '--catalog', '/config/catalog.json'];
      const child = spawn(
        ...engine.container(
          '--name',
          container,
          '--volume',
          `${folder}:/config:ro`,
          ...LEAST_RIGHTS,
          ...entrypoint,
          engine.name('destination-batch'),
          ...(entrypoint.length === 0 ? write : ['-c', `"$AIRBYTE_ENTRYPOINT" ${write.join(' ')}`]),
        ),
      );
      const ended = finished(child);
      child.stdin.write(INPUT.map((message) => `${JSON.stringify(message)}\n`).join(''));
      await vi.waitFor(() => expect(batch.stats.requests).toBeGreaterThan(0), { timeout: 30_000, interval: 5 });
      await engine.run('stop', '--time', '60', container);
      const result = await ended;
      expect(result.code).toBe(TERMINATED);
      expect(states(result).map(({ stream }) => stream.stream_state)).toEqual([{ n: 1 }]);
      expect(batch.stats.events_accepted).toBe(ROWS);
    });
  });

  describe('the commands of a page work:', () => {
    const blocks = pagesIn('docs').flatMap(({ path, blocks }) =>
      blocks
        .filter(({ mark }) => mark.kind === 'not run' && mark.why === 'needs Docker')
        .map(({ text }) => ({ path, text })),
    );

    test('there are pages with commands', () => expect(blocks.length).toBeGreaterThan(1));

    test.each(blocks)('$path', async ({ text }) => {
      const folder = await runner.folder(GIVEN);
      // Any user in the container must be able to read these files.
      chmodSync(folder, 0o755);
      const goesOn = text.includes('--every');
      const printed = await runner.shell(engine.inShell(text), folder, goesOn ? 'Next run at' : undefined);
      const told = goesOn ? printed : readFileSync(join(folder, 'out.jsonl'), 'utf8');
      expect(told.replaceAll(',', '')).toMatch(/2000 rows read\D+2000 accepted/);
    });
  });
}
