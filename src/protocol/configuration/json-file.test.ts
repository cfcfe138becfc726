import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ConnectorError } from '../errors.ts';
import { checkJson, parseJson, readJsonFile, readTextFile } from './json-file.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'json-file-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(text: string | Uint8Array): string {
  const path = join(folder, 'file.json');
  writeFileSync(path, text);
  return path;
}

async function failureOf(action: Promise<unknown>): Promise<ConnectorError> {
  const error = await action.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof ConnectorError)) throw new Error(`No ConnectorError: ${String(error)}`);
  return error;
}

const schema = z.object({ host: z.string(), port: z.int().default(8123) });

test('reads a file with the defaults of its schema', async () => {
  expect(await readJsonFile('configuration', file('{"host":"a"}'), schema)).toEqual({ host: 'a', port: 8123 });
});

test('reads text unchanged', async () => {
  expect(await readTextFile('state', file(' é\r\n'))).toBe(' é\r\n');
});

describe('names an unreadable file in a config_error', () => {
  test('that does not exist', async () => {
    const path = join(folder, 'none.json');
    const error = await failureOf(readJsonFile('catalog', path, schema));
    expect(error.failureType).toBe('config_error');
    expect(error.message).toContain(`Can't read the catalog file ${path}: no such file or directory.`);
    expect(error.message).toContain('Check its path and permissions.');
  });

  test('that is a folder', async () => {
    const error = await failureOf(readTextFile('state', folder));
    expect(error.failureType).toBe('config_error');
    expect(error.message).toContain(`Can't read the state file ${folder}: illegal operation on a directory.`);
  });

  test.skipIf(process.getuid?.() === 0)('without permission', async () => {
    const path = file('{}');
    chmodSync(path, 0);
    const error = await failureOf(readTextFile('state', path));
    expect(error.message).toContain('permission denied');
  });
});

describe('rejects invalid JSON without quoting it:', () => {
  test.each([
    ['a bare secret', 'hunter2'],
    ['a secret in quotes of the wrong kind', "{'password': 'hunter2'}"],
    ['a text cut off', '{"password": "hunter2'],
    ['an extra comma', '{"password": "hunter2",}'],
    ['YAML', 'password: hunter2'],
    ['two texts in one', '{"password":"hunter2"}\n{"password":"hunter2"}'],
  ])('%s', async (_, text) => {
    const path = file(text);
    const error = await failureOf(readJsonFile('configuration', path, schema));
    expect(error.failureType).toBe('config_error');
    expect(error.message).toMatch(/ is not valid JSON: line [12], column \d+\.\n {4}.*\n {4} *\^\n\S.+\.$/);
    expect(error.message).not.toContain('hunter2');
    expect(error.cause).toBeUndefined();
    expect(error.internalMessage).toBeUndefined();
  });
});

const MISSING_COMMA = 'A comma is missing before it.';
const QUOTES = 'Names and strings need double quotes ("). Only numbers, true, false and null have none.';

test.each([
  ['{\n  "a": 1,\n}', 'line 3, column 1', 'Remove the comma before it.'],
  ['{"a": [1, 2,]}', 'line 1, column 13', 'Remove the comma before it.'],
  ['{\r\n  "a": "é", b: 2}', 'line 2, column 13', QUOTES],
  ['{"a": 1 "b": 2}', 'line 1, column 9', MISSING_COMMA],
  ['{\n  "a": 1\n  "b": 2\n}', 'line 3, column 3', MISSING_COMMA],
  ['{"a" 1}', 'line 1, column 6', 'A colon is missing before it.'],
  ["{'a': 1}", 'line 1, column 2', 'JSON needs double quotes (") around names and strings.'],
  ['{"a": tru}', 'line 1, column 7', QUOTES],
  [
    '{"a": "b\nc"}',
    'line 1, column 9',
    'A string contains a line break or a tab: write \\n or \\t. Or its closing " is missing.',
  ],
  ['{"a": "C:\\x"}', 'line 1, column 10', 'A backslash in a string is written as \\\\.'],
  ['{"a": [1', 'line 1, column 9', 'The file ends too early: a closing }, ] or " is missing.'],
  ['{"a": 1\n\n', 'line 1, column 8', 'The file ends too early: a closing }, ] or " is missing.'],
  ['{"a": 1 // one\n}', 'line 1, column 9', 'JSON has no comments. Remove it.'],
  ['{} {}', 'line 1, column 4', 'Remove everything after the end of the object.'],
])('locates the error in %j at %s', (text, place, advice) => {
  expect(() => parseJson('state', 'x', text)).toThrow(`is not valid JSON: ${place}. ${advice}`);
});

