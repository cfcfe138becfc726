import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import { PACKAGE_ROOT } from '../../src/shared/package.ts';

/** The names of the connectors: of their folders in airbyte/, their images, their launchers and their files in spec/. */
export const CONNECTOR_NAMES = ['source-clickhouse', 'destination-batch'] as const;

export type ConnectorName = (typeof CONNECTOR_NAMES)[number];

const registryOverride = z.strictObject({ enabled: z.boolean() });

/** The metadata that both connectors have. */
const commonSchema = z.strictObject({
  releaseStage: z.enum(['alpha', 'beta', 'generally_available', 'custom']),
  supportLevel: z.enum(['community', 'certified', 'archived']),
  icon: z.literal('icon.svg'),
  ab_internal: z.strictObject({ sl: z.int(), ql: z.int() }),
  registryOverrides: z.strictObject({ oss: registryOverride, cloud: registryOverride }),
  connectorTestSuitesOptions: z.array(z.strictObject({ suite: z.string() })),
});

/**
 * The metadata of one connector. It has only the keys that are used here: Airbyte's tools refuse unknown ones.
 * https://docs.airbyte.com/platform/connector-development/connector-metadata-file
 */
const ownSchema = z.strictObject({
  name: z.string(),
  definitionId: z.uuidv4(),
  connectorType: z.enum(['source', 'destination']),
  connectorSubtype: z.enum(['api', 'database']),
  dockerRepository: z.string(),
  githubIssueLabel: z.string(),
  allowedHosts: z.strictObject({ hosts: z.array(z.string()) }),
  externalDocumentationUrls: z.array(
    z.strictObject({ title: z.string(), url: z.url({ protocol: /^https$/ }), type: z.string() }),
  ),
  supportsDataActivation: z.literal(true).optional(),
  tags: z.array(z.string().regex(/^(language|keyword):[a-z-]+$/)),
});

const fileSchema = z.strictObject({
  common: commonSchema,
  connectors: z.strictObject({ 'source-clickhouse': ownSchema, 'destination-batch': ownSchema }),
});

const packageSchema = z.object({ version: z.string(), license: z.string() });

/** What the generated files need of a specification. */
const specificationSchema = z.looseObject({ documentationUrl: z.url({ protocol: /^https$/ }) });

type Metadata = z.output<typeof commonSchema> &
  z.output<typeof ownSchema> & { dockerImageTag: string; documentationUrl: string; license: string };

/** A connector: its metadata as Airbyte's tools read it, and what `spec` prints. */
export type Connector = { name: ConnectorName; data: Metadata; specification: z.output<typeof specificationSchema> };

/** Reads airbyte/metadata.yaml, and completes it with the version, the license and the documentation of each connector. */
export async function readConnectors(): Promise<Record<ConnectorName, Connector>> {
  const { common, connectors } = fileSchema.parse(parse(await readText('airbyte/metadata.yaml')));
  const { version, license } = packageSchema.parse(JSON.parse(await readText('package.json')));
  const read = async (name: ConnectorName): Promise<Connector> => {
    const specification = specificationSchema.parse(JSON.parse(await readText(`spec/${name}.json`)));
    const { documentationUrl } = specification;
    const data = { ...connectors[name], ...common, dockerImageTag: version, documentationUrl, license };
    return { name, data, specification };
  };
  return {
    'source-clickhouse': await read('source-clickhouse'),
    'destination-batch': await read('destination-batch'),
  };
}

function readText(path: string): Promise<string> {
  return readFile(new URL(path, PACKAGE_ROOT), 'utf8');
}
