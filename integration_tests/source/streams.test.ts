import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { beforeAll, describe, expect, test } from 'vitest';
import { ADMIN, READER, readerWith } from '../../sandbox/clickhouse/users.ts';
import { run } from '../../sandbox/launcher.ts';
import { check as checkStreams } from '../../src/source-clickhouse/check/check.ts';
import { ClickHouse } from '../../src/source-clickhouse/client/client.ts';
import { sourceConfigurationSchema } from '../../src/source-clickhouse/config/schema.ts';
import { runInProcess } from '../support/in-process.ts';
import { catalogOf, clickHouseWith, errors, records, sourceConfiguration, temporaryFiles } from '../support/support.ts';
import { createTableSql, eventColumns } from '../support/tables.ts';

const COLUMNS = `(${eventColumns()})`;
const TABLE = `${COLUMNS} ENGINE = MergeTree ORDER BY last_updated_at`;

const file = temporaryFiles();
/** May run one query at a time. */
const ONE_QUERY_READER = readerWith('one_query_reader', { settings: { max_concurrent_queries_for_user: 1 } });

const server = clickHouseWith('shop', [ONE_QUERY_READER]);

/** Empties both databases and runs statements, with the settings that some engines require. */
async function given(...statements: string[]): Promise<void> {
  await server().execute(
    ...['shop', 'other'].flatMap((name) => [`DROP DATABASE IF EXISTS ${name} SYNC`, `CREATE DATABASE ${name}`]),
  );
  const url = new URL(server().url);
  url.search = `${new URLSearchParams({ user: ADMIN.name, password: ADMIN.password, allow_experimental_alias_table_engine: '1', flatten_nested: '0' })}`;
  for (const body of statements) {
    const response = await fetch(url, { method: 'POST', body });
    if (!response.ok) throw new Error(`${body}\n${await response.text()}`);
  }
}

function configuration(changes: Record<string, unknown> = {}): string {
  return file('source.json', sourceConfiguration(server(), 'shop', changes));
}

type Found = { streams: string[]; warnings: string[] };

async function discovered(changes: Record<string, unknown> = {}): Promise<Found> {
  const { messages, code } = await runInProcess('source-clickhouse', ['discover', '--config', configuration(changes)]);
  expect(code).toBe(0);
  return {
    streams: messages.flatMap(({ catalog }) => catalog?.streams ?? []).map(({ name }) => name),
    warnings: messages.flatMap(({ log }) => log?.message ?? []),
  };
}

type Checked = { status: string | undefined; message: string; warnings: string[] };

async function checked(changes: Record<string, unknown> = {}): Promise<Checked> {
  const { messages } = await runInProcess('source-clickhouse', ['check', '--config', configuration(changes)]);
  const status = messages.at(-1)?.connectionStatus;
  return {
    status: status?.status,
    message: status?.message ?? '',
    warnings: messages.flatMap(({ log }) => log?.message ?? []),
  };
}

/** Which streams have rows of which others, in the words of the warnings. */
function shared(warnings: readonly string[]): string[] {
  return warnings.flatMap((warning) => {
    const [, stream, others = ''] =
      /^"(.+?)"(?: \(\w+\))? contains rows of (.+?)\. Syncing (?:both|all of them) sends these/.exec(warning) ?? [];
    return stream === undefined ? [] : `${stream}: ${others.replaceAll('"', '')}`;
  });
}

