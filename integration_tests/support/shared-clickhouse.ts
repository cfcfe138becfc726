import { z } from 'zod';
import { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';

/** The databases of every server. */
const SYSTEM_DATABASES = ['system', 'default', '_local', 'INFORMATION_SCHEMA', 'information_schema'];

let shared: Promise<ClickHouseServer> | undefined;

/**
 * Returns the server that the test files of one worker share, without the databases of the previous file. Starting a server costs
 * more CPU time than most files spend on it. It ends with its worker; its folder is in the folder that the global setup removes.
 */
export async function sharedClickHouse(): Promise<ClickHouseServer> {
  shared ??= ClickHouseServer.start();
  const server = await shared;
  const databases = z
    .array(z.object({ name: z.string() }))
    .parse(await server.query('SELECT name FROM system.databases'));
  for (const { name } of databases) {
    if (!SYSTEM_DATABASES.includes(name)) await server.execute(`DROP DATABASE \`${name.replaceAll('`', '\\`')}\` SYNC`);
  }
  return server;
}
