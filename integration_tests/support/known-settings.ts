import { chosenEngine, DEFAULT_VERSION } from '../../sandbox/clickhouse/engines/engines.ts';
import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';

export type Settings = Record<string, string>;

const namesOf = new WeakMap<ClickHouseServer, Promise<ReadonlySet<string>>>();

/**
 * The settings that a server of another version knows, because it refuses a query with unknown ones. With the default
 * engine, all settings: a misspelt one must fail.
 */
export async function knownSettings(server: ClickHouseServer, settings: Settings): Promise<Settings> {
  if (chosenEngine().version === DEFAULT_VERSION) return settings;
  const names = namesOf.get(server) ?? settingNames(server);
  namesOf.set(server, names);
  const known = await names;
  return Object.fromEntries(Object.entries(settings).filter(([name]) => known.has(name)));
}

async function settingNames(server: ClickHouseServer): Promise<ReadonlySet<string>> {
  const rows = await server.query<{ name: string }>('SELECT name FROM system.settings');
  return new Set(rows.map(({ name }) => name));
}
