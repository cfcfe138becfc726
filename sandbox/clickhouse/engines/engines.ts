/** How the ClickHouse of a version is run. */
export type Engine = { version: string } & (
  | { kind: 'npm' }
  /** The real server: the wheel's library exports the entry point of `clickhouse server`. */
  | { kind: 'server'; wheel: Wheel }
  /** Only the engine: the wheel has no server, so a small HTTP server passes each request to the engine. */
  | { kind: 'engine only'; wheel: Wheel }
  /** The real server of Debian's package `clickhouse-server`. */
  | { kind: 'debian' }
);

/** A pinned package of PyPI, and the newest Python 3.x it has a file for. */
export type Wheel = { requirement: string; newestPython: number };

/** The versions that the tests can run against, the oldest first. docs/source-clickhouse.md has the same table. */
const ENGINES = [
  { version: '18.16', kind: 'debian' },
  { version: '23.6', kind: 'engine only', wheel: { requirement: 'chdb==0.15.0', newestPython: 11 } },
  { version: '23.10', kind: 'engine only', wheel: { requirement: 'chdb==1.0.2', newestPython: 12 } },
  { version: '24.5', kind: 'server', wheel: { requirement: 'chdb==2.0.4', newestPython: 12 } },
  { version: '24.8', kind: 'server', wheel: { requirement: 'chdb==2.1.1', newestPython: 12 } },
  { version: '25.5', kind: 'server', wheel: { requirement: 'chdb==3.6.0', newestPython: 13 } },
  { version: '25.8', kind: 'server', wheel: { requirement: 'chdb==3.7.2', newestPython: 14 } },
  { version: '26.1', kind: 'engine only', wheel: { requirement: 'chdb-core==26.1.0', newestPython: 14 } },
  { version: '26.3', kind: 'engine only', wheel: { requirement: 'chdb-core==26.3.0', newestPython: 14 } },
  { version: '26.5', kind: 'engine only', wheel: { requirement: 'chdb-core==26.5.0', newestPython: 14 } },
  { version: '26.7', kind: 'npm' },
  { version: '26.9', kind: 'engine only', wheel: { requirement: 'chdb-core==26.9.0', newestPython: 14 } },
] as const satisfies readonly Engine[];

/** The engine of the npm package, which every test uses unless another one is chosen. */
export const DEFAULT_VERSION = '26.7';

/** The environment variable that chooses another version for the tests and the sandbox. */
export const ENGINE_VARIABLE = 'CLICKHOUSE_ENGINE';

/** The engines that the connector supports, the oldest first. */
export const SUPPORTED_ENGINES: readonly Engine[] = ENGINES.filter(({ kind }) => kind !== 'debian');

/** The engine of a version. */
export function engineOf(version: string): Engine {
  const engine = ENGINES.find((candidate) => candidate.version === version);
  if (engine !== undefined) return engine;
  const versions = ENGINES.map((candidate) => candidate.version).join(', ');
  throw new Error(`There is no engine for ClickHouse "${version}". There are: ${versions}.`);
}

/** The engine that the environment chooses. */
export function chosenEngine(): Engine {
  return engineOf(process.env[ENGINE_VARIABLE] ?? DEFAULT_VERSION);
}

/** Whether a version comes before another one: 23.10 after 23.6. */
export function isOlder(version: string, than: string): boolean {
  const [year = 0, month = 0] = version.split('.').map(Number);
  const [thanYear = 0, thanMonth = 0] = than.split('.').map(Number);
  return year === thanYear ? month < thanMonth : year < thanYear;
}
