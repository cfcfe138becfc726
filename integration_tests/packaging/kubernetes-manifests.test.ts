import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CronJob, Job } from 'kubernetes-models/batch/v1';
import { PersistentVolumeClaim } from 'kubernetes-models/v1';
import { expect, test } from 'vitest';
import { EXIT_CODES } from '../../src/runner/exit-codes.ts';
import { jobOf, type KubernetesObject, manifest, podOf, ROOT } from './kubernetes-manifest.ts';

const execute = promisify(execFile);
const FILES = ['cronjob.yaml', 'cronjob-s3.yaml', 'indexed-job.yaml'];
const OBJECTS = FILES.flatMap(manifest).map((object) => ({ what: `${object.kind} ${object.metadata.name}`, object }));

/** For each kind of object, its validator and its type. */
const KINDS = {
  CronJob: { Model: CronJob, type: "import('kubernetes-models/batch/v1').ICronJob" },
  Job: { Model: Job, type: "import('kubernetes-models/batch/v1').IJob" },
  PersistentVolumeClaim: {
    Model: PersistentVolumeClaim,
    type: "import('kubernetes-models/v1').IPersistentVolumeClaim",
  },
};

/**
 * What Kubernetes would object to in an object; empty if nothing. The validators of kubernetes-models, generated from
 * Kubernetes' own schemas, check the values and ignore unknown fields. The compiler finds those: the package has the same
 * schemas as types, and a literal may have only the fields of its type.
 */
async function objections(object: KubernetesObject): Promise<string> {
  const { Model, type } = KINDS[object.kind];
  const json = JSON.stringify(object);
  const toValues = messageOf(() => new Model(JSON.parse(json)).validate());
  const toFields = await compilerErrors(`export const object: ${type} = ${json};\n`);
  return toValues + toFields;
}

/** The message of the error that is thrown; empty if there is none. */
function messageOf(validate: () => void): string {
  try {
    validate();
    return '';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function compilerErrors(source: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'clickhouse-to-batch-manifest-'));
  try {
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    await writeFile(join(folder, 'object.ts'), source);
    const options = ['--ignoreConfig', '--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext'];
    await execute(join(ROOT, 'node_modules/.bin/tsc'), [...options, 'object.ts'], { cwd: folder });
    return '';
  } catch (error) {
    if (error instanceof Error && 'stdout' in error && error.stdout !== '') return String(error.stdout);
    throw error;
  } finally {
    await rm(folder, { recursive: true });
  }
}

test.each(OBJECTS)('$what matches the schemas of Kubernetes', async ({ object }) => {
  expect(await objections(object)).toBe('');
});

test.each([
  ['an unknown field', '"readOnlyRootFilesystem"', '"readOnlyRootFileSystem"', 'readOnlyRootFileSystem'],
  ['a field in the wrong place', '"concurrencyPolicy":"Forbid",', '"backoffLimit":0,', 'backoffLimit'],
  ['an unknown value', '"Forbid"', '"Forbit"', 'data/spec/concurrencyPolicy must be equal to one of'],
  ['an invalid quantity', '"768Mi"', '"768Mo"', 'limits/memory must match format "quantity"'],
  ['a missing field', '"schedule":"*/5 * * * *",', '', 'data/spec must have required property schedule'],
])('the check finds %s', async (_, right, wrong, objection) => {
  const [, cronJob] = manifest('cronjob.yaml');
  const text = JSON.stringify(cronJob);
  expect(text).toContain(right);
  expect(await objections(JSON.parse(text.replace(right, wrong)))).toContain(objection);
});

test.each(FILES)('%s runs this version, and has the volumes that it mounts', (name) => {
  const objects = manifest(name);
  const { containers, volumes } = podOf(objects);
  const [{ image, volumeMounts }] = containers;
  const { version }: { version: string } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  expect(image).toBe(`clickhouse-to-batch/connector:${version}`);
  expect(volumeMounts.map((mount) => mount.name)).toEqual(volumes.map((volume) => volume.name));
  const claimed = volumes.flatMap(({ persistentVolumeClaim }) => persistentVolumeClaim?.claimName ?? []);
  const claims = objects.filter(({ kind }) => kind === 'PersistentVolumeClaim');
  expect(claimed).toEqual(claims.map(({ metadata }) => metadata.name));
});

test.each([
  ['cronjob.yaml', 'FailJob'],
  ['cronjob-s3.yaml', 'FailJob'],
  ['indexed-job.yaml', 'FailIndex'],
])('%s is not retried when a person has to look at it', (name, action) => {
  const { podFailurePolicy, template } = jobOf(manifest(name));
  const [container] = template.spec.containers;
  const values = [EXIT_CODES.misconfigured, EXIT_CODES.rowsRejected];
  const onExitCodes = { containerName: container.name, operator: 'In', values };
  expect(podFailurePolicy.rules).toContainEqual({ action, onExitCodes });
});
