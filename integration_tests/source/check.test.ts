import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { READER, STRANGER } from '../../sandbox/clickhouse/users.ts';
import { run } from '../../sandbox/launcher.ts';
import { runInProcess } from '../support/in-process.ts';
import { sharedClickHouse } from '../support/shared-clickhouse.ts';
import { catalogOf, checkStatus, errors, logs, sourceConfiguration, temporaryFiles } from '../support/support.ts';
import { createTableSql, eventColumns } from '../support/tables.ts';
import { certificate } from '../support/tls-certificate.ts';

const file = temporaryFiles();
let server: ClickHouseServer;
const helpers: Server[] = [];

beforeAll(async () => {
  server = await sharedClickHouse();
  await server.execute(
    'CREATE DATABASE shop',
    'CREATE DATABASE empty',
    'CREATE DATABASE granted',
    createTableSql('shop.events'),
    'CREATE VIEW shop.events_view AS SELECT * FROM shop.events',
    'CREATE TABLE shop.raw (user_id UInt64, action String, inserted_at DateTime, amount Float64) ENGINE = MergeTree ORDER BY user_id',
    'CREATE TABLE shop.nearly (custom_id String, event_name String) ENGINE = MergeTree ORDER BY custom_id',
    ...['events', 'partly', 'denied'].map((name) => `CREATE TABLE granted.${name} AS shop.events`),
    "CREATE VIEW shop.broken AS SELECT 'u' AS custom_id, 'x' AS event_name, now() AS last_updated_at, gone FROM (SELECT 1 AS gone)",
  );
});

afterAll(async () => {
  for (const helper of helpers) helper.close();
});

