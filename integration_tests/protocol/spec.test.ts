import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { destinationConfigurationSchema } from '../../src/destination-batch/config/schema.ts';
import { destinationSpecification } from '../../src/destination-batch/config/specification.ts';
import { findSecrets } from '../../src/protocol/spec.ts';
import { validateDestination, validateSource } from '../../src/runner/validators.ts';
import { sourceConfigurationSchema } from '../../src/source-clickhouse/config/schema.ts';
import { sourceSpecification } from '../../src/source-clickhouse/config/specification.ts';
import { syncFileJsonSchema } from '../../src/sync/config-file/schema.ts';
import { ConformanceRuns, testEveryCommand } from './runs.ts';

type Field = Record<string, unknown> & {
  properties?: Record<string, Field>;
  oneOf?: Field[];
  items?: Field;
  examples?: unknown[];
  enum?: unknown[];
  required?: string[];
};

/** Names of fields that contain secrets, from Airbyte's own list and ours: no key, password or passphrase is shown. */
const SECRET_NAME =
  /^(client_token|access_token|api_token|token|secret|client_secret|password|key|.*api_key|private_key|service_account.*|certificate|jwt|credentials|refresh_token|(ssh|client)_key|secret_access_key|.*_(password|passphrase))$/;

/** What the forms of platforms can't show. */
const UNSUPPORTED = [
  'not',
  'anyOf',
  'allOf',
  'patternProperties',
  'prefixItems',
  'if',
  'then',
  'else',
  'dependencies',
  '$ref',
  'display_type',
];

/** Options that forms can't show: objects with names that the user chooses. They have no type, so that a form keeps their value. */
const HIDDEN = ['streams'];

/** For the source's choice; the destination treats them as unknown keys. */
const CHOICES = [
  {},
  { tunnel_method: 'NO_TUNNEL' },
  { tunnel_method: 'NO_TUNNEL', tunnel_host: 'left from another choice' },
  { tunnel_method: 'OTHER' },
  { tunnel_method: 'SSH_KEY_AUTH' },
  { tunnel_method: 'SSH_KEY_AUTH', tunnel_host: 'b', tunnel_user: 'u', ssh_key: 'k' },
  { tunnel_method: 'SSH_KEY_AUTH', tunnel_host: 'b', tunnel_user: 'u', ssh_key: 'k', tunnel_host_key: 'k' },
  { tunnel_method: 'SSH_PASSWORD_AUTH', tunnel_host: 'b', tunnel_user: 'u', tunnel_user_password: 'p' },
  { tunnel_method: 'SSH_PASSWORD_AUTH', tunnel_host: 'b', tunnel_user: 'u', ssh_key: 'k' },
];

/** For the destination's choices; the source treats them as unknown keys. */
const REJECTION_CHOICES = [
  { on_rejection: {} },
  { on_rejection: { mode: 'skip' } },
  { on_rejection: { mode: 'skip', max_rows: 'left from another choice' } },
  { on_rejection: { mode: 'fail' } },
  { on_rejection: { mode: 'fail', max_rows: 0, max_share: 0.5 } },
  { on_rejection: { mode: 'fail', max_rows: -1 } },
  { on_rejection: { mode: 'fail', max_share: 1 } },
  { on_rejection: { mode: 'other' } },
  { rejected_rows: { storage_type: 'None' } },
  { rejected_rows: { storage_type: 'Local' } },
  { rejected_rows: { storage_type: 'Local', path: '/x' } },
  { rejected_rows: { storage_type: 'S3', path: '/x' } },
  { rejected_rows: { storage_type: 'S3', s3_bucket_name: 'b', s3_bucket_region: 'r', bucket_path: 'p' } },
  {
    rejected_rows: {
      storage_type: 'S3',
      s3_bucket_name: 'b',
      s3_bucket_region: 'r',
      bucket_path: 'p',
      s3_endpoint: 'http://127.0.0.1:9000',
      access_key_id: 'a',
      secret_access_key: 's',
      role_arn: 'arn:aws:iam::123456789012:role/x',
    },
  },
];

