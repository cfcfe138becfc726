import type { ChildProcess } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { printJson } from '../../sandbox/batch-api/json.ts';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { READER } from '../../sandbox/clickhouse/users.ts';
import { ended, PythonEnvironment } from '../support/python-environment.ts';
import { destinationConfiguration, quickBatchApi } from '../support/support.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const ROWS = 60;

const python = await PythonEnvironment.prepare({
  name: 'pyairbyte',
  requirements: join(HERE, 'requirements.txt'),
  oldestMinor: 10,
});
if (typeof python === 'string') process.stderr.write(`PyAirbyte is not tested: ${python}.\n`);

/** A folder of a user, with the launchers and both configurations, a database with rows, and a Batch API. */
type Project = {
  folder: string;
  batch: BatchApi;
  insert: (from: number, rows: number) => Promise<void>;
  /** The rows of the table, as strings. */
  rows: () => Promise<Record<string, unknown>[]>;
  /** What Batch should have received for them. */
  expectedEvents: () => Promise<SentEvent[]>;
  /** What Batch has received since the last call. */
  newEvents: () => SentEvent[];
};

const sentEventSchema = z.strictObject({
  custom_id: z.string(),
  event: z.strictObject({
    name: z.string(),
    time: z.string().optional(),
    // An event without attributes has no `attributes`.
    attributes: z.record(z.string(), z.unknown()).default({}),
  }),
});
type SentEvent = z.output<typeof sentEventSchema>;

const rowSchema = z.strictObject({
  custom_id: z.string(),
  event_name: z.string(),
  event_time: z.string().nullable(),
  last_updated_at: z.string(),
  n: z.string(),
  price: z.string(),
  ratio: z.string(),
  vip: z.boolean().nullable(),
  day: z.string(),
  tags: z.array(z.string()),
  note: z.string(),
});

let server: ClickHouseServer;
const projects: Project[] = [];
const parts: ChildProcess[] = [];

