import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { parseSyncArguments } from '../../src/cli/sync-arguments.ts';
import { VERSION } from '../../src/shared/package.ts';
import { pagesIn } from '../docs/pages.ts';
import { ROOT } from './kubernetes-manifest.ts';

const fileSchema = z.strictObject({ file: z.string().startsWith('./') });

/** The fields of the Compose Specification that the file uses. */
const composeSchema = z.strictObject({
  name: z.string(),
  services: z.strictObject({
    sync: z.strictObject({
      image: z.string(),
      command: z.tuple([z.literal('sync')], z.string()),
      user: z.string(),
      restart: z.literal('unless-stopped'),
      stop_grace_period: z.string(),
      read_only: z.literal(true),
      tmpfs: z.array(z.string()),
      cap_drop: z.tuple([z.literal('ALL')]),
      security_opt: z.tuple([z.literal('no-new-privileges:true')]),
      healthcheck: z.strictObject({
        test: z.tuple([z.literal('CMD')], z.string()),
        interval: z.string(),
        timeout: z.string(),
      }),
      configs: z.array(z.strictObject({ source: z.string(), target: z.string() })),
      secrets: z.array(z.string()),
      volumes: z.array(z.string()),
    }),
  }),
  configs: z.record(z.string(), fileSchema),
  secrets: z.record(z.string(), fileSchema),
});

const document = parseDocument(readFileSync(`${ROOT}/deploy/compose.yaml`, 'utf8'));
const compose = composeSchema.parse(document.toJS());
const { sync } = compose.services;

test('deploy/compose.yaml is YAML that every parser accepts', () => {
  expect([...document.errors, ...document.warnings]).toEqual([]);
});

test('deploy/compose.yaml runs this version, with arguments that sync accepts', async () => {
  expect(sync.image).toBe(`clickhouse-to-batch/connector:${VERSION}`);
  const options = await parseSyncArguments('clickhouse-to-batch', sync.command.slice(1));
  expect(options).toMatchObject({ every: '5m' });
  const mounted = [...sync.configs.map(({ target }) => target), ...sync.volumes.map((each) => each.split(':')[1])];
  expect(mounted).toEqual([options?.source, options?.destination, posix.dirname(`${options?.state}`)]);
  expect(sync.healthcheck.test.at(-1)).toBe(`http://127.0.0.1:${options?.metrics.metricsPort}/readyz`);
});

test('deploy/compose.yaml mounts the configurations and secrets that it defines', () => {
  expect(sync.configs.map(({ source }) => source)).toEqual(Object.keys(compose.configs));
  expect(sync.secrets).toEqual(Object.keys(compose.secrets));
});

test('docs/docker.md refers to the secrets that deploy/compose.yaml mounts', () => {
  const blocks = pagesIn('docs/docker.md').flatMap((page) => page.blocks);
  const references = blocks.flatMap(({ text }) => [...text.matchAll(/\$\{file:\/run\/secrets\/(\w+)\}/g)]);
  expect(references.map(([, name]) => name)).toEqual(sync.secrets);
});
