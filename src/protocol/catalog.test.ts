import { describe, expect, test } from 'vitest';
import { configuredCatalogSchema } from './catalog.ts';
import { checkJson } from './configuration/json-file.ts';
import { ConnectorError } from './errors.ts';

function read(catalog: unknown): unknown {
  return checkJson('catalog', 'catalog.json', catalog, configuredCatalogSchema);
}

const STREAM = { stream: { name: 'events' }, sync_mode: 'incremental' };

describe('accepts a catalog with', () => {
  test.each<[string, unknown]>([
    ['with no streams', { streams: [] }],
    ['with the least that a stream needs', { streams: [STREAM] }],
    [
      'with several streams, of the same name in several namespaces too',
      {
        streams: [
          STREAM,
          { ...STREAM, stream: { name: 'events', namespace: 'shop' } },
          { ...STREAM, stream: { name: 'orders' } },
        ],
      },
    ],
    [
      'with nulls for what is optional',
      {
        streams: [
          {
            stream: { name: 'events', namespace: null, json_schema: null },
            sync_mode: 'incremental',
            destination_sync_mode: null,
            generation_id: null,
          },
        ],
      },
    ],
    ['with a schema of nothing', { streams: [{ ...STREAM, stream: { name: 'events', json_schema: {} } }] }],
    [
      'with null for the properties',
      { streams: [{ ...STREAM, stream: { name: 'events', json_schema: { properties: null } } }] },
    ],
    [
      'with keys and values that no connector knows',
      {
        version: 9,
        streams: [
          {
            stream: {
              name: 'events',
              namespace: 'shop',
              json_schema: { type: 'object', properties: { a: true, b: { type: ['null', 'string'] }, c: null } },
              is_file_based: false,
            },
            sync_mode: 'full_refresh',
            destination_sync_mode: 'soft_delete',
            cursor_field: ['a'],
            primary_key: [['a', 'b']],
            sync_id: 7,
          },
        ],
      },
    ],
  ])('%s', (_, catalog) => {
    expect(read(catalog)).toEqual(catalog);
  });
});

describe('rejects a catalog and names the field:', () => {
  test.each<[string, unknown, string]>([
    ['without streams', {}, 'streams'],
    ['with null for the streams', { streams: null }, 'streams'],
    ['with an object for the streams', { streams: {} }, 'streams'],
    ['that is a list', [STREAM], 'it'],
    ['that is null', null, 'it'],
    ['with a stream that is a name', { streams: ['events'] }, 'streams.0'],
    ['without the stream itself', { streams: [{ sync_mode: 'incremental' }] }, 'streams.0.stream'],
    ['without a name', { streams: [{ ...STREAM, stream: {} }] }, 'streams.0.stream.name'],
    ['with a number for the name', { streams: [STREAM, { ...STREAM, stream: { name: 1 } }] }, 'streams.1.stream.name'],
    [
      'with a number for the namespace',
      { streams: [{ ...STREAM, stream: { name: 'e', namespace: 1 } }] },
      'streams.0.stream.namespace',
    ],
    ['without a sync mode', { streams: [{ stream: { name: 'events' } }] }, 'streams.0.sync_mode'],
    ['with null for the sync mode', { streams: [{ ...STREAM, sync_mode: null }] }, 'streams.0.sync_mode'],
    ['with a sync mode that there is not', { streams: [{ ...STREAM, sync_mode: 'cdc' }] }, 'streams.0.sync_mode'],
    [
      'with a list for the properties',
      { streams: [{ ...STREAM, stream: { name: 'e', json_schema: { properties: [] } } }] },
      'streams.0.stream.json_schema.properties',
    ],
  ])('%s', (_, catalog, place) => {
    expect(() => read(catalog)).toThrow(ConnectorError);
    expect(() => read(catalog)).toThrow(`The catalog in catalog.json is not usable: ${place} `);
  });
});

test('lists the valid sync modes for an invalid one', () => {
  expect(() => read({ streams: [{ ...STREAM, sync_mode: 'cdc' }] })).toThrow(/"full_refresh".*"incremental"/);
});
