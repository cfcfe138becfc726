import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import { describe, expect, test } from 'vitest';
import { DEFAULT_LIMITS } from './batch/limits.ts';
import { destinationConfigurationSchema } from './config/schema.ts';
import { discover } from './discover.ts';
import { EventMapper, type Row } from './mapping/mapper.ts';
import { createDestinationStreams } from './mapping/streams.ts';

const configurationWith = (mapping: object, streams: object = {}) =>
  destinationConfigurationSchema.parse({ project_key: 'p', rest_api_key: 'k', mapping, streams });

const operations = (mapping: object = {}, streams: object = {}) => discover(configurationWith(mapping, streams));

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
      // `write` also finds the columns that the schema lists without requiring them.
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

describe('with settings per stream', () => {
  const required = (mapping: object, streams: object): unknown[] =>
    operations(mapping, streams).map(({ json_schema }) => json_schema.required);
  const columns = (mapping: object, streams: object): string[][] =>
    operations(mapping, streams).map(({ json_schema }) => Object.keys(Object(json_schema.properties)));

  test('requires only the columns that all streams need, and describes the others', () => {
    const streams = { orders: { mapping: { custom_id_column: 'buyer', constant_event_name: 'purchase' } } };
    expect(required({}, streams)).toEqual([[], []]);
    expect(columns({}, streams)[0]).toEqual(['custom_id', 'event_name', 'event_time', 'buyer']);
    expect(operations({}, streams)[1]?.matching_keys).toEqual([['custom_id'], ['buyer']]);
    expect(required({ custom_id_column: 'buyer' }, streams)).toEqual([['buyer'], ['buyer']]);
  });

  test('a stream with an object only counts for this object', () => {
    const people = { object: 'profile_attributes', mapping: { custom_id_column: 'id', include_columns: ['plan'] } };
    const found = columns({}, { people });
    expect(found[0]).toEqual(['custom_id', 'event_name', 'event_time']);
    expect(found[1]).toEqual(expect.arrayContaining(['custom_id', 'id', 'plan', 'batch__email_address']));
    expect(required({}, { people })).toEqual([['custom_id', 'event_name'], []]);
    const clicks = { object: 'profile_event', mapping: { event_time_column: 'at' } };
    expect(columns({}, { clicks })[0]).toContain('at');
    expect(operations({}, { clicks })[1]).toEqual(operations()[1]);
  });

  test('a column that is an attribute of one stream and an id of another has any type', () => {
    const streams = { orders: { mapping: { custom_id_column: 'buyer', include_columns: ['custom_id'] } } };
    const [events] = operations({}, streams);
    const isRow = new Ajv({ strict: false, validateFormats: false }).compile(events?.json_schema ?? false);
    expect(isRow({ buyer: 'u', event_name: 'e', custom_id: [7] })).toBe(true);
    expect(isRow({ buyer: 7, event_name: 'e' })).toBe(false);
  });

  test('a catalog with the required columns and those of its own mapping fits', () => {
    const configuration = configurationWith({}, { orders: { mapping: { custom_id_column: 'buyer' } } });
    const [events] = discover(configuration);
    const properties = Object(events?.json_schema.properties);
    const create = (...names: string[]) =>
      createDestinationStreams(
        configuration,
        {
          streams: [
            {
              stream: {
                name: 'orders',
                json_schema: { properties: Object.fromEntries(names.map((name) => [name, properties[name]])) },
              },
              sync_mode: 'incremental' as const,
            },
          ],
        },
        Date.now,
        () => undefined,
      );
    expect(() => create('buyer', 'event_name')).not.toThrow();
    expect(() => create('custom_id', 'event_name')).toThrow('has no column "buyer"');
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