test.each([
  ['{\n  "host": "h",\n  "port" 8123\n}', '  "****" ****', 9],
  ['{"host": "h" "password": "hunter2"}', '{"host": "****" "password": "****"}', 16],
  ["{\n\t'password': 'hunter2'\n}", " 'password': '****'", 1],
  [
    '{"host": h, "not_an_option": 1, "ssl": true, "x": hunter2, "database": "d"}',
    '{"host": ****, "****": ****, "ssl": tru',
    9,
  ],
])('shows the line of a configuration without values: %j', (text, line, caret) => {
  expect(() => parseJson('configuration', 'x', text)).toThrow(`.\n    ${line}\n    ${' '.repeat(caret)}^\n`);
});

test('rejects JSON that is nested too deep to locate the error', () => {
  expect(() => parseJson('state', 'x', '['.repeat(200_000))).toThrow(
    /not valid JSON\. Check it with a JSON formatter\.$/,
  );
});

test('explains an empty file, which may be a pipe that was read before', async () => {
  const path = file(' \n');
  const { message } = await failureOf(readJsonFile('configuration', path, schema));
  expect(message).toBe(
    `The configuration file ${path} is empty. If it is a pipe, it can only be read once: use a file.`,
  );
});

test('parses JSON as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      expect(parseJson('state', 'x', text)).toEqual(JSON.parse(text));
    }),
  );
});

describe('checkJson', () => {
  test('names all wrong fields at once', () => {
    const nested = z.object({ a: z.object({ b: z.array(z.object({ c: z.string() })) }), d: z.int(), e: z.string() });
    const check = () => checkJson('configuration', 'c.json', { a: { b: [{ c: 'x' }, {}] }, d: 1.5 }, nested);
    expect(check).toThrow(/^The configuration in c\.json is not usable: a\.b\.1\.c .+; d .+; e .+\.$/);
  });

  test('names the whole file when it is not an object', () => {
    expect(() => checkJson('configuration', 'c.json', [], schema)).toThrow(
      /^The configuration in c\.json is not usable: it must be an object\.$/,
    );
  });

  test('throws a config_error', () => {
    try {
      checkJson('configuration', 'c.json', {}, schema);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ name: 'ConnectorError', failureType: 'config_error' });
    }
  });
});

test('quotes no value, whatever rule it breaks', () => {
  const rules: Record<string, z.ZodType> = {
    boolean: z.boolean(),
    integer: z.int(),
    enumeration: z.enum(['one', 'two']),
    literal: z.literal('one'),
    pattern: z.string().regex(/^\d$/),
    short: z.string().max(1),
    url: z.url(),
    list: z.array(z.string()),
    object: z.object({ inner: z.string() }),
    record: z.record(z.string(), z.int()),
    union: z.union([z.int(), z.object({})]),
    refined: z.string().refine(() => false, 'must be another'),
  };
  const secrets = fc.stringMatching(/^![!-~]{12,30}$/);
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(rules)), secrets, fc.boolean(), (rule, secret, wrapped) => {
      const one = z.object({ field: rules[rule] ?? z.never() });
      const value = wrapped ? { field: { inner: [secret], key: secret } } : { field: secret };
      let message = '';
      try {
        checkJson('configuration', 'c.json', value, one);
      } catch (error) {
        message = String(error);
      }
      expect(message).not.toContain(secret);
      if (!wrapped) expect(message).toContain('field ');
    }),
  );
});

test.each<[z.ZodType, unknown, string]>([
  [z.string(), undefined, 'is missing'],
  [z.number(), 'x', 'must be a number'],
  [z.int(), '8123', 'must be a number, without quotes: 8123'],
  [z.number(), '1.5', 'must be a number, without quotes: 1.5'],
  [z.boolean(), 'true', 'must be true or false, without quotes: true'],
  [z.number(), 'secret1', 'must be a number'],
  [z.int(), 1.5, 'must be a whole number'],
  [z.boolean(), 'yes', 'must be true or false'],
  [z.array(z.string()), {}, 'must be a list'],
  [z.enum(['drop', 'truncate']), 'x', 'must be "drop" or "truncate"'],
  [z.number().positive(), 0, 'must be more than 0'],
  [z.number().max(900), 901, 'must be at most 900'],
  [z.string().min(1), '', 'must have at least 1 character'],
  [z.strictObject({}), { z: 1 }, 'has unknown options: z'],
  [z.string().regex(/^a$/), 'b', 'is not valid'],
  [z.string().regex(/^a$/, 'must be a'), 'b', 'must be a'],
])('describes a wrong field without the words of the library: %#', (schema, value, expected) => {
  expect(() => checkJson('configuration', 'c.json', { field: value }, z.object({ field: schema }))).toThrow(
    `The configuration in c.json is not usable: field ${expected}.`,
  );
});
