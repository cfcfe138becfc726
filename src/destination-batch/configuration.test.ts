import { describe, expect, test } from 'vitest';
import { destinationConfigurationSchema } from './configuration.ts';
import { DEFAULT_LIMITS } from './limits.ts';

const KEYS = { project_key: 'project_1', rest_api_key: 'rest_1' };

/** What is wrong with a configuration, by its place; nothing when it will do. */
function faults(configuration: unknown): string[] {
  const result = destinationConfigurationSchema.safeParse(configuration);
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('two keys are enough; the rest is as Batch documents it', () => {
  expect(destinationConfigurationSchema.parse(KEYS)).toEqual({
    ...KEYS,
    api_url: 'https://api.batch.com',
    api_version: '2.11',
    rate_limit: 300,
    flush_interval_seconds: 2,
    retry_minutes: 30,
    on_rejection: { mode: 'skip' },
    rejected_rows: { storage_type: 'None' },
    limits: DEFAULT_LIMITS,
  });
});

test('what a platform adds is let through', () => {
  expect(destinationConfigurationSchema.parse({ ...KEYS, __injected: { a: 1 } })).toMatchObject({
    __injected: { a: 1 },
  });
});

test('one limit may be set, and the others stay', () => {
  expect(destinationConfigurationSchema.parse({ ...KEYS, limits: { string_characters: 200 } }).limits).toEqual({
    ...DEFAULT_LIMITS,
    string_characters: 200,
  });
});

describe('the address', () => {
  test.each([
    'https://api.batch.com',
    'https://api.batch.com/',
    'https://proxy.example:8443/batch/',
    'https://10.0.0.1',
    'http://localhost:4010',
    'http://LOCALHOST',
    'http://127.0.0.1:4010',
    'http://127.9.8.7',
    'http://[::1]:4010',
  ])('%s will do', (api_url) => {
    expect(faults({ ...KEYS, api_url })).toEqual([]);
  });

  test.each([
    'http://api.batch.com',
    'http://10.0.0.1',
    'http://0.0.0.0:4010',
    'http://localhost.example.com',
    'http://127.0.0.1.example.com',
    'http://127.0.0.1@example.com',
    'http://example.com/?localhost',
    'http://128.0.0.1',
    'http://[::2]',
  ])('%s would send the key in plain text', (api_url) => {
    expect(faults({ ...KEYS, api_url })).toEqual([
      'api_url: must begin with https:// (plain http is for a server on this machine only)',
    ]);
  });

  test.each(['ftp://127.0.0.1', 'file:///etc/passwd', 'api.batch.com', 'localhost:4010', '', 'https://'])(
    '%j is none',
    (api_url) => {
      const found = faults({ ...KEYS, api_url });
      expect(found[0]).toBe('api_url: Invalid URL');
    },
  );
});

describe('the version', () => {
  test.each(['2.11', '2.4', '10.0'])('%s will do', (api_version) => {
    expect(faults({ ...KEYS, api_version })).toEqual([]);
  });

  test.each(['2', 'v2.11', '2.11.1', '2.x', ' 2.11', '2.11/', '2.11\n', '../2.11', ''])(
    '%j will not',
    (api_version) => {
      expect(faults({ ...KEYS, api_version })).toEqual(['api_version: must be two numbers with a point, such as 2.11']);
    },
  );
});

describe('is told by its place, without its value', () => {
  test.each([
    [
      'no keys',
      {},
      [
        'project_key: Invalid input: expected string, received undefined',
        'rest_api_key: Invalid input: expected string, received undefined',
      ],
    ],
    [
      'empty keys',
      { project_key: '', rest_api_key: '' },
      [
        'project_key: must be the key alone, in plain letters, without spaces or line ends',
        'rest_api_key: must be the key alone, in plain letters, without spaces or line ends',
      ],
    ],
    [
      'a key that is a number',
      { ...KEYS, rest_api_key: 12345 },
      ['rest_api_key: Invalid input: expected string, received number'],
    ],
    [
      'a version that is a number',
      { ...KEYS, api_version: 2.11 },
      ['api_version: Invalid input: expected string, received number'],
    ],
    ['a rate of nothing', { ...KEYS, rate_limit: 0 }, ['rate_limit: Too small: expected number to be >0']],
    [
      'a rate that is a text',
      { ...KEYS, rate_limit: '300' },
      ['rate_limit: Invalid input: expected number, received string'],
    ],
    [
      'a rate without end',
      { ...KEYS, rate_limit: Number.POSITIVE_INFINITY },
      ['rate_limit: Invalid input: expected number, received Infinity'],
    ],
    [
      'no flush interval',
      { ...KEYS, flush_interval_seconds: 0 },
      ['flush_interval_seconds: Too small: expected number to be >0'],
    ],
    [
      'a flush interval of an hour',
      { ...KEYS, flush_interval_seconds: 3_600 },
      ['flush_interval_seconds: Too big: expected number to be <=900'],
    ],
    [
      'a retry time that is negative',
      { ...KEYS, retry_minutes: -1 },
      ['retry_minutes: Too small: expected number to be >0'],
    ],
    [
      'a limit of nothing',
      { ...KEYS, limits: { array_items: 0 } },
      ['limits.array_items: Too small: expected number to be >=1'],
    ],
    [
      'a limit that is a fraction',
      { ...KEYS, limits: { array_items: 2.5 } },
      ['limits.array_items: Invalid input: expected int, received number'],
    ],
    ['limits that are a list', { ...KEYS, limits: [] }, ['limits: Invalid input: expected object, received array']],
    [
      'several at once',
      { ...KEYS, rate_limit: -1, api_version: '2' },
      [
        'api_version: must be two numbers with a point, such as 2.11',
        'rate_limit: Too small: expected number to be >0',
      ],
    ],
  ])('%s', (_, configuration, expected) => {
    expect(faults(configuration)).toEqual(expected);
  });
});

describe('a key that no HTTP header can hold is told at once, not at the first call', () => {
  test.each([
    ['a line end at the end of the REST API key', { ...KEYS, rest_api_key: 'rest_1\n' }],
    ['a line end in the REST API key', { ...KEYS, rest_api_key: 'rest\r\n1' }],
    ['a letter beyond Latin in the REST API key', { ...KEYS, rest_api_key: 'rest_日' }],
    ['a line end at the end of the project key', { ...KEYS, project_key: 'project_1\n' }],
  ])('%s', (_, configuration) => {
    const result = destinationConfigurationSchema.safeParse(configuration);
    // To cut off white space at the ends is as good as to refuse it.
    const keys = result.success ? [result.data.rest_api_key, result.data.project_key] : [];
    expect(keys.filter((key) => !/^[\x21-\x7e]+$/.test(key))).toEqual([]);
  });
});
