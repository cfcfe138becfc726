import manifest from '../../package.json' with { type: 'json' };

/**
 * The folder of the package, which contains package.json, spec/ and docs/troubleshooting/. This module is two folders below
 * it, in the sources and in the bundle in dist/cli/. No other module may depend on its own depth.
 */
export const PACKAGE_ROOT = new URL('../../', import.meta.url);

/** What ClickHouse shows as the client in system.processes and system.query_log. */
export const SOURCE_PROGRAM = `${manifest.name} source-clickhouse ${manifest.version}`;
