import type { Connector } from './metadata.ts';

/** The configurations that the tests use. They are in secrets/, which is not part of the repository. */
const WORKING = { config_path: 'secrets/config.json' };
const REFUSED = { config_path: 'secrets/invalid_config.json' };
const MALFORMED = { config_path: 'secrets/malformed_config.json' };

/**
 * Builds the configuration of Airbyte's standard tests for connectors.
 * https://docs.airbyte.com/platform/connector-development/testing-connectors
 */
export function buildAcceptanceTestConfig({ data }: Connector): Record<string, unknown> {
  const forAll = {
    spec: { tests: [WORKING] },
    connection: {
      tests: [
        { ...WORKING, status: 'succeed' },
        { ...REFUSED, status: 'failed' },
        { ...MALFORMED, status: 'failed' },
      ],
    },
  };
  const forSources = {
    discovery: { tests: [WORKING] },
    basic_read: { tests: [WORKING] },
    full_refresh: { tests: [WORKING] },
  };
  return {
    connector_image: `${data.dockerRepository}:dev`,
    acceptance_tests: data.connectorType === 'source' ? { ...forAll, ...forSources } : forAll,
  };
}