function fieldsOf(schema: Field, path: string[] = []): [string, Field][] {
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, field]): [string, Field][] => [
    [[...path, name].join('.'), field],
    ...fieldsOf(field, [...path, name]),
  ]);
  const options = (schema.oneOf ?? []).flatMap((option) => fieldsOf(option, [...path, String(option.title)]));
  return [...below, ...options];
}

/** A value with every option of a schema, including those of all variants of a choice. The value of a secret is its path. */
function sampleOf({ airbyte_secret: isSecret, properties, oneOf = [], items }: Field, path = ''): unknown {
  if (isSecret === true) return path;
  if (items !== undefined) return [sampleOf(items, `${path}[]`)];
  const fields = [{ properties }, ...oneOf].flatMap((variant) => Object.entries(variant.properties ?? {}));
  return Object.fromEntries(fields.map(([name, field]) => [name, sampleOf(field, `${path}/${name}`)]));
}

describe.each([
  ['source-clickhouse', sourceSpecification, sourceConfigurationSchema, { host: 'localhost' }],
  [
    'destination-batch',
    destinationSpecification,
    destinationConfigurationSchema,
    { project_key: 'p', rest_api_key: 'k' },
  ],
] as const)('the specification of %s', (name, specification, schema, smallest) => {
  const printed = JSON.parse(readFileSync(new URL(`../../spec/${name}.json`, import.meta.url), 'utf8'));
  const form: Field = printed.connectionSpecification;
  const fields = fieldsOf(form);
  /** Every schema of a value: the form, its fields, the options of choices and the items of lists. */
  const schemas: [string, Field][] = [
    ['the form', form],
    ...fields,
    ...fields.flatMap(([path, { oneOf = [] }]) => oneOf.map((option): [string, Field] => [path, option])),
    ...fields.flatMap(([path, { items }]): [string, Field][] => (items === undefined ? [] : [[path, items]])),
  ];
  const ajv = new Ajv({ strict: false });
  addFormats.default(ajv);
  const runs = new ConformanceRuns(name);

  beforeAll(() => runs.run('spec', ['spec']));
  testEveryCommand(runs, ['SPEC'], []);

  test('is generated from the schema and not stale (npm run spec)', () => {
    expect(printed).toEqual(JSON.parse(JSON.stringify(specification)));
  });

  test('is the one message that `spec` prints', () => {
    expect(runs.all.map(({ messages }) => messages)).toEqual([[{ type: 'SPEC', spec: printed }]]);
  });

  test('names a version of the protocol with the major number that platforms know', () => {
    expect(printed.protocol_version).toMatch(/^0\.\d+\.\d+$/);
  });

  test('links its documentation by https', () => {
    expect(printed.documentationUrl).toMatch(/^https:\/\//);
  });

  test('reports that the connector is incremental, and the sync modes of a destination', () => {
    expect(printed.supportsIncremental).toBe(true);
    expect(printed.supported_destination_sync_modes).toEqual(
      name === 'destination-batch' ? ['append', 'append_dedup'] : undefined,
    );
  });

  test('is a valid JSON schema of draft 7', () => {
    expect(form.$schema).toBe('http://json-schema.org/draft-07/schema#');
    expect([ajv.validateSchema(form), ajv.errors]).toEqual([true, null]);
  });

  test('requires no option that it does not describe', () => {
    for (const [path, { properties = {}, required = [] }] of schemas) {
      expect([path, required.filter((key) => properties[key] === undefined)]).toEqual([path, []]);
    }
  });

  test('describes what each object contains, and lets a platform keep options of an older version', () => {
    for (const [path, schema] of schemas.filter(([, { type }]) => type === 'object')) {
      expect([path, Object.keys(schema.properties ?? schema.oneOf ?? {})]).not.toEqual([path, []]);
      expect([path, schema.additionalProperties ?? true]).toEqual([path, true]);
    }
  });

  test('gives each object a card with its title, because a form shows no title inside a card', () => {
    const objects = Object.entries(form.properties ?? {}).filter(([, { properties }]) => properties !== undefined);
    const cards = objects.map(([id, { title }]) => ({ id, title }));
    expect(form.groups).toHaveLength(1 + cards.length);
    expect(form.groups).toEqual(expect.arrayContaining([{ id: 'default' }, ...cards]));
    expect(fields.filter(([, { group }]) => group !== undefined).map(([path, { group }]) => [path, group])).toEqual(
      cards.map(({ id }) => [id, id]),
    );
  });

  test('explains each pattern in words', () => {
    for (const [path, { pattern, pattern_descriptor }] of fields) {
      expect([path, typeof pattern_descriptor]).toEqual([path, pattern === undefined ? 'undefined' : 'string']);
    }
  });

  test('lists the default of a choice first, without `default`, which a form ignores', () => {
    const configuration = z.record(z.string(), z.unknown()).parse(schema.parse(smallest));
    for (const [path, { oneOf = [], default: printedDefault }] of fields.filter(
      ([, field]) => field.oneOf !== undefined,
    )) {
      const constants = Object.entries(oneOf[0]?.properties ?? {}).flatMap(([name, field]) =>
        field.const === undefined ? [] : [[name, field.const]],
      );
      expect([path, printedDefault]).toEqual([path, undefined]);
      // An option that is absent by default is switched off by its first variant.
      if (configuration[path] !== undefined)
        expect([path, configuration[path]]).toEqual([path, Object.fromEntries(constants)]);
    }
  });

  test('has lists of strings, numbers or objects, which forms can show', () => {
    for (const [path, { type, items }] of schemas.filter(([, { type }]) => type === 'array')) {
      expect([path, type, ['string', 'integer', 'number', 'object'].includes(String(items?.type))]).toEqual([
        path,
        'array',
        true,
      ]);
    }
  });

  test('has no value twice in an enumeration', () => {
    for (const [path, { enum: values = [] }] of schemas) {
      expect([path, values]).toEqual([path, [...new Set(values)]]);
    }
  });

  test('marks only strings as secrets', () => {
    for (const [path, { type }] of schemas.filter(([, field]) => field.airbyte_secret === true)) {
      expect([path, type]).toEqual([path, 'string']);
    }
  });

  test('has defaults and examples that it accepts itself', () => {
    for (const [path, field] of fields) {
      const validate = ajv.compile(field);
      const values = [...(field.examples ?? []), ...('default' in field ? [field.default] : [])];
      expect([path, values.filter((value) => !validate(value))]).toEqual([path, []]);
    }
  });

  test('allows unknown keys, because platforms add their own', () => {
    expect(form.type).toBe('object');
    expect(form.additionalProperties).toBe(true);
  });

  test.each(fields)('%s has a title and an order, and one type unless it is hidden', (path, field) => {
    expect(field.title).toEqual(expect.any(String));
    expect(field.order).toEqual(expect.any(Number));
    const isHidden = HIDDEN.includes(path);
    expect([field.airbyte_hidden, field.type]).toEqual([
      isHidden || undefined,
      isHidden ? undefined : expect.any(String),
    ]);
  });

  test.each(fields.filter(([, field]) => field.const === undefined))('%s has a description', (_, field) => {
    expect(field.description).toEqual(expect.any(String));
  });

  test.each(fields)('%s is marked as secret exactly when its name says so', (path, field) => {
    expect(field.airbyte_secret === true).toBe(SECRET_NAME.test(path.split('.').at(-1) ?? ''));
  });

  test('marks the secrets that are masked in all output', () => {
    const marked = JSON.stringify(form).match(/"airbyte_secret":true/g) ?? [];
    const found = new Set(findSecrets(sampleOf(form), schema));
    expect(found.size).toBe(marked.length);
  });

  test('gives the fields of an object different orders', () => {
    const groups = [form, ...fields.flatMap(([, field]) => [field, ...(field.oneOf ?? [])])];
    for (const group of groups) {
      const orders = Object.values(group.properties ?? {}).map(({ order }) => order);
      expect(new Set(orders).size).toBe(orders.length);
    }
  });

  test('gives the options of each choice a title and one constant that distinguishes them', () => {
    for (const [path, field] of fields.filter(([, { oneOf }]) => oneOf !== undefined)) {
      expect([path, field.type]).toEqual([path, 'object']);
      const constants = (field.oneOf ?? []).map((option) => {
        expect(option).toMatchObject({ title: expect.any(String), description: expect.any(String), type: 'object' });
        const [told, ...more] = Object.entries(option.properties ?? {}).filter(
          ([, { const: only }]) => only !== undefined,
        );
        expect(more).toEqual([]);
        expect(option.required).toContain(told?.[0]);
        return [told?.[0], told?.[1].const];
      });
      expect(new Set(constants.map(([name]) => name)).size).toBe(1);
      expect(new Set(constants.map(([, value]) => value)).size).toBe(constants.length);
    }
  });

  test('uses nothing that forms cannot show', () => {
    const text = JSON.stringify(form);
    for (const keyword of UNSUPPORTED) expect(text).not.toContain(`"${keyword}":`);
  });

  test('accepts the same configurations as the schema', () => {
    const validate = ajv.compile(form);
    const candidates = [
      smallest,
      {},
      { ...smallest, unknown: 1 },
      ...Object.keys(form.properties ?? {})
        .filter((key) => !HIDDEN.includes(key))
        .map((key) => ({ ...smallest, [key]: [] })),
      {
        ...smallest,
        streams: { orders: { mapping: { event_name_column: 'action' }, policies: { long_text: 'drop' } } },
      },
      ...CHOICES.map((tunnel_method) => ({ ...smallest, tunnel_method })),
      ...REJECTION_CHOICES.map((choice) => ({ ...smallest, ...choice })),
    ];
    for (const candidate of candidates) {
      expect([candidate, validate(candidate)]).toEqual([candidate, schema.safeParse(candidate).success]);
    }
  });

  test('refuses nothing that the schema accepts, because sync checks both', () => {
    const validate = name === 'source-clickhouse' ? validateSource : validateDestination;
    const options = fields.filter(([path]) => !path.includes('.'));
    const anyValue = (field: Field): fc.Arbitrary<unknown> =>
      fc.oneof(
        fc.constantFrom(
          field.default,
          ...(field.examples ?? []),
          ...(field.enum ?? []),
          ...(field.oneOf ?? []).map((option) => sampleOf(option)),
        ),
        fc.jsonValue(),
      );
    const configurations = fc.record(Object.fromEntries(options.map(([path, field]) => [path, anyValue(field)])), {
      requiredKeys: [],
    });
    fc.assert(
      fc.property(configurations, (given) => {
        const configuration = { ...smallest, ...given };
        return validate(configuration) || !schema.safeParse(configuration).success;
      }),
      { numRuns: 200 },
    );
  });
});

describe('the schema of the file for sync --config', () => {
  const schema = JSON.parse(readFileSync(new URL('../../spec/sync.json', import.meta.url), 'utf8'));
  /** As an editor does, it follows the references to the files beside it. */
  const ajv = new Ajv({ strict: false });
  addFormats.default(ajv);
  ajv
    .addSchema(sourceSpecification, 'source-clickhouse.json')
    .addSchema(destinationSpecification, 'destination-batch.json');
  const validate = ajv.compile(schema);

  test('is generated and not stale (npm run spec)', () => {
    expect(schema).toEqual(JSON.parse(JSON.stringify(syncFileJsonSchema)));
  });

  test.each<[string, unknown, boolean]>([
    ['paths', { source: 's.json', destination: 'd.json', state: 'state.json' }, true],
    ['configurations', { source: { host: 'h' }, destination: { project_key: 'p', rest_api_key: '${KEY}' } }, true],
    ['a configuration with a mistake', { source: { host: 'h', port: '8123' } }, false],
    ['a misspelt option', { sourec: 's.json' }, false],
  ])('is understood by an editor: %s', (_, content, isValid) => {
    expect(validate(content)).toBe(isValid);
  });
});
