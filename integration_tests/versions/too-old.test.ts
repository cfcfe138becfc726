import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineOf } from '../../sandbox/clickhouse/engines/engines.ts';
import { debianServerMissing } from '../../sandbox/clickhouse/engines/process.ts';
import { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { run } from '../../sandbox/launcher.ts';
import { catalogOf, errors, sourceConfiguration, temporaryFiles } from '../support/support.ts';

// Debian's package has ClickHouse 18.16, which answers in a different form from later versions.

const TOO_OLD = /The server runs (ClickHouse 18\.16\.\d+|a ClickHouse version before 21\.10), which is too old\. /;

const missing = debianServerMissing();
if (missing !== undefined) process.stderr.write(`ClickHouse 18.16 is not tested. ${missing}\n`);

const file = temporaryFiles();

describe.skipIf(missing !== undefined)('a server that is too old', () => {
  let server: ClickHouseServer;
  let config: string;

  beforeAll(async () => {
    server = await ClickHouseServer.start(undefined, [], engineOf('18.16'));
    await server.execute(
      'CREATE DATABASE shop',
      'CREATE TABLE shop.events (custom_id String, event_name String, last_updated_at DateTime) ENGINE = MergeTree ORDER BY last_updated_at',
    );
    config = file('source.json', sourceConfiguration(server, 'shop', { table: 'events' }));
  });

  afterAll(() => server?.stop());

  test('is reported as such by check', async () => {
    const { messages } = await run('source-clickhouse', ['check', '--config', config]);
    const [status] = messages.flatMap(({ connectionStatus }) => connectionStatus ?? []);
    expect(status).toMatchObject({ status: 'FAILED', message: expect.stringMatching(TOO_OLD) });
  });

  test.each([
    ['discover', []],
    ['read', ['--catalog', file('catalog.json', catalogOf('incremental', 'events'))]],
  ])('is reported as such by %s', async (command, args) => {
    const result = await run('source-clickhouse', [command, '--config', config, ...args]);
    expect(errors(result)).toMatchObject([{ failure_type: 'config_error', message: expect.stringMatching(TOO_OLD) }]);
  });
});
