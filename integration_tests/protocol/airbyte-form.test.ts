import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { READER } from '../../sandbox/clickhouse/users.ts';
import {
  checkStatus,
  clickHouseWith,
  destinationConfiguration,
  quickBatchApi,
  sourceConfiguration,
  temporaryFiles,
} from '../support/support.ts';
import { createTableSql } from '../support/tables.ts';
import { demandedByOptionals, type FormField, formValues } from './airbyte-form.ts';

// A user who fills in the required fields of Airbyte's form, and nothing else, gets a connector that works.

const file = temporaryFiles();
const server = clickHouseWith('shop');
let batch: BatchApi;
beforeAll(async () => {
  batch = await quickBatchApi();
  await server().execute(createTableSql('shop.events', '', { cursor: 'DateTime64(3)' }));
});
afterAll(() => batch.close());

function formOf(connector: string): FormField {
  return JSON.parse(readFileSync(new URL(`../../spec/${connector}.json`, import.meta.url), 'utf8'))
    .connectionSpecification;
}

describe.each([
  ['source-clickhouse', () => sourceConfiguration(server(), 'shop', server().connection(READER))],
  [
    'destination-batch',
    () => {
      const { project_key, rest_api_key, api_url } = destinationConfiguration(batch);
      return { project_key, rest_api_key, api_url };
    },
  ],
] as const)('Airbyte’s form of %s', (connector, filledIn) => {
  const form = formOf(connector);

  test('requires no field of an optional object', () => {
    expect(demandedByOptionals(form)).toEqual([]);
  });

  test('sends a configuration that check accepts', async () => {
    const sent = formValues(form, filledIn());
    expect(await checkStatus(connector, file('config.json', sent))).toEqual({ status: 'SUCCEEDED', message: '' });
  });
});

test('a form sends objects with the defaults in them, the first option of a choice, and no empty strings', () => {
  expect(formValues(formOf('source-clickhouse'), { host: 'ch' })).toMatchObject({
    host: 'ch',
    password: '',
    partition: {},
    tls: { verify: true },
    tunnel_method: { tunnel_method: 'NO_TUNNEL' },
  });
  expect(formValues(formOf('destination-batch'))).toMatchObject({
    mapping: { event_name: {} },
    on_rejection: { mode: 'skip' },
    rejected_rows: { storage_type: 'None' },
    limits: {},
  });
});
