import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NoOperationTraceWriter, parseWorkflow } from '@actions/workflow-parser';
import { parse as parseHcl } from '@cdktf/hcl2json';
import { Ajv } from 'ajv';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { PythonEnvironment } from '../support/python-environment.ts';

const ROOT = join(import.meta.dirname, '../..');
const EXAMPLES = join(ROOT, 'examples');

const python = await PythonEnvironment.prepare({
  name: 'examples',
  requirements: join(import.meta.dirname, 'requirements.txt'),
  oldestMinor: 11,
});
if (typeof python === 'string') process.stderr.write(`The examples in Python are not tested: ${python}.\n`);

function readExample(path: string): string {
  return readFileSync(join(EXAMPLES, path), 'utf8');
}

/** The mistakes in a configuration, by the specification that the connector prints. */
function listMistakes(connector: 'source-clickhouse' | 'destination-batch', configuration: unknown): unknown {
  const spec = JSON.parse(readFileSync(join(ROOT, `spec/${connector}.json`), 'utf8'));
  const ajv = new Ajv({ strict: false, validateFormats: false });
  ajv.validate(spec.connectionSpecification, configuration);
  return ajv.errors ?? [];
}

test('README.md lists each example', () => {
  const readme = readExample('README.md');
  const tools = readdirSync(EXAMPLES, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(tools.filter(({ name }) => !readme.includes(`](${name}/`))).toEqual([]);
});

test('the workflow of GitHub Actions is valid', async () => {
  const content = readExample('github-actions/clickhouse-to-batch.yaml');
  const result = parseWorkflow({ name: 'clickhouse-to-batch.yaml', content }, new NoOperationTraceWriter());
  expect(result.context.errors.getErrors().map(({ message }) => message)).toEqual([]);
  expect(result.value).toBeDefined();
});

const resourceSchema = z.record(z.string(), z.record(z.string(), z.array(z.record(z.string(), z.unknown()))));

test('the configuration of Terraform is valid, and its connection refers to its source and destination', async () => {
  const main = await parseHcl('main.tf', readExample('airbyte-terraform/main.tf'));
  const resources = z.object({ resource: resourceSchema }).parse(main).resource;
  expect(resources.airbyte_connection?.clickhouse_to_batch?.[0]).toMatchObject({
    source_id: `\${airbyte_source.${Object.keys(resources.airbyte_source ?? {})[0]}.source_id}`,
    destination_id: `\${airbyte_destination.${Object.keys(resources.airbyte_destination ?? {})[0]}.destination_id}`,
  });
  const source = { ...JSON.parse(readExample('airbyte-terraform/source.json')), password: 'x' };
  const destination = { ...JSON.parse(readExample('airbyte-terraform/destination.json')), rest_api_key: 'x' };
  expect(listMistakes('source-clickhouse', source)).toEqual([]);
  expect(listMistakes('destination-batch', destination)).toEqual([]);
});

const flowSchema = z.strictObject({
  id: z.string(),
  namespace: z.string(),
  concurrency: z.strictObject({ limit: z.int(), behavior: z.enum(['QUEUE', 'CANCEL', 'FAIL']) }),
  tasks: z.array(
    z.looseObject({
      id: z.string(),
      type: z.string(),
      inputFiles: z.record(z.string(), z.string()),
      commands: z.array(z.string()),
    }),
  ),
  triggers: z.array(z.strictObject({ id: z.string(), type: z.string(), cron: z.string() })),
});

// Kestra offers no parser outside its server.
test('the flow of Kestra is valid YAML, and its configurations are valid', () => {
  const { tasks } = flowSchema.parse(parseYaml(readExample('kestra/clickhouse-to-batch.yaml')));
  const files = tasks[0]?.inputFiles ?? {};
  expect(listMistakes('source-clickhouse', JSON.parse(files['source.json'] ?? ''))).toEqual([]);
  expect(listMistakes('destination-batch', JSON.parse(files['destination.json'] ?? ''))).toEqual([]);
});

describe.skipIf(typeof python === 'string')('in Python', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'clickhouse-to-batch-examples-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function runPython(command: string, ...args: string[]): Promise<string> {
    if (typeof python === 'string') throw new Error(python);
    process.env.AIRFLOW_HOME = folder;
    process.env.DAGSTER_HOME = folder;
    const { code, stdout, stderr } = await python.run(command, args, folder);
    if (code !== 0) throw new Error(stderr);
    return stdout;
  }

  test('Airflow loads the DAG', async () => {
    // Airflow loads a file like a script.
    const load = `
import runpy, sys
dag = runpy.run_path(sys.argv[1])["dag"]
print(dag.dag_id, *dag.task_ids, dag.max_active_runs)
`;
    const printed = await runPython('python', '-c', load, join(EXAMPLES, 'airflow/clickhouse_to_batch.py'));
    expect(printed.trim().split('\n').at(-1)).toBe('clickhouse_to_batch sync 1');
  });

  test('Dagster loads the definitions', async () => {
    const file = join(EXAMPLES, 'dagster/clickhouse_to_batch.py');
    await runPython('dagster', 'definitions', 'validate', '-f', file, '--log-level', 'warning');
  });
});
