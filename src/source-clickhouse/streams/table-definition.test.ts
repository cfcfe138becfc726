import { describe, expect, test } from 'vitest';
import { type DefinitionRow, findTablesInQuery, parseDefinition, type RowOrigin } from './table-definition.ts';

/** What is read, each origin as a short string. */
function short(origins: readonly (RowOrigin | undefined)[]): string[] {
  return origins.flatMap((origin) => {
    switch (origin?.kind) {
      case 'table':
        return `${origin.database} ${origin.name}`;
      case 'dotted_name':
        return `(${origin.database}) ${origin.text}`;
      case 'matching_tables':
        return `${origin.database.isPattern ? '~' : ''}${origin.database.text} ~${origin.pattern}`;
      default:
        return [];
    }
  });
}

describe('finds the tables in the FROM clauses of a query', () => {
  test.each<[query: string, tables: string[]]>([
    ['SELECT * FROM shop.events', ['shop events']],
    ['SELECT e.a FROM shop.events AS e LEFT JOIN crm.users AS u ON e.id = u.id', ['shop events', 'crm users']],
    ['SELECT a FROM shop.events, shop.orders WHERE shop.events.a = 1', ['shop events', 'shop orders']],
    ['SELECT 1 FROM shop.a UNION ALL SELECT 2 FROM shop.b', ['shop a', 'shop b']],
    ['WITH c AS (SELECT * FROM shop.a) SELECT * FROM c', ['shop a']],
    ['SELECT * FROM (SELECT * FROM shop.a) AS x CROSS JOIN shop.b', ['shop a', 'shop b']],
    ['SELECT a FROM shop.a WHERE a IN (SELECT id FROM shop.b)', ['shop a', 'shop b']],
    ['SELECT tag FROM shop.a ARRAY JOIN tags AS tag, shop.names AS n', ['shop a']],
    ['SELECT shop.events, b FROM shop.orders AS shop', ['shop orders']],
    ["SELECT 'FROM shop.x' AS `FROM shop.y` FROM shop.a", ['shop a']],
    ["SELECT * FROM shop.`we.ird\\`na\\\\me\\' (x`", ["shop we.ird`na\\me' (x"]],
    ['SELECT * FROM "my shop"."a ""b"""', ['my shop a "b"']],
    ["SELECT * FROM merge('shop', '^a\\\\d$')", ['shop ~^a\\d$']],
    ["SELECT * FROM merge(REGEXP('^shop'), 'a')", ['~^shop ~a']],
    ["SELECT * FROM remote('127.0.0.1', shop.a) AS r", ['shop a']],
    ["SELECT * FROM remote('127.0.0.1', 'shop', 'a', 'user', 'password')", ['shop a']],
    ["SELECT * FROM cluster('c', shop.a, rand())", ['shop a']],
    ['SELECT * FROM view(SELECT * FROM shop.a)', ['shop a']],
    ['SELECT number FROM numbers(10)', []],
    ['SELECT 1 -- FROM shop.a\n FROM /* shop.b */ shop.c', ['shop c']],
  ])('%s', (query, tables) => {
    expect(short(findTablesInQuery(query))).toEqual(tables);
  });
});

/** As system.tables has them. */
function row(engine: string, more: Partial<DefinitionRow>): DefinitionRow {
  return { database: 'shop', name: 'x', engine, engine_full: '', create_table_query: '', as_select: '', ...more };
}

describe('finds the table that stores the rows of', () => {
  test.each<[string, DefinitionRow, string[]]>([
    [
      'a materialized view',
      row('MaterializedView', {
        create_table_query: 'CREATE MATERIALIZED VIEW shop.x TO shop.`to` (`a` String) AS SELECT 1',
      }),
      ['shop to'],
    ],
    [
      'a refreshable materialized view that appends',
      row('MaterializedView', {
        create_table_query:
          'CREATE MATERIALIZED VIEW shop.`TO` REFRESH EVERY 1 DAY DEPENDS ON shop.y APPEND TO crm.t (`a` String) AS SELECT 1',
      }),
      ['crm t'],
    ],
    [
      'a materialized view with an inner table',
      row('MaterializedView', {
        create_table_query: 'CREATE MATERIALIZED VIEW shop.x (`TO` String) ENGINE = MergeTree ORDER BY a AS SELECT 1',
      }),
      [],
    ],
    [
      'a materialized view whose inner table is named',
      row('MaterializedView', {
        create_table_query: "CREATE MATERIALIZED VIEW shop.x TO INNER UUID 'a-b' (`a` String) AS SELECT 1",
      }),
      [],
    ],
    ['a Buffer', row('Buffer', { engine_full: "Buffer('crm', 'events', 1, 10, 100)" }), ['crm events']],
    ['a Buffer without a table', row('Buffer', { engine_full: "Buffer('default', '', 1, 10)" }), ['default ']],
    ['an Alias', row('Alias', { engine_full: "Alias('crm', 'a.b')" }), ['crm a.b']],
    ['an Alias of its own database', row('Alias', { engine_full: "Alias('base')" }), ['shop base']],
    [
      'a Distributed',
      row('Distributed', { engine_full: "Distributed('c', 'shop', 'local', cityHash64(id))" }),
      ['shop local'],
    ],
    ['a Distributed by names', row('Distributed', { engine_full: 'Distributed(c, shop, `lo.cal`)' }), ['shop lo.cal']],
    [
      'a Distributed of the current database',
      row('Distributed', { engine_full: "Distributed('c', currentDatabase(), 'local')" }),
      ['shop local'],
    ],
    ['a Remote', row('Distributed', { engine_full: "Remote('host', 'crm', 'a')" }), ['crm a']],
    [
      'a Remote with a dotted name',
      row('Distributed', { engine_full: "Remote('host', 'crm.a', 'user')" }),
      ['(shop) crm.a'],
    ],
    [
      'a dictionary',
      row('Dictionary', {
        create_table_query:
          "CREATE DICTIONARY shop.x (`a` String) PRIMARY KEY a SOURCE(CLICKHOUSE(USER 'u' TABLE 'base' DB 'crm')) LIFETIME(0)",
      }),
      ['crm base'],
    ],
    ['a table of a dictionary', row('Dictionary', { engine_full: "Dictionary('shop.dict')" }), ['(shop) shop.dict']],
  ])('%s', (_, definition, holder) => {
    expect(short([parseDefinition(definition).holder])).toEqual(holder);
  });
});

test.each<[string, DefinitionRow, string[]]>([
  ['a view', row('View', { as_select: 'SELECT * FROM shop.a' }), ['shop a']],
  ['a materialized view', row('MaterializedView', { as_select: 'SELECT * FROM shop.a' }), ['shop a']],
  ['a Merge', row('Merge', { engine_full: "Merge('shop', '^(a|b)$')" }), ['shop ~^(a|b)$']],
  ['a Merge of databases', row('Merge', { engine_full: "Merge(REGEXP('^s'), 'a')" }), ['~^s ~a']],
  [
    'a dictionary of a query',
    row('Dictionary', {
      create_table_query: "CREATE DICTIONARY shop.x (a String) SOURCE(CLICKHOUSE(QUERY 'select * from a')) LIFETIME(0)",
    }),
    ['shop a'],
  ],
  ['a table', row('MergeTree', { engine_full: 'MergeTree ORDER BY a' }), []],
])('finds the tables that %s selects from', (_, definition, tables) => {
  expect(short(parseDefinition(definition).selectedFrom)).toEqual(tables);
});
