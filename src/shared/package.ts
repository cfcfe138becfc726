import manifest from '../../package.json' with { type: 'json' };

/**
 * The root folder of the package, which contains package.json, spec/ and docs/troubleshooting/. This module is two folders below
 * the root, both in src/shared/ and in the bundle in dist/cli/. No other module may compute a path from its own location, because
 * the bundle contains all modules in one folder.
 */
export const PACKAGE_ROOT = new URL('../../', import.meta.url);

/** The version of the package. */
export const VERSION = manifest.version;

/** The client name that ClickHouse shows in system.processes and system.query_log. */
export const SOURCE_PROGRAM = `${manifest.name} source-clickhouse ${VERSION}`;
