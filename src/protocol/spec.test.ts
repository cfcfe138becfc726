import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { buildSpecification, findSecrets, listOptions } from './spec.ts';

const schema = z
  .looseObject({
    host: z.string().meta({ title: 'Host', order: 0 }),
    port: z
      .int()
      .default(8123)
      .meta({ title: 'Port', examples: [8123], order: 1 }),
    password: z.string().default('').meta({ title: 'Password', airbyte_secret: true, order: 2 }),
    key: z.string().optional().meta({ title: 'Key', airbyte_secret: true, order: 3 }),
    visible: z.string().optional().meta({ title: 'Visible', airbyte_secret: false, order: 4 }),
  })
  .meta({ title: 'A thing' });

describe('the secrets in a configuration', () => {
  test.each<[string, Record<string, unknown>, string[]]>([
    ['are the values of the fields that say so', { host: 'h', password: 'p', key: 'k', visible: 'v' }, ['p', 'k']],
    ['are not those of fields that are not there', { host: 'h', password: 'p' }, ['p']],
    ['are not those of fields that the schema does not know', { host: 'h', token: 't', airbyte_secret: 's' }, []],
    ['are only strings', { password: null, key: 7 }, []],
    ['may be empty', { password: '' }, ['']],
  ])('%s', (_, configuration, secrets) => {
    expect(findSecrets(configuration, schema)).toEqual(secrets);
  });

  test('are none without secrets in the schema', () => {
    expect(findSecrets({ a: 'x' }, z.object({ a: z.string(), b: z.unknown() }))).toEqual([]);
  });
});

test('listOptions returns the names of the options', () => {
  expect(listOptions(schema)).toEqual(['host', 'port', 'password', 'key', 'visible']);
});

describe('secrets deep in a configuration', () => {
  const deep = z.looseObject({
    tls: z.object({ key: z.string().optional().meta({ airbyte_secret: true }), ca: z.string().optional() }).optional(),
    tunnel: z
      .discriminatedUnion('method', [
        z.object({ method: z.literal('key'), key: z.string().meta({ airbyte_secret: true }) }),
        z.object({ method: z.literal('password'), word: z.string().meta({ airbyte_secret: true }), host: z.string() }),
      ])
      .optional(),
    accounts: z.array(z.object({ name: z.string(), token: z.string().meta({ airbyte_secret: true }) })).optional(),
  });

  test.each<[string, Record<string, unknown>, string[]]>([
    ['are found in an object', { tls: { key: 'k', ca: 'c' } }, ['k']],
    ['are found in each option of a choice', { tunnel: { method: 'password', word: 'w', host: 'h' } }, ['w']],
    ['are found in an option that is not the chosen one', { tunnel: { method: 'password', key: 'left' } }, ['left']],
    [
      'are found in lists',
      {
        accounts: [
          { name: 'a', token: 's' },
          { name: 'b', token: 't' },
        ],
      },
      ['s', 't'],
    ],
    ['are none where nothing is', {}, []],
    ['are none where something else is', { tls: null, tunnel: 'key', accounts: [7] }, []],
  ])('%s', (_, configuration, secrets) => {
    expect(findSecrets(configuration, deep)).toEqual(secrets);
  });
});

describe('a specification', () => {
  const specification = buildSpecification(schema, { documentationUrl: 'https://docs', supportsIncremental: true });

  test('contains the documentation URL and the capabilities of the connector', () => {
    const { connectionSpecification: _, ...details } = specification;
    expect(details).toEqual({
      protocol_version: '0.18.0',
      documentationUrl: 'https://docs',
      supportsIncremental: true,
    });
  });

  test('is a JSON Schema (draft 7) in which options with a default are optional and additional ones allowed', () => {
    expect(specification.connectionSpecification).toEqual({
      $schema: 'http://json-schema.org/draft-07/schema#',
      title: 'A thing',
      type: 'object',
      additionalProperties: true,
      required: ['host'],
      properties: {
        host: { title: 'Host', order: 0, type: 'string' },
        port: {
          title: 'Port',
          examples: [8123],
          order: 1,
          type: 'integer',
          default: 8123,
          minimum: Number.MIN_SAFE_INTEGER,
          maximum: Number.MAX_SAFE_INTEGER,
        },
        password: { title: 'Password', airbyte_secret: true, order: 2, type: 'string', default: '' },
        key: { title: 'Key', airbyte_secret: true, order: 3, type: 'string' },
        visible: { title: 'Visible', airbyte_secret: false, order: 4, type: 'string' },
      },
    });
  });
});
