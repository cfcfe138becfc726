import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS } from '../batch/limits.ts';
import { destinationConfigurationSchema } from './schema.ts';

const KEYS = { project_key: 'project_1', rest_api_key: 'rest_1' };

/** The errors of a configuration, each with its option. */
function errorsOf(configuration: unknown): string[] {
  const result = destinationConfigurationSchema.safeParse(configuration);
  return result.success ? [] : result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('needs only two keys; the defaults are what Batch documents', () => {
  expect(destinationConfigurationSchema.parse(KEYS)).toEqual({
    ...KEYS,
    api_url: 'https://api.batch.com',
    api_version: '2.11',
    endpoint: 'auto',
    flush_interval_seconds: 2,
    dry_run: false,
    retry_minutes: 30,
    on_rejection: { mode: 'skip' },
    rejected_rows: { storage_type: 'None' },
    limits: DEFAULT_LIMITS,
    mapping: {},
    policies: {
      invalid_attribute: 'drop',
      long_text: 'drop',
      untimely_event: 'send',
      capital_letters: 'lower_case',
      null_attribute: 'keep',
    },
    streams: {},
  });
});

test('keeps keys that a platform adds', () => {
  expect(destinationConfigurationSchema.parse({ ...KEYS, __injected: { a: 1 } })).toMatchObject({
    __injected: { a: 1 },
  });
});

test('setting one limit keeps the defaults of the others', () => {
  expect(destinationConfigurationSchema.parse({ ...KEYS, limits: { string_characters: 200 } }).limits).toEqual({
    ...DEFAULT_LIMITS,
    string_characters: 200,
  });
});

describe('api_url', () => {
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
  ])('accepts %s', (api_url) => {
    expect(errorsOf({ ...KEYS, api_url })).toEqual([]);
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
  ])('rejects %s, which would send the key in plain text', (api_url) => {
    expect(errorsOf({ ...KEYS, api_url })[0]).toBe(
      'api_url: must begin with https:// (http:// is allowed only for a server on this machine)',
    );
  });

  test.each([
    'https://user@api.batch.com',
    'https://:password@api.batch.com',
    'https://api.batch.com/?key=1',
    'https://api.batch.com/#x',
  ])('rejects %s, which contains more than an address', (api_url) => {
    expect(errorsOf({ ...KEYS, api_url })).toEqual([
      'api_url: must be only an address, without user, password, query (?…) or fragment (#…)',
    ]);
  });

  test.each(['ftp://127.0.0.1', 'file:///etc/passwd', 'api.batch.com', 'localhost:4010', '', 'https://'])(
    'rejects %j, which is not a URL',
    (api_url) => {
      expect(errorsOf({ ...KEYS, api_url })).toEqual(['api_url: Invalid URL']);
    },
  );
});

describe('api_version', () => {
  test.each(['2.11', '2.4', '10.0'])('accepts %s', (api_version) => {
    expect(errorsOf({ ...KEYS, api_version })).toEqual([]);
  });

  test.each(['2', 'v2.11', '2.11.1', '2.x', ' 2.11', '2.11/', '2.11\n', '../2.11', ''])('rejects %j', (api_version) => {
    expect(errorsOf({ ...KEYS, api_version })).toEqual([
      'api_version: must be two numbers separated by a dot, such as 2.11',
    ]);
  });
});

describe('an error names the option, without its value', () => {
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
      ['project_key: must not be empty', 'rest_api_key: must not be empty'],
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
    ['a rate of zero', { ...KEYS, rate_limit: 0 }, ['rate_limit: Too small: expected number to be >0']],
    [
      'a rate that is a string',
      { ...KEYS, rate_limit: '300' },
      ['rate_limit: Invalid input: expected number, received string'],
    ],
    [
      'an infinite rate',
      { ...KEYS, rate_limit: Number.POSITIVE_INFINITY },
      ['rate_limit: Invalid input: expected number, received Infinity'],
    ],
    [
      'a flush interval of zero',
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
      'a limit of zero',
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
      'two errors at once',
      { ...KEYS, rate_limit: -1, api_version: '2' },
      [
        'api_version: must be two numbers separated by a dot, such as 2.11',
        'rate_limit: Too small: expected number to be >0',
      ],
    ],
  ])('%s', (_, configuration, expected) => {
    expect(errorsOf(configuration)).toEqual(expected);
  });
});