describe('streams that have the same rows', () => {
  const MV = 'AS SELECT * FROM shop.base';
  test.each<[string, string[], { streams: string[]; shared: string[] }]>([
    [
      'a view, and a view of that view',
      ['CREATE VIEW shop.v AS SELECT * FROM shop.base', 'CREATE VIEW shop.vv AS SELECT * FROM shop.v'],
      { streams: ['base', 'v', 'vv'], shared: ['v: base', 'vv: v'] },
    ],
    [
      'a view of a view that is not a stream, in another database',
      [
        'CREATE VIEW other.renamed AS SELECT custom_id AS c, event_name AS e, last_updated_at AS l FROM shop.base',
        'CREATE VIEW shop.v AS SELECT c AS custom_id, e AS event_name, l AS last_updated_at FROM other.renamed',
      ],
      { streams: ['base', 'v'], shared: ['v: base'] },
    ],
    [
      'a view of a table of the same name in another database: none',
      [`CREATE TABLE other.base ${TABLE}`, 'CREATE VIEW shop.v AS SELECT * FROM other.base'],
      { streams: ['base', 'v'], shared: [] },
    ],
    [
      'a view of several, by a join, a union and a subquery',
      [
        `CREATE TABLE shop.b ${TABLE}`,
        `CREATE TABLE shop.c ${TABLE}`,
        'CREATE VIEW shop.v AS SELECT base.* FROM shop.base INNER JOIN shop.b USING custom_id UNION ALL SELECT * FROM (SELECT * FROM shop.c)',
      ],
      { streams: ['b', 'base', 'c', 'v'], shared: ['v: base, b, c'] },
    ],
    [
      'a view of a table function',
      [
        "CREATE VIEW shop.v AS SELECT * FROM merge('shop', '^ba')",
        'CREATE VIEW shop.w AS SELECT * FROM view(SELECT * FROM shop.base)',
      ],
      { streams: ['base', 'v', 'w'], shared: ['v: base', 'w: base'] },
    ],
    [
      'a materialized view TO a stream, which is left out',
      [`CREATE TABLE shop.target ${TABLE}`, `CREATE MATERIALIZED VIEW shop.mv TO shop.target ${MV}`],
      { streams: ['base', 'target'], shared: ['target: base'] },
    ],
    [
      'a materialized view from a table that is not a stream, TO one: left out, and no warning',
      [
        'CREATE TABLE shop.raw (user_id UInt64) ENGINE = MergeTree ORDER BY user_id',
        "CREATE MATERIALIZED VIEW shop.mv TO shop.base AS SELECT toString(user_id) AS custom_id, 'x' AS event_name, now64(6) AS last_updated_at FROM shop.raw",
      ],
      { streams: ['base'], shared: [] },
    ],
    [
      'two materialized views TO a table of another database',
      [
        'CREATE TABLE shop.raw (user_id UInt64) ENGINE = MergeTree ORDER BY user_id',
        `CREATE TABLE other.target ${TABLE}`,
        ...['mv1', 'mv2'].map(
          (name) =>
            `CREATE MATERIALIZED VIEW shop.${name} TO other.target AS SELECT toString(user_id) AS custom_id, 'x' AS event_name, now64(6) AS last_updated_at FROM shop.raw`,
        ),
      ],
      { streams: ['base', 'mv1', 'mv2'], shared: ['mv2: mv1'] },
    ],
    [
      'a materialized view with a table of its own',
      [`CREATE MATERIALIZED VIEW shop.mv ENGINE = MergeTree ORDER BY last_updated_at ${MV}`],
      { streams: ['base', 'mv'], shared: ['mv: base'] },
    ],
    [
      'a chain of materialized views',
      [
        `CREATE TABLE shop.t1 ${TABLE}`,
        `CREATE TABLE shop.t2 ${TABLE}`,
        `CREATE MATERIALIZED VIEW shop.mv1 TO shop.t1 ${MV}`,
        'CREATE MATERIALIZED VIEW shop.mv2 TO shop.t2 AS SELECT * FROM shop.mv1',
        'CREATE MATERIALIZED VIEW shop.mv3 ENGINE = MergeTree ORDER BY last_updated_at AS SELECT * FROM shop.t2',
      ],
      { streams: ['base', 'mv3', 't1', 't2'], shared: ['mv3: t2', 't1: base', 't2: t1'] },
    ],
    [
      'refreshable materialized views',
      [
        ...['t1', 't2'].map((name) => `CREATE TABLE shop.${name} ${TABLE}`),
        `CREATE MATERIALIZED VIEW shop.mv1 REFRESH EVERY 1 DAY TO shop.t1 ${MV}`,
        `CREATE MATERIALIZED VIEW shop.mv2 REFRESH EVERY 1 DAY APPEND TO shop.t2 ${MV}`,
        `CREATE MATERIALIZED VIEW shop.mv3 REFRESH EVERY 1 DAY ENGINE = MergeTree ORDER BY last_updated_at ${MV}`,
      ],
      { streams: ['base', 'mv3', 't1', 't2'], shared: ['mv3: base', 't1: base', 't2: base'] },
    ],
    [
      'a Buffer',
      ["CREATE TABLE shop.buf AS shop.base ENGINE = Buffer('shop', 'base', 1, 10, 100, 1, 10, 1, 10)"],
      { streams: ['base', 'buf'], shared: ['buf: base'] },
    ],
    [
      'two Buffers of a table that is not a stream',
      [
        `CREATE TABLE other.t ${TABLE}`,
        ...['b1', 'b2'].map(
          (name) => `CREATE TABLE shop.${name} AS other.t ENGINE = Buffer(other, t, 1, 10, 100, 1, 10, 1, 10)`,
        ),
      ],
      { streams: ['b1', 'b2', 'base'], shared: ['b2: b1'] },
    ],
    [
      'a Merge, also of databases',
      [
        `CREATE TABLE shop.b ${TABLE}`,
        "CREATE TABLE shop.m1 AS shop.base ENGINE = Merge('shop', '^(base|b)$')",
        "CREATE TABLE shop.m2 AS shop.base ENGINE = Merge(REGEXP('^sh'), '^bas')",
      ],
      { streams: ['b', 'base', 'm1', 'm2'], shared: ['m1: b, base', 'm2: base'] },
    ],
    [
      'an Alias',
      ["CREATE TABLE shop.a1 ENGINE = Alias('base')", "CREATE TABLE shop.a2 ENGINE = Alias('shop', 'base')"],
      { streams: ['a1', 'a2', 'base'], shared: ['a1: base', 'a2: base'] },
    ],
    [
      'a Remote, which is a Distributed without a cluster',
      ["CREATE TABLE shop.r AS shop.base ENGINE = Remote('127.0.0.1', 'shop', 'base')"],
      { streams: ['base', 'r'], shared: ['r: base'] },
    ],
    [
      'dictionaries, and a table of one',
      [
        ...[
          ['d1', "TABLE 'base' DB 'shop'"],
          ['d2', "QUERY 'SELECT * FROM shop.base'"],
        ].map(
          ([name, from]) =>
            `CREATE DICTIONARY shop.${name} ${COLUMNS} PRIMARY KEY custom_id SOURCE(CLICKHOUSE(${from})) LIFETIME(0) LAYOUT(COMPLEX_KEY_HASHED())`,
        ),
        `CREATE TABLE shop.dt ${COLUMNS} ENGINE = Dictionary('shop.d1')`,
      ],
      { streams: ['base', 'd1', 'd2', 'dt'], shared: ['d1: base', 'd2: base', 'dt: d1'] },
    ],
    [
      'tables with names that have to be quoted',
      [
        `CREATE TABLE shop.\`a.b\`\`c\\\\d' (e\` ${TABLE}`,
        "CREATE VIEW shop.`v FROM shop.base` AS SELECT * FROM shop.`a.b``c\\\\d' (e`",
      ],
      { streams: ["a.b`c\\d' (e", 'base', 'v FROM shop.base'], shared: ["v FROM shop.base: a.b`c\\d' (e"] },
    ],
    ['tables with nothing in common', [`CREATE TABLE shop.b ${TABLE}`], { streams: ['b', 'base'], shared: [] }],
  ])('%s', async (_, statements, expected) => {
    await given(`CREATE TABLE shop.base ${TABLE}`, ...statements);
    const found = await discovered();
    expect({ streams: found.streams, shared: shared(found.warnings) }).toEqual(expected);
    expect(found.warnings).toHaveLength(expected.shared.length);
    const { status, message, warnings } = await checked();
    expect([status, message, shared(warnings)]).toEqual(['SUCCEEDED', '', expected.shared]);
  });

  test('a sync of the remaining streams sends the rows of a materialized view once', async () => {
    await given(
      `CREATE TABLE shop.events ${TABLE}`,
      'CREATE TABLE shop.raw (user_id UInt64) ENGINE = MergeTree ORDER BY user_id',
      "CREATE MATERIALIZED VIEW shop.to_events TO shop.events AS SELECT toString(user_id) AS custom_id, 'x' AS event_name, now64(6) AS last_updated_at FROM shop.raw",
      'INSERT INTO shop.raw SELECT number FROM numbers(5)',
    );
    const { streams } = await discovered();
    const result = await run('source-clickhouse', [
      'read',
      '--config',
      configuration(),
      '--catalog',
      file('catalog.json', catalogOf('incremental', ...streams)),
    ]);
    expect(records(result)).toHaveLength(5);
  });

  test('the materialized view is read if "table" names it', async () => {
    await given(
      `CREATE TABLE shop.t ${TABLE}`,
      `CREATE TABLE shop.base ${TABLE}`,
      `CREATE MATERIALIZED VIEW shop.mv TO shop.t ${MV}`,
    );
    expect(await discovered({ table: 'mv' })).toEqual({ streams: ['mv'], warnings: [] });
  });
});

