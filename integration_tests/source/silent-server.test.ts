import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import { readerWith, type SandboxUser } from '../../sandbox/clickhouse/users.ts';
import { ClickHouse } from '../../src/source-clickhouse/client/client.ts';
import { sourceConfigurationSchema } from '../../src/source-clickhouse/config/schema.ts';
import { clickHouseWith } from '../support/support.ts';

const SLOW = { max_block_size: 1, function_sleep_max_microseconds_per_block: 0 };
const SILENT = readerWith('silent', { settings: SLOW });
const TALKING = readerWith('talking', {
  settings: { ...SLOW, send_progress_in_http_headers: 1, http_headers_progress_interval_ms: 100 },
});

/** Less than the time before the first row of the query below, and more than the time for one of its rows. */
const SILENCE_MS = 3_000;

const server = clickHouseWith('shop', [SILENT, TALKING]);

/** A sort of six rows, each of which takes 0.75 s to read. */
async function sorted(user: SandboxUser, condition = '1'): Promise<string> {
  const configuration = sourceConfigurationSchema.parse({ ...server().connection(user), database: 'shop' });
  const clickhouse = new ClickHouse(configuration, { silenceMs: SILENCE_MS });
  try {
    const query = `SELECT number FROM numbers(6) WHERE sleepEachRow(0.75) = 0 AND ${condition} ORDER BY -number FORMAT TSVRaw`;
    return await text(await clickhouse.bytes(query, {}, new AbortController().signal));
  } catch (error) {
    throw clickhouse.explainError(error);
  } finally {
    await clickhouse.close();
  }
}

describe.concurrent('a query whose first row takes longer than the timeout for silence', () => {
  test('fails when the server sends nothing meanwhile, with the setting to change', async () => {
    await expect(sorted(SILENT)).rejects.toMatchObject({
      code: 'clickhouse_unreachable',
      failureType: 'transient_error',
      message: expect.stringMatching(/ALTER USER `silent` MODIFY SETTING send_progress_in_http_headers = 1/),
    });
  });

  test('returns its rows when the server sends its progress', async () => {
    expect(await sorted(TALKING)).toBe('5\n4\n3\n2\n1\n0\n');
  });

  test("fails with the server's error although its response began with HTTP 200", async () => {
    await expect(sorted(TALKING, "throwIf(number = 5, 'kaboom') = 0")).rejects.toMatchObject({
      message: expect.stringContaining('kaboom'),
    });
  });
});