describe('rejects an unknown option inside an object', () => {
  test.each([
    [{ limits: { array_itmes: 30 } }, 'limits: has no option "array_itmes" (did you mean "array_items"?)'],
    [
      { policies: { long_texts: 'truncate', x: 1 } },
      'policies: has no option "long_texts" (did you mean "long_text"?) and has no option "x" (the options are invalid_attribute, long_text, untimely_event, capital_letters, null_attribute)',
    ],
    [{ mapping: { custom_id: 'user_id' } }, 'mapping: has no option "custom_id" (did you mean "custom_id_column"?)'],
  ])('%j', (options, expected) => {
    expect(errorsOf({ ...KEYS, ...options })).toEqual([expected]);
  });
});

describe('policies', () => {
  test.each([
    { invalid_attribute: 'reject_event' },
    { long_text: 'truncate' },
    { untimely_event: 'send_without_time' },
    { untimely_event: 'reject' },
    { capital_letters: 'drop' },
    { null_attribute: 'delete' },
  ])('%j is set, and the others keep their defaults', (policies) => {
    expect(destinationConfigurationSchema.parse({ ...KEYS, policies }).policies).toEqual({
      invalid_attribute: 'drop',
      long_text: 'drop',
      untimely_event: 'send',
      capital_letters: 'lower_case',
      null_attribute: 'keep',
      ...policies,
    });
  });

  test('an unknown policy is rejected', () => {
    expect(errorsOf({ ...KEYS, policies: { long_text: 'cut' } })).toEqual([
      'policies.long_text: Invalid option: expected one of "drop"|"truncate"',
    ]);
  });
});

describe('mapping', () => {
  test.each([
    {},
    { custom_id_column: 'user_id', event_name_column: 'action', event_time_column: 'at' },
    { constant_event_name: 'purchase', event_time_column: 'event_name' },
    { include_columns: ['a', 'date__b', 'batch__tags'], plain_text_columns: ['a'] },
    { exclude_columns: ['a'], plain_text_columns: ['b'] },
    // A form may send an empty list for an option that was left empty.
    { include_columns: [], exclude_columns: ['a'] },
    { include_columns: ['a'], exclude_columns: [] },
    { event_time_column: 'last_updated_at' },
    { event_name: { from: 'stream' }, include_columns: ['event_name'] },
    { event_name: {}, event_name_column: 'action' },
    { custom_id_column: 'event_name', event_name_column: 'custom_id' },
  ])('accepts %j', (mapping) => {
    expect(errorsOf({ ...KEYS, mapping })).toEqual([]);
  });

  const contradictions: [mapping: Record<string, unknown>, expected: string][] = [
    [
      { constant_event_name: 'e', event_name_column: 'action' },
      'mapping.constant_event_name: contradicts event_name_column. Set only one of the two: a name for all rows, or a column',
    ],
    [
      { constant_event_name: 'e', event_name: { from: 'stream' } },
      'mapping.event_name: contradicts constant_event_name. Set only one of the two',
    ],
    [{ event_name: { from: 'column' } }, 'mapping.event_name.from: Invalid input: expected "stream"'],
    [
      { include_columns: ['a'], exclude_columns: ['b'] },
      'mapping.exclude_columns: contradicts include_columns. Set only one of the two: columns that are not included are left out anyway',
    ],
    [
      { custom_id_column: 'x', event_time_column: 'x' },
      'mapping.event_time_column: names the column "x", which custom_id_column already uses. Name another column',
    ],
    [
      { custom_id_column: 'event_name' },
      'mapping.custom_id_column: names the column "event_name", which event_name_column already uses. Name another column',
    ],
    [
      { include_columns: ['a', 'custom_id'] },
      'mapping.include_columns: names the column "custom_id", which is not an attribute: custom_id_column uses it. Remove it from this list',
    ],
    [
      { event_time_column: 'at', exclude_columns: ['at'] },
      'mapping.exclude_columns: names the column "at", which is not an attribute: event_time_column uses it. Remove it from this list',
    ],
    [
      { include_columns: ['last_updated_at'] },
      'mapping.include_columns: names the column "last_updated_at", which is never sent. Remove it from this list',
    ],
    [
      { exclude_columns: ['_airbyte_raw_id'] },
      'mapping.exclude_columns: names the column "_airbyte_raw_id", which is never sent. Remove it from this list',
    ],
    [
      { plain_text_columns: ['a'], exclude_columns: ['a'] },
      'mapping.plain_text_columns: names the column "a", which exclude_columns also names. Remove it from one of the two lists',
    ],
    [
      { plain_text_columns: ['a'], include_columns: ['b'] },
      'mapping.plain_text_columns: names the column "a", which is missing from include_columns. Add it there, or remove it from this list',
    ],
    [
      { constant_event_name: 'Purchase' },
      'mapping.constant_event_name: must be a name that Batch accepts: 1 to 30 characters from a-z, 0-9 and _',
    ],
    [{ custom_id_column: '' }, 'mapping.custom_id_column: must not be empty'],
  ];
  test.each(contradictions)('rejects %j', (mapping, expected) => {
    expect(errorsOf({ ...KEYS, mapping })).toEqual([expected]);
  });

  test('accepts a plain text column once it is added to include_columns, as the error advises', () => {
    expect(errorsOf({ ...KEYS, mapping: { plain_text_columns: ['a'], include_columns: ['b', 'a'] } })).toEqual([]);
  });
});

