import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DryRun } from './dry-run.ts';
import { MASS_UPDATE, UPDATE } from './endpoints.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clickhouse-to-batch-dry-run-'));
});
afterAll(() => rm(folder, { recursive: true }));

test('accepts every request, and writes it as a line of the file, unchanged', async () => {
  const path = join(folder, 'requests.ndjson');
  const dryRun = await DryRun.open(path);
  const answers = await Promise.all([
    dryRun.post(UPDATE, Buffer.from('[{"n":9007199254740993}]')),
    dryRun.post(MASS_UPDATE, Buffer.from('[{"n":2.0}]')),
  ]);
  await dryRun.close();
  expect(answers).toEqual([
    { kind: 'accepted', errors: [] },
    { kind: 'accepted', errors: [] },
  ]);
  expect((await readFile(path, 'utf8')).trimEnd().split('\n').toSorted()).toEqual([
    '{"path":"profiles/mass-update","body":[{"n":2.0}]}',
    '{"path":"profiles/update","body":[{"n":9007199254740993}]}',
  ]);
});

test('needs no file', async () => {
  const dryRun = await DryRun.open(undefined);
  expect(await dryRun.post(UPDATE, Buffer.from('[]'))).toEqual({ kind: 'accepted', errors: [] });
  await dryRun.close();
});

test("reports that it can't write its file before it does anything else", async () => {
  await expect(DryRun.open(join(folder, 'no', 'such', 'folder'))).rejects.toMatchObject({
    failureType: 'config_error',
    message: expect.stringMatching(
      /can't write its requests to .*: the folder \S+\/no\/such does not exist\. Create it \(mkdir -p /,
    ),
  });
});
