import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS } from './batch/limits.ts';
import { destinationConfigurationSchema } from './config/schema.ts';
import { discover } from './discover.ts';
import { EventMapper, type Row } from './mapping/mapper.ts';
import { createDestinationStreams } from './mapping/streams.ts';

const configurationWith = (mapping: object) =>
  destinationConfigurationSchema.parse({ project_key: 'p', rest_api_key: 'k', mapping });

const operations = (mapping: object = {}) => discover(configurationWith(mapping));

test('offers two operations: append events, and upsert attributes by custom_id', () => {
  expect(
    operations().map(({ object_name, sync_mode, matching_keys }) => [object_name, sync_mode, matching_keys]),
  ).toEqual([
    ['profile_event', 'append', undefined],
    ['profile_attributes', 'append_dedup', [['custom_id']]],
  ]);
});

describe('a catalog with exactly the required columns fits the same mapping', () => {
  const cases: [mapping: object, events: string[], attributes: string[]][] = [
    [{}, ['custom_id', 'event_name'], ['custom_id']],
    [{ custom_id_column: 'user_id', constant_event_name: 'e1' }, ['user_id'], ['user_id']],
    [{ event_name_column: 'action', event_time_column: 'at' }, ['custom_id', 'action', 'at'], ['custom_id']],
    [{ include_columns: ['plan'], plain_text_columns: ['plan'] }, ['custom_id', 'event_name'], ['custom_id']],
  ];
  test.each(cases)('with %j', (mapping, ...required) => {
    const found = operations(mapping);
    expect(found.map(({ json_schema }) => json_schema.required)).toEqual(required);
    for (const [index, { object_name, json_schema, matching_keys }] of found.entries()) {
      const properties = Object(json_schema.properties);
      expect(Object.keys(properties)).toEqual(expect.arrayContaining(required[index] ?? []));
      if (matching_keys !== undefined) expect(matching_keys).toEqual([required[1]]);
      // `write` finds listed columns, too, which the schema names without requiring them.
      const streamOf = (columns: string[]) => ({
        stream: {
          name: 's',
          json_schema: { properties: Object.fromEntries(columns.map((column) => [column, properties[column]])) },
        },
        sync_mode: 'incremental' as const,
        destination_object_name: object_name,
      });
      const listed = Object.keys(properties).filter((column) => column === 'plan');
      const create = (columns: string[]) =>
        createDestinationStreams(
          configurationWith(mapping),
          { streams: [streamOf(columns)] },
          Date.now,
          () => undefined,
        );
      expect(() => create([...(required[index] ?? []), ...listed])).not.toThrow();
      for (const missing of required[index] ?? []) {
        const rest = Object.keys(properties).filter((column) => column !== missing);
        expect(() => create(rest)).toThrow(`has no column "${missing}"`);
      }
    }
  });
});

test("offers the columns of Batch's own attributes that the mapping does not exclude", () => {
  const columnsOf = (mapping: object): string[] => Object.keys(Object(operations(mapping)[1]?.json_schema.properties));
  expect(columnsOf({})).toContain('batch__email_address');
  expect(columnsOf({ exclude_columns: ['batch__email_address'] })).not.toContain('batch__email_address');
});

describe('the schema accepts the rows that the mapper accepts', () => {
  const ajv = new Ajv({ strict: true });
  addFormats.default(ajv);
  const isRow = ajv.compile(operations()[0]?.json_schema ?? false);
  const mapper = new EventMapper(DEFAULT_LIMITS);
  const rows: [name: string, row: Row, isGood: boolean][] = [
    ['with only the required columns', { custom_id: 'u1', event_name: 'e' }, true],
    ['with everything', { custom_id: 'u1', event_name: 'e', event_time: '2026-04-17T04:25:00Z', a: 1, b: null }, true],
    ['with an event_time of NULL', { custom_id: 'u1', event_name: 'e', event_time: null }, true],
    ['without a custom_id', { event_name: 'e' }, false],
    ['without an event_name', { custom_id: 'u1' }, false],
    ['with an event_name that is not a string', { custom_id: 'u1', event_name: 1 }, false],
    [
      'with an event_time without a time zone',
      { custom_id: 'u1', event_name: 'e', event_time: '2026-04-17T04:25:00' },
      false,
    ],
    ['with an event_time that is a number', { custom_id: 'u1', event_name: 'e', event_time: 1776399900 }, false],
  ];
  test.each(rows)('%s', (_, row, isGood) => {
    expect([isRow(row), mapper.map(row).kind]).toEqual([isGood, isGood ? 'event' : 'rejected']);
  });
});
