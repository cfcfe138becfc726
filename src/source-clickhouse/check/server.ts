import { z } from 'zod';
import { ConnectorError } from '../../protocol/errors.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceErrorCode } from '../errors/codes.ts';
import { readServerVersion } from '../query/server-info.ts';

/** The errors with which a server refuses the user. They show that ClickHouse answers at the address. */
const ERRORS_OF_USER: readonly SourceErrorCode[] = [
  'clickhouse_login_refused',
  'clickhouse_right_missing',
  'clickhouse_settings_unfit',
  'clickhouse_limit_too_low',
];

/** Checks that ClickHouse answers at the host and port, whatever the login. @throws ConnectorError if it doesn't. */
export async function checkServer(clickhouse: ClickHouse): Promise<void> {
  try {
    await readServerVersion(clickhouse);
  } catch (error) {
    const isOfUser = error instanceof ConnectorError && ERRORS_OF_USER.some((code) => code === error.code);
    if (!isOfUser) throw error;
  }
}

/** Lists the databases that the user can see, without those of the server itself. `default`, which is often empty, is the last. */
export async function listDatabases(clickhouse: ClickHouse): Promise<string[]> {
  const rows = await clickhouse.rows(
    "SELECT name FROM system.databases WHERE lower(name) NOT IN ('system', 'information_schema') ORDER BY name = 'default', name",
    {},
    z.object({ name: z.string() }),
  );
  return rows.map(({ name }) => name);
}
