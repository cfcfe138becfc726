import type { Connector } from './metadata.ts';

/** Where an Airbyte instance loads the icons from. */
const ICON_ROOT = 'https://raw.githubusercontent.com/clickhouse-to-batch/clickhouse-to-batch/main/airbyte';

/** The entries of a connector registry. */
export type Registry = { sources: RegistryEntry[]; destinations: RegistryEntry[] };

type RegistryEntry = Record<string, unknown>;

/**
 * Builds a connector registry: the file from which an Airbyte instance reads which connectors exist.
 * https://github.com/airbytehq/airbyte-platform/blob/main/airbyte-config/config-models/src/main/resources/types/ConnectorRegistry.yaml
 */
export function buildRegistry(connectors: readonly Connector[]): Registry {
  const entriesOf = (type: string): RegistryEntry[] =>
    connectors.filter(({ data }) => data.connectorType === type).map(buildEntry);
  return { sources: entriesOf('source'), destinations: entriesOf('destination') };
}

function buildEntry({ name, data, specification }: Connector): RegistryEntry {
  const { connectorType, connectorSubtype, definitionId, registryOverrides: _, ...kept } = data;
  const [, language] = kept.tags.find((tag) => tag.startsWith('language:'))?.split(':') ?? [];
  const isSource = connectorType === 'source';
  return {
    [isSource ? 'sourceDefinitionId' : 'destinationDefinitionId']: definitionId,
    ...kept,
    sourceType: connectorSubtype,
    iconUrl: `${ICON_ROOT}/${name}/icon.svg`,
    language,
    public: true,
    custom: false,
    tombstone: false,
    supportsDataActivation: data.supportsDataActivation ?? false,
    ...(isSource ? { supportsFileTransfer: false } : {}),
    ab_internal: { isEnterprise: false, requireVersionIncrementsInPullRequests: true, ...data.ab_internal },
    releases: {},
    spec: specification,
  };
}