describe('streams', () => {
  test.each<Record<string, unknown>>([
    { streams: {} },
    { streams: { orders: {} } },
    { streams: { orders: { mapping: { constant_event_name: 'purchase' }, policies: { long_text: 'truncate' } } } },
    { mapping: { constant_event_name: 'e' }, streams: { orders: { mapping: { event_name_column: 'action' } } } },
    { mapping: { include_columns: ['a'] }, streams: { orders: { mapping: { exclude_columns: ['a'] } } } },
    { mapping: { event_name: { from: 'stream' } }, streams: { Orders: { mapping: { constant_event_name: 'o' } } } },
    {
      mapping: { plain_text_columns: ['a'] },
      streams: { orders: { mapping: { include_columns: ['b'], plain_text_columns: [] } } },
    },
  ])('accepts %j', (options) => {
    expect(errorsOf({ ...KEYS, ...options })).toEqual([]);
  });

  test.each<[options: Record<string, unknown>, errors: string[]]>([
    [{ streams: { orders: { objct: 1 } } }, ['streams.orders: has no option "objct" (did you mean "object"?)']],
    [
      { streams: { orders: { policies: { long_texts: 'drop' } } } },
      ['streams.orders.policies: has no option "long_texts" (did you mean "long_text"?)'],
    ],
    [
      { streams: { orders: { mapping: { include_columns: ['a'], exclude_columns: ['b'] } } } },
      [
        'streams.orders.mapping.exclude_columns: contradicts include_columns. Set only one of the two: columns that are not included are left out anyway. The mapping of this stream is the general mapping with the options under streams.orders',
      ],
    ],
    [
      { mapping: { plain_text_columns: ['a'] }, streams: { orders: { mapping: { include_columns: ['b'] } } } },
      [
        'streams.orders.mapping.plain_text_columns: names the column "a", which is missing from include_columns. Add it there, or remove it from this list. The mapping of this stream is the general mapping with the options under streams.orders',
      ],
    ],
    [
      { mapping: { include_columns: ['x'] }, streams: { orders: { mapping: { custom_id_column: 'x' } }, visits: {} } },
      [
        'streams.orders.mapping.include_columns: names the column "x", which is not an attribute: custom_id_column uses it. Remove it from this list. The mapping of this stream is the general mapping with the options under streams.orders',
      ],
    ],
    [
      { streams: { 'Shop.Orders': { mapping: { event_name: { from: 'stream' } } } } },
      [
        'streams.Shop.Orders.mapping.event_name: the name of the stream "Shop.Orders" is not an event name that Batch accepts: 1 to 30 characters from a-z, 0-9 and _. Set constant_event_name or event_name_column in streams.Shop.Orders.mapping, or read the rows from a view with another name',
      ],
    ],
    [
      { streams: { customers: { object: 'profile' } } },
      ['streams.customers.object: Invalid option: expected one of "profile_event"|"profile_attributes"'],
    ],
    [
      {
        mapping: { event_name: { from: 'stream' } },
        streams: {
          'Not an event': {
            object: 'profile_attributes',
            mapping: { event_time_column: 'at', include_columns: ['event_name'], exclude_columns: ['a'] },
          },
        },
      },
      [
        'streams.Not an event.mapping.exclude_columns: contradicts include_columns. Set only one of the two: columns that are not included are left out anyway. The mapping of this stream is the general mapping with the options under streams.Not an event',
        'streams.Not an event.mapping.event_time_column: is for events, but the rows of this stream become attributes of profiles. Remove it',
      ],
    ],
    [
      { mapping: { include_columns: ['a'], exclude_columns: ['b'] }, streams: { orders: {}, visits: {} } },
      [
        'mapping.exclude_columns: contradicts include_columns. Set only one of the two: columns that are not included are left out anyway',
      ],
    ],
  ])('rejects %j', (options, errors) => {
    expect(errorsOf({ ...KEYS, ...options })).toEqual(errors);
  });
});