describe('an engine that cannot be read', () => {
  const unreadable: [engine: string, statement: string, why: RegExp][] = [
    [
      'Kafka',
      `${COLUMNS} ENGINE = Kafka('127.0.0.1:1', 't', 'g', 'JSONEachRow')`,
      /^"x" is a Kafka table, which can't be read: .+ Read the table that its materialized view writes to\./,
    ],
    ['Null', `${COLUMNS} ENGINE = Null`, /^"x" is a Null table, which never returns a row/],
    ['Set', `${COLUMNS} ENGINE = Set`, /^"x" is a Set table, which a query can only use/],
    [
      'GenerateRandom',
      `${COLUMNS} ENGINE = GenerateRandom`,
      /^"x" is a GenerateRandom table, which generates endless random rows/,
    ],
  ];

  test('is not a stream, and check and discover use the other tables of the database', async () => {
    await given(
      ...unreadable.map(([engine, definition]) => `CREATE TABLE shop.${engine} ${definition}`),
      `CREATE TABLE shop.y ${TABLE}`,
    );
    expect(await discovered()).toEqual({ streams: ['y'], warnings: [] });
    expect(await checked()).toEqual({ status: 'SUCCEEDED', message: '', warnings: [] });
  });

  test.each(unreadable)('%s of a named table is the reason that check gives', async (_, definition, why) => {
    await given(`CREATE TABLE shop.x ${definition}`);
    expect((await checked({ table: 'x' })).message).toMatch(why);
  });

  test.each(unreadable.slice(0, 1))(
    '%s of a named table, or of the only one, is the reason that check, discover and read give',
    async (_, definition, why) => {
      await given(`CREATE TABLE shop.x ${definition}`);
      for (const changes of [{ table: 'x' }, {}]) {
        expect(await checked(changes)).toEqual({ status: 'FAILED', message: expect.stringMatching(why), warnings: [] });
      }
      expect(await discovered()).toEqual({ streams: [], warnings: [expect.stringMatching(why)] });
      const named = await run('source-clickhouse', ['discover', '--config', configuration({ table: 'x' })]);
      const read = await run('source-clickhouse', [
        'read',
        '--config',
        configuration(),
        '--catalog',
        file('catalog.json', catalogOf('incremental', 'x')),
      ]);
      const said = [...errors(named), ...errors(read)].map(({ failure_type, message }) => [
        failure_type,
        message.replace(/^x: /, ''),
      ]);
      expect(said).toEqual(Array(2).fill(['config_error', expect.stringMatching(why)]));
    },
  );

  test('a materialized view TO such a table is not a stream, either', async () => {
    await given(
      `CREATE TABLE shop.nothing ${COLUMNS} ENGINE = Null`,
      `CREATE TABLE shop.y ${TABLE}`,
      'CREATE MATERIALIZED VIEW shop.mv TO shop.nothing AS SELECT * FROM shop.y',
    );
    expect(await discovered()).toEqual({ streams: ['y'], warnings: [] });
  });

  test('check of a named view with parameters reports that it needs values', async () => {
    await given(
      `CREATE TABLE shop.y ${TABLE}`,
      'CREATE VIEW shop.p AS SELECT * FROM shop.y WHERE custom_id = {who:String}',
    );
    expect(await discovered()).toEqual({ streams: ['y'], warnings: [] });
    expect((await checked({ table: 'p' })).message).toMatch(/^"p" is a view with parameters \(who\)/);
  });
});