/** By the name of the database, which no other test uses. */
async function newProject(name: string, more: Record<string, unknown> = {}): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'clickhouse-to-batch-pyairbyte-'));
  const batch = await quickBatchApi();
  const table = `${name}.events`;
  const insert = (from: number, rows: number): Promise<void> =>
    server.execute(
      `INSERT INTO ${table} SELECT concat('u', toString(number % 7)), 'purchase', if(number % 5 = 0, NULL, now64(3)), now64(6), 9007199254740993 + number,
         number + 0.25, number / 8, if(number % 3 = 0, NULL, number % 2 = 0), '2026-01-01', ['é', toString(number)], 'été 😀\\n"x"\\\\' FROM numbers(${from}, ${rows})`,
    );
  await server.execute(
    `CREATE DATABASE ${name}`,
    `CREATE TABLE ${table} (custom_id String, event_name LowCardinality(String), event_time Nullable(DateTime64(3)), last_updated_at DateTime64(6), n UInt64,
      price Decimal(10, 2), ratio Float64, vip Nullable(Bool), day Date, tags Array(String), note String) ENGINE = MergeTree ORDER BY last_updated_at`,
  );
  await insert(0, ROWS);
  await symlink(fileURLToPath(new URL('../../bin', import.meta.url)), join(folder, 'bin'));
  await cp(HERE, join(folder, 'integration_tests/pyairbyte'), { recursive: true });
  await writeFile(join(folder, 'source.json'), JSON.stringify({ ...server.connection(READER), database: name }));
  await writeFile(join(folder, 'destination.json'), JSON.stringify(destinationConfiguration(batch, more)));
  const rows = async (): Promise<z.output<typeof rowSchema>[]> =>
    z.array(rowSchema).parse(
      await server.query(
        `SELECT custom_id, event_name, if(isNull(event_time), NULL, concat(toString(event_time), '000')) AS event_time, toString(last_updated_at) AS last_updated_at,
           toString(n) AS n, toString(price) AS price, toString(ratio) AS ratio, vip, toString(day) AS day, tags, note FROM ${table}`,
      ),
    );
  let seen = 0;
  const project: Project = {
    folder,
    batch,
    insert,
    rows,
    expectedEvents: async () =>
      (await rows()).map(
        ({ custom_id, event_name: name, event_time, last_updated_at: _, ratio, vip, ...attributes }) => ({
          custom_id,
          event: {
            name,
            ...(event_time === null ? {} : { time: `${event_time.slice(0, -3).replace(' ', 'T')}Z` }),
            attributes: {
              ...attributes,
              // A float is sent with a point, so that it keeps its type.
              ratio: ratio.includes('.') ? ratio : `${ratio}.0`,
              ...(vip === null ? {} : { vip }),
            },
          },
        }),
      ),
    newEvents: () => {
      const events = [...batch.store.events({ offset: seen })];
      seen += events.length;
      // Numbers with their original digits.
      return events.map(({ custom_id, json }) =>
        sentEventSchema.parse({ custom_id, event: JSON.parse(json.replaceAll(/":(-?\d[^,}\]]*)/g, '":"$1"')) }),
      );
    },
  };
  projects.push(project);
  return project;
}

function sortedTexts(values: readonly unknown[]): string[] {
  return values.map((value) => JSON.stringify(value, (_, inner) => sortedKeys(inner))).toSorted();
}

function sortedKeys(value: unknown): unknown {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    : value;
}

/** An event with its time and its fractions as numbers, however they are written. */
function withoutSpelling({ custom_id, event: { time, ...event } }: SentEvent): unknown {
  const { price, ratio, ...attributes } = event.attributes;
  const numbers = { price: Number(price), ratio: Number(ratio) };
  return { custom_id, time: time && Date.parse(time), event: { ...event, attributes: { ...attributes, ...numbers } } };
}

async function logOfDestination({ folder }: Project): Promise<string> {
  const logs = join(folder, 'logs/destination-batch');
  const names = await readdir(logs);
  return (await Promise.all(names.map((name) => readFile(join(logs, name), 'utf8')))).join('');
}

/** The Python block of the documentation, as a reader copies it. */
async function documentedScript(): Promise<string> {
  const page = await readFile(new URL('../../docs/pyairbyte.md', import.meta.url), 'utf8');
  const [, script, ...more] = page.split(/^```python\n([\s\S]*?)^```$/m);
  if (script === undefined || more.length !== 1) throw new Error('docs/pyairbyte.md has not one Python block.');
  return script;
}

describe.skipIf(typeof python === 'string').concurrent('PyAirbyte', () => {
  if (typeof python === 'string') return;

  beforeAll(async () => {
    server = await ClickHouseServer.start();
  });

  afterAll(async () => {
    // A process waits forever if a failed test did not let it continue.
    for (const part of parts) part.kill('SIGKILL');
    await server.stop();
    for (const { batch, folder } of projects) {
      await batch.close();
      await rm(folder, { recursive: true, force: true });
    }
  });

  /** A part of the test in Python: `next` returns its next report, `goOn` lets it do its next step. */
  const startPart = (script: string, { folder }: Project) => {
    const child = python.start('python', [join('integration_tests/pyairbyte', script)], folder, 'pipe');
    parts.push(child);
    const told = child.stdio[3];
    if (child.stdin === null || !(told instanceof Readable)) throw new Error('no pipes');
    const { stdin } = child;
    const lines = createInterface({ input: told })[Symbol.asyncIterator]();
    const end = ended(child);
    return {
      end,
      next: async <T>(schema: z.ZodType<T>): Promise<T> => {
        const { value, done } = await lines.next();
        if (done === true) throw new Error(`${script} ended before it told: ${(await end).stderr}`);
        return schema.parse(JSON.parse(value));
      },
      goOn: () => stdin.write('\n'),
    };
  };

  const refusal = z.strictObject({ refusal: z.string() });
  const processed = z.strictObject({ processed: z.number() });

  test('checks the source, discovers, and reads into a cache twice, the second time only new rows', async () => {
    const project = await newProject('reading');
    const part = startPart('read.py', project);
    expect((await part.next(refusal)).refusal).toMatch(/refused the user "batch_reader"/);
    const discovered = z.strictObject({ streams: z.array(z.string()), fields: z.record(z.string(), z.unknown()) });
    expect(await part.next(discovered)).toEqual({
      streams: ['events'],
      fields: { events: Object.keys(rowSchema.shape) },
    });

    const readSchema = z.strictObject({ processed: z.number(), rows: z.array(z.unknown()) });
    const first = await part.next(readSchema);
    expect(first.processed).toBe(ROWS);
    expect(sortedTexts(first.rows)).toEqual(sortedTexts(await project.rows()));
    await project.insert(ROWS, 5);
    part.goOn();
    const second = await part.next(readSchema);
    expect(second.processed).toBe(5);
    expect(sortedTexts(second.rows)).toEqual(sortedTexts(await project.rows()));
    part.goOn();
    expect((await part.end).code).toBe(0);
  });

  test('checks the destination, and writes from a cache and from the source, each row once', async () => {
    const project = await newProject('writing');
    const part = startPart('write.py', project);
    expect((await part.next(refusal)).refusal).toMatch(/refused the REST API key/);

    // A cache of PyAirbyte returns times without a time zone, and fractions as strings: the catalog contains their types.
    expect(await part.next(processed)).toEqual({ processed: ROWS });
    const all = await project.expectedEvents();
    expect(sortedTexts(project.newEvents().map(withoutSpelling))).toEqual(sortedTexts(all.map(withoutSpelling)));
    expect(await logOfDestination(project)).toContain(`${ROWS} rows read: ${ROWS} accepted, 0 rejected`);
    part.goOn();

    expect((await part.next(refusal)).refusal).toMatch(/refused the REST API key/);
    expect(await part.next(processed)).toEqual({ processed: ROWS });
    expect(sortedTexts(project.newEvents())).toEqual(sortedTexts(all));
    part.goOn();
    expect(await part.next(processed)).toEqual({ processed: 0 });
    expect(project.newEvents()).toEqual([]);
    await project.insert(ROWS, 5);
    part.goOn();
    expect(await part.next(processed)).toEqual({ processed: 5 });
    expect(sortedTexts([...all, ...project.newEvents()])).toEqual(sortedTexts(await project.expectedEvents()));
    part.goOn();
    expect((await part.end).code).toBe(0);
  });

  test('sets profile attributes from a cache and from the source, the second time only new rows', async () => {
    const project = await newProject('profiles', { streams: { customers: { object: 'profile_attributes' } } });
    const insert = (...rows: string[]): Promise<void> =>
      server.execute(`INSERT INTO profiles.customers SELECT *, now64(6) FROM VALUES(${rows.join()})`);
    await server.execute(
      `CREATE TABLE profiles.customers (custom_id String, batch__email_address String, date__birthday Nullable(Date32), interests Array(String),
        score Float64, n UInt64, last_updated_at DateTime64(6)) ENGINE = MergeTree ORDER BY last_updated_at`,
    );
    await insert(
      `('u1', 'ana@example.com', '1989-07-20', ['é', 'x'], 0.5, 9007199254740993)`,
      `('u2', 'ben@example.com', NULL, [], 2, 1)`,
    );
    const source = { ...server.connection(READER), database: 'profiles', table: 'customers' };
    await writeFile(join(project.folder, 'source.json'), JSON.stringify(source));
    const profiles = (): Record<string, unknown> =>
      Object.fromEntries(
        [...project.batch.store.profiles].map(([id, { attributes }]) => [
          id,
          printJson(Object.fromEntries(attributes)),
        ]),
      );
    const u1 =
      '{"$email_address":"ana@example.com","date(birthday)":"1989-07-20T00:00:00Z","interests":["é","x"],"score":0.5,"n":9007199254740993}';
    const u2 = '{"$email_address":"ben@example.com","score":2.0,"n":1}';

    const part = startPart('attributes.py', project);
    expect(await part.next(processed)).toEqual({ processed: 2 });
    // A cache of PyAirbyte writes nine digits.
    const fromCache = (attributes: string): string => attributes.replace(/"score":\d\.\d/, '$&00000000');
    expect(profiles()).toEqual({ u1: fromCache(u1), u2: fromCache(u2) });

    project.batch.reset();
    part.goOn();
    expect(await part.next(processed)).toEqual({ processed: 2 });
    expect(profiles()).toEqual({ u1, u2 });

    await insert(`('u1', 'ana@example.com', NULL, ['y'], 0.5, 2)`);
    part.goOn();
    expect(await part.next(processed)).toEqual({ processed: 1 });
    expect(profiles()).toEqual({ u1: u1.replace('["é","x"]', '["y"]').replace('9007199254740993', '2'), u2 });
    part.goOn();
    expect((await part.end).code).toBe(0);
    expect(project.newEvents()).toEqual([]);
  });

  test('runs the script of the documentation, and again for new rows', async () => {
    const project = await newProject('documented');
    await writeFile(join(project.folder, 'sync.py'), await documentedScript());
    const first = await python.run('python', ['sync.py'], project.folder);
    expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(new RegExp(`^${ROWS} rows$`, 'm')) });
    const events = project.newEvents();
    expect(sortedTexts(events)).toEqual(sortedTexts(await project.expectedEvents()));
    await project.insert(ROWS, 5);
    const second = await python.run('python', ['sync.py'], project.folder);
    expect(second).toMatchObject({ code: 0, stdout: expect.stringMatching(/^5 rows$/m) });
    expect(sortedTexts([...events, ...project.newEvents()])).toEqual(sortedTexts(await project.expectedEvents()));
  });

  test.each([
    ['source-clickhouse', 'source.json'],
    ['destination-batch', 'destination.json'],
  ])('`pyab validate` accepts %s', async (name, configuration) => {
    const { folder } = await newProject(`validated_${name.slice(0, 4)}`);
    const args = ['validate', '--connector', `./bin/${name}`, '--config', configuration];
    const result = await python.run('pyab', args, folder);
    expect(result).toMatchObject({ code: 0, stderr: expect.stringContaining(`check succeeded for \`${name}\``) });
  });

  const smokeTestSchema = z.looseObject({
    success: z.boolean(),
    records_delivered: z.number(),
    preflight_passed: z.boolean().nullable(),
  });

  const smokeTest = async ({ folder }: Project, ...args: string[]): Promise<z.output<typeof smokeTestSchema>> => {
    const always = [
      'destination-smoke-test',
      '--destination',
      './bin/destination-batch',
      '--config',
      'destination.json',
    ];
    const { stdout } = await python.run('pyab', [...always, ...args], folder);
    return smokeTestSchema.parse(JSON.parse(stdout.slice(stdout.indexOf('\n{\n'))));
  };

  test('`pyab destination-smoke-test` writes each event row once in every sync mode', async () => {
    const project = await newProject('smoke_events');
    const scenarios = 'integration_tests/pyairbyte/event-scenarios.json';
    const result = await smokeTest(project, '--scenarios', '', '--custom-scenarios', scenarios, '--skip-preflight');
    expect(result).toMatchObject({ success: true, records_delivered: 6 });
    const purchase = (custom_id: string, attributes: unknown) => ({
      custom_id,
      event: { name: 'purchase', attributes },
    });
    const view = (custom_id: string, page: string) => ({
      custom_id,
      event: { name: 'page_view', attributes: { page } },
    });
    expect(sortedTexts(project.newEvents())).toEqual(
      sortedTexts([
        purchase('u1', {
          order_id: '9007199254740993',
          price: '19.9',
          is_gift: true,
          tags: ['été', '"quoted"'],
          address: { city: 'Montréal' },
        }),
        purchase('u2', { order_id: '2', price: '-0.5' }),
        purchase('u1', { order_id: '3', price: '0.0', is_gift: false }),
        view('u1', '/a?b=1&c=%20 😀'),
        view('u3', '/'),
        view('u3', '/'),
      ]),
    );
  });

  test('`pyab destination-smoke-test` passes its preflight and its own scenarios with a mapping', async () => {
    const project = await newProject('smoke_own', {
      mapping: { custom_id_column: 'id', constant_event_name: 'smoke_test' },
    });
    const names = [
      'basic_types',
      'timestamp_types',
      'large_decimals_and_numbers',
      'nested_json_objects',
      'null_handling',
      'column_naming_edge_cases',
      'table_naming_edge_cases',
      'CamelCaseStreamName',
      'wide_table_50_columns',
      'empty_stream',
      'single_record_stream',
      'unicode_and_special_strings',
      'long_column_names',
      'duplicate_primary_keys',
      'time_types',
      'union_types',
      'array_of_primitives',
      'large_string_values',
      'sparse_records',
      'special_number_values',
      'large_batch_stream',
    ];
    const result = await smokeTest(project, '--scenarios', names.join());
    expect(result).toMatchObject({ success: true, preflight_passed: true });
    expect(result.records_delivered).toBeGreaterThan(names.length);
    // The preflight has three rows.
    expect(project.newEvents()).toHaveLength(result.records_delivered + 3);
  });
});
