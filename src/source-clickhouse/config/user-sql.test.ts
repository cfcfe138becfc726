import { describe, expect, test } from 'vitest';
import { findConditionProblem, findQueryProblem } from './user-sql.ts';

// integration_tests/source/user-sql.test.ts compares these functions with the server's parser.

describe('a query that can be sent as a subquery', () => {
  test.each([
    'SELECT 1',
    'with x as (select 1) select * from x',
    'FROM t SELECT a',
    '(SELECT 1) UNION ALL (SELECT 2)',
    "SELECT ')' AS a, ';' AS b, '--' AS c, 'it''s \\'' AS d",
    'SELECT `a)`, "b;" FROM t -- the end; (',
    'SELECT 1 /* ; ( */ # [\n',
    'SELECT [1, 2][1], (a, b), map(1, 2)',
    "SELECT format('{}', a) AS format, settings FROM t WHERE settings = 1 ORDER BY format DESC",
    'SELECT a FROM format f',
    'SELECT format x',
    'SELECT * FROM (SELECT 1 SETTINGS max_threads = 1)',
    "SELECT 'é ’ $' AS a, {'k': 1} AS b",
  ])('%s', (sql) => {
    expect(findQueryProblem(sql)).toBeUndefined();
  });
});

describe('a query that is refused', () => {
  test.each<[sql: string, problem: RegExp]>([
    ['', /contains no SQL/],
    ['-- SELECT 1', /contains no SQL/],
    ['INSERT INTO t VALUES (1)', /must be a SELECT/],
    ['EXPLAIN SELECT 1', /must be a SELECT/],
    ['(DROP TABLE t)', /must be a SELECT/],
    ['SELECT 1;', /one statement without a semicolon/],
    ['SELECT 1; DROP TABLE t', /one statement without a semicolon/],
    ['SELECT 1) UNION ALL (SELECT 2', /contains a "\)" that closes no bracket/],
    ['SELECT (1]', /contains a "\]" that closes no bracket/],
    ['SELECT (1', /lacks a closing "\)"/],
    ['SELECT 1 /* )', /comment that is never closed/],
    ['SELECT 1 /* /* */ ) */', /comment inside of another/],
    ['SELECT 1 // )\n', /contains "\/\/"/],
    ["SELECT 'a", /a quote \('\) that is never closed/],
    ['SELECT `a', /a quote \(`\) that is never closed/],
    ["SELECT 'a\\'", /a quote \('\) that is never closed/],
    ['SELECT $$ ( $$', /contains "\$" outside of a string/],
    ['SELECT #( \n 1', /contains "#" outside of a string/],
    ['SELECT “)”', /contains "“" outside of a string/],
    ['SELECT 1 \\G', /contains "\\\\" outside of a string/],
    ["SELECT 'a\0b'", /contains a NUL character/],
    ['SELECT {day:Date}', /can't have parameters, but it contains \{day:…\}/],
    ['SELECT 1 FORMAT JSON', /can't contain FORMAT/],
    ['SELECT * FROM t WHERE a IN (1) format Null', /can't contain FORMAT/],
    ["SELECT 1 INTO OUTFILE 'a'", /can't contain INTO/],
    ['SELECT 1 SETTINGS max_threads = 1', /can't contain SETTINGS/],
  ])('%s', (sql, problem) => {
    expect(findQueryProblem(sql)).toMatch(problem);
  });
});

test.each<[sql: string, problem: RegExp | undefined]>([
  ["status = 'paid' AND amount > 0 -- only those", undefined],
  ['id IN (SELECT id FROM chosen)', undefined],
  ['WHERE a = 1', /without the word WHERE/],
  ['a = 1) OR (1', /contains a "\)" that closes no bracket/],
  ['a = 1 SETTINGS max_threads = 1', /can't contain SETTINGS/],
  ['a = 1;', /without a semicolon/],
  ['', /contains no SQL/],
])('the condition %s', (sql, problem) => {
  expect(findConditionProblem(sql)).toEqual(problem && expect.stringMatching(problem));
});
