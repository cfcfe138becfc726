import { once } from 'node:events';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ADMIN, READER, READER_WITH_SETTINGS, readerWith, STRANGER } from '../../sandbox/clickhouse/users.ts';
import { finished } from '../../sandbox/launcher.ts';
import { clickHouseWith, errors, eventually, logs, sourceReader, statuses } from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';

/** May not change settings, but an administrator has set what this connector would set. */
const READER_WHO_IS_CANCELLED = readerWith('cancelled_reader', {
  settings: { cancel_http_readonly_queries_on_client_close: 1 },
});

/** May run one query at a time, and still needs a second query to end it. */
const SINGLE_READER = readerWith('single_reader', { settings: { max_concurrent_queries_for_user: 1 } });

const server = clickHouseWith('granted', [READER_WHO_IS_CANCELLED, SINGLE_READER]);
const { startRead } = sourceReader(server, 'granted');

beforeAll(() =>
  server().execute(
    // Hours of work before the first row, because a sort returns nothing until it has read everything.
    "CREATE VIEW granted.events AS SELECT toString(number) AS custom_id, 'x' AS event_name, now() AS last_updated_at FROM numbers(1000000000000) WHERE sipHash64(number) = 0",
    createTableSql('granted.large', 'note String'),
    "INSERT INTO granted.large SELECT 'u', 'purchase', toDateTime64('2026-01-01 00:00:00', 6, 'UTC') + number, repeat('x', 300) FROM numbers(400000)",
  ),
);

afterEach(() => server().execute("KILL QUERY WHERE query LIKE '%FROM granted.%' AND query_id != queryID() SYNC"));

async function queriesOn(table: string): Promise<number> {
  const [row] = await server().query<{ queries: string }>(
    `SELECT count() AS queries FROM system.processes WHERE positionCaseInsensitive(query, 'FROM granted.${table} AS') > 0 AND query_id != queryID()`,
  );
  return Number(row?.queries);
}

async function untilBusy(table: string): Promise<void> {
  await eventually(async () => expect(await queriesOn(table)).toBe(1));
}

async function untilEnded(table: string): Promise<void> {
  await eventually(async () => expect(await queriesOn(table)).toBe(0));
}

describe('KILL QUERY before the first row', () => {
  test.each([READER, SINGLE_READER, READER_WITH_SETTINGS, READER_WHO_IS_CANCELLED, ADMIN])(
    'SIGTERM ends the query of $name on the server',
    async (user) => {
      const child = startRead('events', { user });
      const ended = finished(child);
      await untilBusy('events');
      child.kill('SIGTERM');
      await untilEnded('events');
      const result = await ended;
      expect(result.signal).toBe('SIGTERM');
      expect(statuses(result)).toEqual(['STARTED', 'INCOMPLETE']);
      expect(errors(result)).toEqual([]);
      expect(logs(result).filter((line) => line.startsWith('WARN'))).toEqual([]);
    },
  );

  test.each([READER_WITH_SETTINGS, READER_WHO_IS_CANCELLED, ADMIN])(
    'SIGKILL ends the query of $name on the server',
    async (user) => {
      const child = startRead('events', { user });
      await untilBusy('events');
      child.kill('SIGKILL');
      await untilEnded('events');
    },
  );

  test('the query of a user without the right to kill it continues, and the warning names the GRANT', async () => {
    const child = startRead('events', { user: STRANGER });
    const ended = finished(child);
    await untilBusy('events');
    child.kill('SIGTERM');
    const result = await ended;
    expect(result.signal).toBe('SIGTERM');
    expect(logs(result)).toContainEqual(
      expect.stringMatching(/^WARN An abandoned query.+GRANT SELECT ON system\.processes TO `stranger`$/s),
    );
    expect(await queriesOn('events')).toBe(1);
  });
});

describe('KILL QUERY among the rows', () => {
  test.each([READER, READER_WITH_SETTINGS])('a closed pipe ends the query of $name on the server', async (user) => {
    const child = startRead('large', { user });
    const exited = once(child, 'exit');
    if (child.stdout !== null) await once(child.stdout, 'readable');
    await untilBusy('large');
    child.stdout?.destroy();
    await untilEnded('large');
    await exited;
    expect(child.exitCode).toBe(1);
  });
});