describe('event_id_attribute', () => {
  test.each(['row_id', 'a', 'x'.repeat(30)])('accepts %s', (event_id_attribute) => {
    expect(errorsOf({ ...KEYS, event_id_attribute })).toEqual([]);
  });
  test.each(['', 'Row_id', 'row-id', '$id', 'date(x)', 'x'.repeat(31), 'id\n'])('rejects %j', (event_id_attribute) => {
    expect(errorsOf({ ...KEYS, event_id_attribute })).toEqual([
      'event_id_attribute: must be a name that Batch accepts: 1 to 30 characters from a-z, 0-9 and _',
    ]);
  });
});

test.each([
  ['rest_1\n', 'ends with a line break. Remove it'],
  ['rest_1 ', 'ends with white space. Remove it'],
  ['\trest_1', 'begins with white space. Remove it'],
  ['rest 1', 'must be only the key, in ASCII, without spaces or line breaks'],
  ['rest_…', 'is a placeholder from the documentation. Write the whole key instead'],
])('explains what is wrong with the key %j', (rest_api_key, expected) => {
  expect(errorsOf({ ...KEYS, rest_api_key })).toEqual([`rest_api_key: ${expected}`]);
});

test('reports keys that are swapped', () => {
  expect(errorsOf({ project_key: '0123abcd', rest_api_key: 'project_1' })).toEqual([
    'project_key: is not a project key, but rest_api_key is one: the two keys are swapped. Exchange them',
  ]);
  expect(errorsOf({ project_key: '0123abcd', rest_api_key: '4567' })).toEqual([]);
});

describe('rejects a key that an HTTP header cannot contain', () => {
  test.each([
    ['a line break at the end of the REST API key', { ...KEYS, rest_api_key: 'rest_1\n' }],
    ['a line break in the REST API key', { ...KEYS, rest_api_key: 'rest\r\n1' }],
    ['a character beyond Latin-1 in the REST API key', { ...KEYS, rest_api_key: 'rest_日' }],
    ['a line break at the end of the project key', { ...KEYS, project_key: 'project_1\n' }],
  ])('%s', (_, configuration) => {
    const result = destinationConfigurationSchema.safeParse(configuration);
    // Trimming white space would be as good as rejecting it.
    const keys = result.success ? [result.data.rest_api_key, result.data.project_key] : [];
    expect(keys.filter((key) => !/^[\x21-\x7e]+$/.test(key))).toEqual([]);
  });
});