describe('check', () => {
  test('fails when any stream of the database cannot be read, and names it', async () => {
    await given(
      `CREATE TABLE shop.a ${TABLE}`,
      `CREATE TABLE other.gone ${TABLE}`,
      'CREATE VIEW shop.broken AS SELECT * FROM other.gone',
      'DROP TABLE other.gone SYNC',
    );
    const { status, message } = await checked();
    expect([status, message]).toEqual([
      'FAILED',
      expect.stringMatching(
        /^The stream "broken" can't be read\. To read only another stream, name it in "table"\. .*gone/,
      ),
    ]);
    expect((await checked({ table: 'a' })).status).toBe('SUCCEEDED');
  });

  test('fails at a row that read would fail at, although it can be selected', async () => {
    await given(
      "CREATE VIEW shop.wide AS SELECT 'u' AS custom_id, 'x' AS event_name, now() AS last_updated_at, repeat(repeat('x', 34000), 1000) AS page",
    );
    expect((await checked({ table: 'wide' })).message).toContain('row_too_long');
  });

  test('queries each stream with FINAL', async () => {
    await given(
      `CREATE TABLE shop.a ${COLUMNS} ENGINE = ReplacingMergeTree ORDER BY last_updated_at`,
      `CREATE TABLE shop.b ${TABLE}`,
    );
    const { status, message } = await checked({ use_final: true });
    expect([status, message]).toEqual(['FAILED', expect.stringMatching(/^The stream "b" can't be read\. .*FINAL/)]);
  });

  test('warns of each stream, up to 20 warnings', async () => {
    const days = Array.from({ length: 12 }, (_, n) => `d${String(n).padStart(2, '0')}`);
    await given(...days.map((name) => createTableSql(`shop.${name}`, '', { cursor: 'Date', orderBy: 'custom_id' })));
    const { status, warnings } = await checked();
    expect(status).toBe('SUCCEEDED');
    const about = (name: string): number => warnings.filter((warning) => warning.includes(`"${name}"`)).length;
    expect(days.map(about)).toEqual([2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0]);
    expect(warnings.at(-1)).toMatch(/^Only the first 20 warnings are shown\./);
  });

  describe('of rows that take long to read', () => {
    const inProcess = async (rowMs: number, allRowsMs: number, user = READER): Promise<string[]> => {
      const parsed = sourceConfigurationSchema.parse(sourceConfiguration(server(), 'shop', server().connection(user)));
      const clickhouse = new ClickHouse(parsed);
      try {
        const { warnings } = await checkStreams(clickhouse, parsed, new AbortController().signal, undefined, {
          rowMs,
          allRowsMs,
        });
        return warnings;
      } finally {
        await clickhouse.close();
      }
    };

    beforeAll(() =>
      given(
        `CREATE TABLE shop.a ${TABLE}`,
        "CREATE VIEW shop.slow AS SELECT 'u' AS custom_id, 'x' AS event_name, toDateTime(7) AS last_updated_at, sleepEachRow(3) AS pause",
      ),
    );

    test("doesn't wait for them, and reports it", async () => {
      expect(await inProcess(2_000, 60_000)).toEqual([
        expect.stringMatching(
          /^The first row of "slow" did not arrive within 2 seconds, so check stopped waiting for it\./,
        ),
      ]);
    });

    test('does not wait for them when memory is cleaned up in the meantime', async () => {
      setFlagsFromString('--expose-gc');
      const timer = setInterval(runInNewContext('gc'), 200);
      try {
        expect(await inProcess(2_000, 60_000)).toEqual([
          expect.stringMatching(/^The first row of "slow" did not arrive/),
        ]);
      } finally {
        clearInterval(timer);
      }
    });

    test('does not fail when the query that was left is the only one that the user may run', async () => {
      await server().execute(`CREATE TABLE shop.z ${TABLE}`);
      const warnings = await inProcess(500, 60_000, ONE_QUERY_READER);
      await server().execute('DROP TABLE shop.z');
      expect(warnings).toContainEqual(expect.stringMatching(/^The first row of "slow" did not arrive/));
    });

    test('ends after a while, and reports which streams it did not try', async () => {
      expect(await inProcess(500, 0)).toEqual([
        '2 of 2 streams were not tested, because their first rows or the first rows of other streams take too long: "a" and 1 more. To check one of them, name it in "table".',
      ]);
    });
  });
});
