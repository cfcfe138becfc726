import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { buildAirbyteFiles } from '../../build/airbyte/files.ts';
import { CONNECTOR_NAMES, readConnectors } from '../../build/airbyte/metadata.ts';
import { ROOT } from './kubernetes-manifest.ts';

const files = await buildAirbyteFiles();
const connectors = await readConnectors();

const specificationSchema = z.object({
  connectionSpecification: z.object({ properties: z.record(z.string(), z.unknown()) }),
});

function text(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

test('airbyte/ is generated and not stale (npm run airbyte)', () => {
  const written = readdirSync(join(ROOT, 'airbyte'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(ROOT, join(parentPath, name)));
  expect(written.toSorted()).toEqual([...files.keys(), 'airbyte/metadata.yaml'].toSorted());
  for (const [path, content] of files) expect([path, text(path)]).toEqual([path, content]);
});

test('the two connectors have different ids', () => {
  expect(new Set(CONNECTOR_NAMES.map((name) => connectors[name].data.definitionId)).size).toBe(2);
});

describe.each(CONNECTOR_NAMES)('airbyte/%s', (name) => {
  const metadata = parse(text(`airbyte/${name}/metadata.yaml`));

  test('has metadata in one YAML document, with the name of the folder as the image name', () => {
    expect(metadata).toMatchObject({
      metadataSpecVersion: '1.0',
      data: {
        dockerRepository: `clickhouse-to-batch/${name}`,
        githubIssueLabel: name,
        connectorType: name.split('-')[0],
      },
    });
  });

  test('allows only hosts that are fixed or are options of the specification', () => {
    const { connectionSpecification } = specificationSchema.parse(JSON.parse(text(`spec/${name}.json`)));
    for (const host of connectors[name].data.allowedHosts.hosts) {
      const [, option] = /^\$\{(.+)\}$/.exec(host) ?? [];
      if (option === undefined) continue;
      // An option of a variant is one level deeper in the specification.
      const [top = '', inVariant] = option.split('.');
      expect(connectionSpecification.properties).toHaveProperty(top);
      if (inVariant === undefined) continue;
      expect(JSON.stringify(connectionSpecification.properties[top])).toContain(`"${inVariant}":{`);
    }
  });

  test('has a square icon', () => {
    const [, width, height] = /<svg [^>]*width="(\d+)" height="(\d+)"/.exec(text(`airbyte/${name}/icon.svg`)) ?? [];
    expect(width).toMatch(/^\d+$/);
    expect(height).toBe(width);
  });

  test('refers only to files that exist in its page', () => {
    const links = [...text(`airbyte/${name}/README.md`).matchAll(/\]\((\.\.[^)]*)\)/g)].map(([, link = '']) => link);
    expect(links.filter((link) => !existsSync(join(ROOT, 'airbyte', name, link)))).toEqual([]);
    expect(links.length).toBeGreaterThan(2);
  });
});

test('the registry has an entry for each connector, with what spec prints', () => {
  const { sources, destinations } = JSON.parse(text('airbyte/registry.json'));
  expect(sources).toMatchObject([{ name: 'ClickHouse Events', spec: JSON.parse(text('spec/source-clickhouse.json')) }]);
  expect(destinations).toMatchObject([
    {
      name: 'Batch Profile Events',
      supportsDataActivation: true,
      spec: JSON.parse(text('spec/destination-batch.json')),
    },
  ]);
});