async function listening(helper: Server): Promise<number> {
  helpers.push(helper);
  helper.listen(0, '127.0.0.1');
  await once(helper, 'listening');
  const address = helper.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

function check(changes: Record<string, unknown>): ReturnType<typeof checkStatus> {
  const config = file('source.json', sourceConfiguration(server, 'shop', changes));
  return checkStatus('source-clickhouse', config, runInProcess);
}

describe('a configuration that works', () => {
  test.each([
    ['a table', { table: 'events' }],
    ['a view', { table: 'events_view' }],
    ['no table, but a fitting one in the database', {}],
    [
      'the one table that the user may read',
      { database: 'granted', table: 'events', username: STRANGER.name, password: STRANGER.password },
    ],
  ])('%s', async (_, changes) => {
    expect(await check(changes)).toEqual({ status: 'SUCCEEDED', message: '' });
  });
});

describe('check of a configuration that fails reports the cause and what to do', () => {
  test.each<[string, Record<string, unknown>, RegExp]>([
    [
      'an unknown host',
      { host: 'no-such-host.invalid' },
      /no-such-host\.invalid.*(does not resolve|could not be resolved).*(Check its spelling|check the network)/s,
    ],
    ['a port where nothing listens', { port: 1 }, /Nothing listens at 127\.0\.0\.1:1.*8123.*8443/s],
    ['TLS to a plain port', { ssl: true }, /does not speak TLS, but "ssl" is on.*Turn ssl off/s],
    ['a wrong password', { password: 'wrong' }, /refused the user "batch_reader".*password/s],
    ['an unknown user', { username: 'nobody' }, /refused the user "nobody"/],
    [
      'an unknown database',
      { database: 'Shop' },
      /^The database "Shop" does not exist, .* Did you mean "shop"\? Correct "database"\. See/,
    ],
    [
      'an unknown table',
      { table: 'Events' },
      /^The database "shop" has no table or view "Events" .* Did you mean "events"\? Correct "table"\. See/,
    ],
    [
      'a database without a table that fits',
      { database: 'empty' },
      /No table or view in the database "empty".*custom_id, event_name, last_updated_at/s,
    ],
    [
      'a table without any required column',
      { table: 'raw' },
      /"raw" lacks the column last_updated_at, or the user may not read it/,
    ],
    [
      'a misspelt cursor',
      { table: 'events', cursor_column: 'last_update' },
      /"events" lacks the column last_update, or the user may not read it\. "cursor_column" may be misspelt: there is "last_updated_at" in "events"\. Use that name\. See/,
    ],
    [
      'a misspelt cursor without a table',
      { cursor_column: 'last_update' },
      /has the columns custom_id, event_name, last_update.* "cursor_column" may be misspelt: there is "last_updated_at" in "\w+"\. Use that name\. See/,
    ],
    ['a table without one required column', { table: 'nearly' }, /lacks the column last_updated_at/],
    ...(
      [
        [
          'a database other than the granted one',
          { database: 'shop' },
          /The database "shop" does not exist.*GRANT SELECT ON `shop`\.\* TO `stranger`/s,
        ],
        [
          'a table that the user may not read',
          { database: 'granted', table: 'denied' },
          /GRANT SELECT ON granted\.denied TO `stranger`/,
        ],
        [
          'a table with columns that the user may not read',
          { database: 'granted', table: 'partly' },
          /last_updated_at/,
        ],
      ] as const
    ).map(([name, changes, expected]): [string, Record<string, unknown>, RegExp] => [
      name,
      { ...changes, username: STRANGER.name, password: STRANGER.password },
      expected,
    ]),
  ])('%s', async (_, changes, expected) => {
    const { status, message } = await check(changes);
    expect(status).toBe('FAILED');
    expect(message).toMatch(expected);
    expect(message).not.toContain(READER.password);
  });

  test('a table that lacks columns is answered with a view to start from, and that view works', async () => {
    const { message } = await check({ table: 'raw' });
    const statement = /\n\n {2}(CREATE VIEW .*)\n\nSee /s.exec(message)?.[1] ?? '';
    expect(statement).toBe(
      [
        'CREATE VIEW `shop`.`raw_for_batch` AS',
        '  SELECT',
        '    toString(`user_id`) AS custom_id,',
        '    `action` AS event_name,',
        '    `inserted_at` AS last_updated_at,',
        '    `amount`',
        '  FROM `shop`.`raw`',
      ].join('\n'),
    );
    await server.execute(statement);
    expect(await check({ table: 'raw_for_batch' })).toEqual({ status: 'SUCCEEDED', message: '' });
  });

  test('plain HTTP to a TLS port', async () => {
    const { key, cert } = await certificate();
    const port = await listening(createTlsServer({ key, cert }));
    const { status, message } = await check({ port });
    expect(status).toBe('FAILED');
    expect(message).toMatch(/turn ssl on/);
  });

  test('a certificate of an unknown authority', async () => {
    const { key, cert } = await certificate();
    const port = await listening(createTlsServer({ key, cert }));
    const { status, message } = await check({ port, ssl: true });
    expect(status).toBe('FAILED');
    expect(message).toMatch(/certificate.*not accepted.*known authority/s);
  });

  test('a server that is too old, which discover and read refuse at once, too', async () => {
    const old = createHttpServer((_, response) => {
      // The response of ClickHouse 18.16.1, which is in Debian 12.
      response.statusCode = 500;
      response.end('Code: 47, e.displayText() = DB::Exception: Unknown identifier: readonly, e.what() = DB::Exception');
    });
    const port = await listening(old);
    const { status, message } = await check({ port });
    expect(status).toBe('FAILED');
    const expected =
      /The server runs a ClickHouse version before 21\.10, which is too old\. This connector needs 23\.6 or later/;
    expect(message).toMatch(expected);
    const config = file('source.json', sourceConfiguration(server, 'shop', { port }));
    for (const args of [
      ['discover', '--config', config],
      ['read', '--config', config, '--catalog', file('catalog.json', catalogOf('incremental', 'events'))],
    ]) {
      const result = await run('source-clickhouse', args);
      expect(errors(result)).toMatchObject([
        { failure_type: 'config_error', message: expect.stringMatching(expected) },
      ]);
      expect(logs(result)).toEqual([]);
    }
  });

  test('a server that is not ClickHouse, reported at once, by read, too', async () => {
    const other = createHttpServer((_, response) => {
      response.statusCode = 404;
      response.end('<html>Not found</html>');
    });
    const port = await listening(other);
    const expected = /answered, but the response isn't from ClickHouse \(HTTP 404\)/;
    const { status, message } = await check({ port });
    expect(status).toBe('FAILED');
    expect(message).toMatch(expected);
    const config = file('source.json', sourceConfiguration(server, 'shop', { port }));
    const result = await run('source-clickhouse', ['discover', '--config', config]);
    expect(errors(result)).toMatchObject([{ failure_type: 'config_error', message: expect.stringMatching(expected) }]);
    expect(logs(result)).toEqual([]);
  });

  test('a view that ClickHouse cannot run, for a reason that has no advice', async () => {
    await server.execute(
      "CREATE VIEW shop.twice AS SELECT 'u' AS custom_id, 'e' AS event_name, now() AS last_updated_at, (SELECT number FROM numbers(2)) AS n",
    );
    const { status, message } = await check({ table: 'twice' });
    expect(status).toBe('FAILED');
    expect(message).toMatch(/code 125, INCORRECT_RESULT_OF_SCALAR_SUBQUERY.+Most likely the view or query/);
  });

  test('a port that never answers with HTTP', async () => {
    const port = await listening(createServer((socket) => socket.destroy()));
    expect((await check({ port })).message).toMatch(/its response isn't HTTP/);
  });
});

test('check reports a cursor type without an order', async () => {
  await server.execute(createTableSql('shop.unordered', '', { cursor: 'Array(UInt8)', orderBy: 'tuple()' }));
  const { status, message } = await check({ table: 'unordered' });
  expect(status).toBe('FAILED');
  expect(message).toMatch(/last_updated_at of "unordered" has the type Array\(UInt8\), which has no useful order/);
});

describe('a table that can be read but should be looked at', () => {
  const required = eventColumns();
  const rows = "SELECT 'u', 'x', toDateTime64('2026-01-01 00:00:00', 6, 'UTC')";
  const old = (count: string): RegExp =>
    new RegExp(
      `^The first run of "odd" sends all rows, including ${count} whose last_updated_at is more than 24 hours ago\\. Without a column event_time, Batch uses the time at which it receives their events.* set "start_from"`,
    );

  test.each<[string, string[], (RegExp | string)[]]>([
    ['nothing', [`CREATE TABLE shop.odd (${required}) ENGINE = MergeTree ORDER BY last_updated_at`], []],
    [
      'rows without a cursor',
      [
        createTableSql('shop.odd', '', {
          cursor: 'Nullable(DateTime)',
          orderBy: 'last_updated_at SETTINGS allow_nullable_key = 1',
        }),
        "INSERT INTO shop.odd SELECT 'u', 'x', if(number < 3, NULL, now()) FROM numbers(10)",
      ],
      [/^3 rows of "odd" have no last_updated_at \(NULL\)\. They are never read/],
    ],
    [
      'rows with the zero of a cursor that is not Nullable',
      [
        createTableSql('shop.odd', '', { cursor: 'DateTime' }),
        "INSERT INTO shop.odd SELECT 'u', 'x', if(number < 3, toDateTime(0), now()) FROM numbers(10)",
      ],
      [
        old('3 rows'),
        /^3 rows of "odd" have the last_updated_at 1970-01-01, .* Add DEFAULT now64\(6\) to the column\./,
      ],
    ],
    [
      'a day that is zero',
      [
        createTableSql('shop.odd', '', { cursor: 'Date' }),
        "INSERT INTO shop.odd (custom_id, event_name) VALUES ('u', 'x')",
      ],
      [old('1 row'), /^1 row of "odd" has the last_updated_at 1970-01-01/, /is a Date\. More rows of the current day/],
    ],
    [
      'a zero in a view, in a zone east of Greenwich',
      [
        "CREATE OR REPLACE VIEW shop.odd AS SELECT 'u' AS custom_id, 'x' AS event_name, toDateTime64(number, 6, 'Asia/Tokyo') AS last_updated_at FROM numbers(3)",
      ],
      [old('3 rows'), /^1 row of "odd" has the last_updated_at 1970-01-01/],
    ],
    [
      'a zero in a Nullable cursor, which may be meant',
      [
        createTableSql('shop.odd', '', {
          cursor: 'Nullable(DateTime)',
          orderBy: 'last_updated_at SETTINGS allow_nullable_key = 1',
        }),
        "INSERT INTO shop.odd VALUES ('u', 'x', 0)",
      ],
      [old('1 row')],
    ],
    [
      'events that share the sorting key of an engine that merges',
      [
        `CREATE TABLE shop.odd (${required}, n UInt8) ENGINE = ReplacingMergeTree ORDER BY (last_updated_at, custom_id)`,
        'SYSTEM STOP MERGES shop.odd',
        `INSERT INTO shop.odd ${rows}, 1`,
        `INSERT INTO shop.odd ${rows}, 2`,
      ],
      [
        old('2 rows'),
        /"odd" is a ReplacingMergeTree.*\(last_updated_at, custom_id\), and 1 row has the same key as another row.*Add a column/,
      ],
    ],
    [
      'an engine that merges, with nothing to merge',
      [
        `CREATE TABLE shop.odd (${required}) ENGINE = ReplacingMergeTree ORDER BY (last_updated_at, custom_id)`,
        `INSERT INTO shop.odd ${rows}`,
      ],
      [old('1 row')],
    ],
    [
      'a cursor that was added with DEFAULT now64(), so that old rows have a different one at each read',
      [
        'CREATE TABLE shop.odd (custom_id String, event_name String) ENGINE = MergeTree ORDER BY tuple()',
        "INSERT INTO shop.odd SELECT 'u', 'x' FROM numbers(5)",
        'ALTER TABLE shop.odd ADD COLUMN last_updated_at DateTime64(6) DEFAULT now64(6)',
      ],
      [
        /^The last_updated_at of 5 rows of "odd" changes each time it is read: .+ALTER TABLE `shop`\.`odd` MATERIALIZE COLUMN `last_updated_at`/s,
        /sorting key of "odd" \(none\)/,
      ],
    ],
    [
      'the same with whole seconds',
      [
        'CREATE TABLE shop.odd (custom_id String, event_name String) ENGINE = MergeTree ORDER BY tuple()',
        "INSERT INTO shop.odd SELECT 'u', 'x' FROM numbers(5)",
        'ALTER TABLE shop.odd ADD COLUMN last_updated_at DateTime DEFAULT now()',
      ],
      [/^The last_updated_at of 5 rows of "odd" changes each time it is read/, /sorting key of "odd" \(none\)/],
    ],
    [
      'nothing if the stored timestamps of rows are slightly in the future',
      [
        `CREATE TABLE shop.odd (${required}) ENGINE = MergeTree ORDER BY last_updated_at`,
        "INSERT INTO shop.odd SELECT 'u', 'x', now64(6) + 40 FROM numbers(5)",
      ],
      [],
    ],
    [
      'another sorting key',
      [`CREATE TABLE shop.odd (${required}) ENGINE = MergeTree ORDER BY (custom_id, last_updated_at)`],
      [/sorting key of "odd" \(custom_id, last_updated_at\) does not begin with last_updated_at/],
    ],
    [
      'a cursor that is a number',
      [createTableSql('shop.odd', '', { cursor: 'UInt64' })],
      [/last_updated_at of "odd" is a UInt64, not a time\. A row is never read if it appears after/],
    ],
    [
      'a cursor that is a day',
      [createTableSql('shop.odd', '', { cursor: 'Date' })],
      [/last_updated_at of "odd" is a Date\. More rows of the current day may appear/],
    ],
    [
      'columns with names that no attribute can have, and arrays that Batch does not accept',
      [
        `CREATE TABLE shop.odd (${required}, \`unit price\` UInt8, url__link String, ${'x'.repeat(31)} UInt8, tags Array(String), items Array(Tuple(a String)), sizes Array(Nullable(UInt8)), place Point) ENGINE = MergeTree ORDER BY last_updated_at`,
      ],
      [
        /does not accept the names of the columns "unit price", "x{31}" of "odd"\./,
        /^Batch accepts only arrays of strings or of objects, but these columns of "odd" are arrays of something else: "sizes", "place"\. They are not sent\./,
      ],
    ],
    [
      'ids with spaces',
      [
        createTableSql('shop.odd'),
        "INSERT INTO shop.odd SELECT arrayElement(['u1 ', ' u1', 'u1', ''], number + 1), 'x', now64(6) FROM numbers(4)",
      ],
      [/^The custom_id of 2 rows of "odd" begin or end with a space, and are sent with it\..* trimBoth\(custom_id\)/],
    ],
    [
      'events that are older than their rows',
      [
        createTableSql('shop.odd', 'event_time Nullable(DateTime64(3))'),
        "INSERT INTO shop.odd SELECT 'u', 'x', now64(6), if(number = 2, NULL, now() - 90000 + number * 10000) FROM numbers(3)",
      ],
      [
        /^The first run of "odd" sends 1 row whose event_time is more than 24 hours ago\. Batch is reported to refuse such events \(event_too_old\)\. To leave old rows out, set "start_from"/,
      ],
    ],
  ])('%s', async (_, statements, expected) => {
    await server.execute('DROP TABLE IF EXISTS shop.odd SYNC', ...statements);
    const config = file('source.json', sourceConfiguration(server, 'shop', { table: 'odd' }));
    const result = await runInProcess('source-clickhouse', ['check', '--config', config]);
    expect(result.messages.at(-1)?.connectionStatus?.status).toBe('SUCCEEDED');
    expect(result.messages.flatMap(({ log }) => log?.message ?? [])).toEqual(
      expected.map((text) => expect.stringMatching(text)),
    );
  });
});

describe('an invalid configuration', () => {
  test.each<[string, unknown, RegExp]>([
    ['no host', {}, /host/],
    ['a port that is not a number', { host: 'localhost', port: '8123' }, /port/],
    ['an address as host', { host: 'https://localhost:8443' }, /host.*without https/s],
    ['not JSON', '{"host": "localhost", "password": "hunter2"', /not valid JSON: line 1, column 44\.\n/],
    ['a list', [], /it must be an object/],
  ])('%s', async (_, content, expected) => {
    const { status, message } = await checkStatus('source-clickhouse', file('wrong.json', content));
    expect(status).toBe('FAILED');
    expect(message).toMatch(expected);
    expect(message).not.toContain('hunter2');
  });

  test('a file that does not exist', async () => {
    const { status, message } = await checkStatus('source-clickhouse', '/nowhere/source.json');
    expect(status).toBe('FAILED');
    expect(message).toMatch(/Can't read the configuration file \/nowhere\/source\.json: no such file/);
  });

  test('in read it is a TRACE with config_error and exit code 1', async () => {
    const result = await run('source-clickhouse', [
      'read',
      '--config',
      file('wrong.json', {}),
      '--catalog',
      file('catalog.json', { streams: [] }),
    ]);
    expect(result.code).toBe(1);
    expect(errors(result)).toMatchObject([{ failure_type: 'config_error', message: expect.stringContaining('host') }]);
  });
});
