import { describe, expect, test } from 'vitest';
import { ConnectorError } from '../../protocol/errors.ts';
import { viewOf } from '../../shared/byte-pattern.ts';
import { destinationConfigurationSchema } from '../config/schema.ts';
import { ItemArena } from '../item-arena.ts';
import { parseInputLine } from '../write/input.ts';
import { createDestinationStreams } from './streams.ts';

const configurationWith = (options: Record<string, unknown>) =>
  destinationConfigurationSchema.parse({ project_key: 'p', rest_api_key: 'k', ...options });

/** Streams with these columns; undefined for one without a schema. */
const catalogOf = (streams: Record<string, string[] | undefined>) => ({
  streams: Object.entries(streams).map(([name, columns]) => ({
    stream: {
      name,
      ...(columns === undefined
        ? {}
        : { json_schema: { type: 'object', properties: Object.fromEntries(columns.map((column) => [column, {}])) } }),
    },
    sync_mode: 'incremental' as const,
  })),
});

/** The error of a configuration for these streams, if there is one. */
function errorOf(options: Record<string, unknown>, streams: Record<string, string[] | undefined>): string | undefined {
  try {
    createDestinationStreams(configurationWith(options), catalogOf(streams), Date.now, () => undefined);
    return undefined;
  } catch (error) {
    if (!(error instanceof ConnectorError)) throw error;
    expect(error.failureType).toBe('config_error');
    return error.message;
  }
}

const COLUMNS = ['custom_id', 'event_name', 'last_updated_at', 'a', 'url__b'];

describe('the mapping must match the columns that the catalog lists', () => {
  const fits: [options: Record<string, unknown>, streams: Record<string, string[] | undefined>][] = [
    [{}, { events: COLUMNS }],
    [{}, { events: undefined }],
    [{}, { events: [] }],
    [{ mapping: { custom_id_column: 'user' } }, { events: ['user', 'event_name'] }],
    [{ mapping: { custom_id_column: 'user' } }, { events: [] }],
    [{ mapping: { constant_event_name: 'e' } }, { events: ['custom_id'] }],
    [{ mapping: { include_columns: ['a'], plain_text_columns: ['a'] } }, { events: COLUMNS }],
    [{ mapping: { exclude_columns: ['a', 'b'] } }, { events: COLUMNS, orders: ['custom_id', 'event_name', 'b'] }],
    [{ mapping: { exclude_columns: ['b'] } }, { events: COLUMNS, orders: undefined }],
    [{ event_id_attribute: 'row_id' }, { events: COLUMNS }],
    [{ event_id_attribute: 'custom_id' }, { events: COLUMNS }],
    [{ event_id_attribute: 'a', mapping: { exclude_columns: ['a'] } }, { events: COLUMNS }],
    [{ event_id_attribute: 'a' }, { events: undefined }],
    [{ mapping: { event_name: { from: 'stream' } } }, { events: ['custom_id'] }],
    [{ mapping: { event_name: {} } }, { events: COLUMNS }],
    [
      { streams: { orders: { mapping: { custom_id_column: 'user', event_name: { from: 'stream' } } } } },
      { events: COLUMNS, orders: ['user'] },
    ],
    [
      {
        mapping: { event_name: { from: 'stream' } },
        streams: { Orders: { mapping: { event_name_column: 'action' } } },
      },
      { events: COLUMNS, Orders: ['custom_id', 'action'] },
    ],
    [
      { mapping: { exclude_columns: ['a'] }, streams: { orders: { mapping: { include_columns: ['b'] } } } },
      { events: COLUMNS, orders: ['custom_id', 'event_name', 'b'] },
    ],
    [{ event_id_attribute: 'a', streams: { events: { mapping: { exclude_columns: ['a'] } } } }, { events: COLUMNS }],
    [{ streams: { events: { mapping: { include_columns: ['x'] } } } }, { events: undefined }],
  ];
  test.each(fits)('accepts %j for %j', (options, streams) => {
    expect(errorOf(options, streams)).toBeUndefined();
  });

  const errors: [options: Record<string, unknown>, streams: Record<string, string[] | undefined>, error: string][] = [
    [
      {},
      { events: COLUMNS, orders: ['user', 'event_name'] },
      'The stream "orders" has no column "custom_id" for the profile id. Set streams.orders.mapping.custom_id_column to another column, or add "custom_id" in a view.',
    ],
    [
      { mapping: { event_name_column: 'Action' } },
      { events: [...COLUMNS, 'action'] },
      'The stream "events" has no column "Action" for the event name. Set mapping.event_name_column to another column, or add "Action" in a view. If its rows are attributes of profiles, set streams.events.object to profile_attributes.',
    ],
    [
      { mapping: { event_time_column: 'at' } },
      { events: COLUMNS },
      'The stream "events" has no column "at" for the event time. Set mapping.event_time_column to another column, or add "at" in a view.',
    ],
    ...(['include_columns', 'exclude_columns', 'plain_text_columns'] as const).map(
      (option): [Record<string, unknown>, Record<string, string[]>, string] => [
        { mapping: { [option]: ['a', 'A'] } },
        { events: COLUMNS },
        `mapping.${option} names the column "A", which no stream in the catalog has. Check its spelling and capitalization, or remove it from the list.`,
      ],
    ),
    [
      { streams: { events: { mapping: { event_time_column: 'at' } } } },
      { events: COLUMNS },
      'The stream "events" has no column "at" for the event time. Set streams.events.mapping.event_time_column to another column, or add "at" in a view.',
    ],
    [
      { streams: { orders: { mapping: { exclude_columns: ['a'] } } } },
      { events: COLUMNS, orders: ['custom_id', 'event_name'] },
      'streams.orders.mapping.exclude_columns names the column "a", which the stream does not have. Check its spelling and capitalization, or remove it from the list.',
    ],
    [
      { mapping: { event_name: { from: 'stream' } } },
      { 'Shop orders': COLUMNS },
      'The name of the stream "Shop orders" is not an event name that Batch accepts: 1 to 30 characters from a-z, 0-9 and _. Set constant_event_name or event_name_column in streams.Shop orders.mapping, or read the rows from a view with another name.',
    ],
    [
      {
        event_id_attribute: 'a',
        mapping: { exclude_columns: ['a'] },
        streams: { events: { mapping: { exclude_columns: [] } } },
      },
      { events: COLUMNS },
      'event_id_attribute is "a", but the column "a" of the stream "events" becomes an attribute with that name too. Choose another event_id_attribute.',
    ],
    [
      { event_id_attribute: 'b' },
      { events: COLUMNS },
      'event_id_attribute is "b", but the column "url__b" of the stream "events" becomes an attribute with that name too. Choose another event_id_attribute.',
    ],
  ];
  test.each(errors)('rejects %j for %j', (options, streams, error) => {
    expect(errorOf(options, streams)).toBe(error);
  });
});

test('each stream has its own mapper: its name is part of the row id, and its cursor is not sent', () => {
  const [first, second] = catalogOf({ a: undefined, b: undefined }).streams;
  const streams = [first, second].flatMap((stream, index) =>
    stream === undefined
      ? []
      : [
          {
            ...stream,
            stream: { ...stream.stream, source_defined_cursor: true, default_cursor_field: [`cursor${index}`] },
          },
        ],
  );
  const arena = new ItemArena();
  const found = createDestinationStreams(
    configurationWith({ event_id_attribute: 'row_id' }),
    { streams },
    Date.now,
    () => undefined,
    arena,
  );
  const row = { custom_id: 'u', event_name: 'e', cursor0: 1, cursor1: 2 };
  const [a = '', b = ''] = ['a', 'b'].map((stream) => {
    const mapped = found.find(stream, undefined)?.mapper.map(row);
    return mapped?.kind === 'event' ? arena.read(mapped.event) : undefined;
  });
  expect(a).toMatch(/^\{"name":"e","attributes":\{"row_id":"[0-9a-f]{32}","cursor1":2\}\}$/);
  expect(b).toMatch(/^\{"name":"e","attributes":\{"row_id":"[0-9a-f]{32}","cursor0":1\}\}$/);
  const idIn = (json: string) => /"row_id":"([0-9a-f]+)"/.exec(json)?.[1];
  expect(idIn(a)).not.toBe(idIn(b));
});

test('the flush interval of the configuration counts toward the age of an event', () => {
  const now = Date.parse('2026-04-17T12:00:00Z');
  const isTimely = (flush_interval_seconds: number): boolean | undefined => {
    const found = createDestinationStreams(
      configurationWith({ flush_interval_seconds }),
      catalogOf({ events: undefined }),
      () => now,
      () => undefined,
    );
    const row = { custom_id: 'u', event_name: 'e', event_time: '2026-04-16T12:06:00Z' };
    const mapped = found.find('events', undefined)?.mapper.map(row);
    return mapped?.kind === 'event' ? mapped.isTimely : undefined;
  };
  expect([2, 360, 361, 900].map(isTimely)).toEqual([true, true, false, false]);
});

test('each stream has its own settings, in place of the general ones', () => {
  const arena = new ItemArena();
  const found = createDestinationStreams(
    configurationWith({
      mapping: { constant_event_name: 'seen', exclude_columns: ['secret'] },
      policies: { long_text: 'truncate' },
      limits: { string_characters: 2 },
      streams: {
        orders: {
          mapping: { event_name: { from: 'stream' }, include_columns: ['item'] },
          policies: { long_text: 'drop', capital_letters: 'drop' },
        },
        visits: { mapping: { event_name_column: 'action', exclude_columns: [] } },
      },
    }),
    catalogOf({ orders: undefined, visits: undefined, constructor: undefined }),
    Date.now,
    () => undefined,
    arena,
  );
  const row = { custom_id: 'u', action: 'open', secret: 'x', item: 'abc', A: 1 };
  // The second row has the layout of the first, so it is cut and not parsed.
  const line = (stream: string): string => JSON.stringify({ type: 'RECORD', record: { stream, data: row } });
  const events = ['orders', 'visits', 'constructor'].map((stream) => {
    const mapped = found.find(stream, undefined);
    if (mapped?.object !== 'profile_event') throw new Error('Each stream has events.');
    const bytes = Buffer.from(line(stream));
    const results = [mapped.mapper.map(row, line(stream)), mapped.mapper.tryCut(bytes, viewOf(bytes), 0, bytes.length)];
    return results.map((each) => (each?.kind === 'event' ? JSON.parse(arena.read(each.event)) : each));
  });
  const expected = [
    { name: 'orders' },
    { name: 'open', attributes: { secret: 'x', item: 'ab', a: 1 } },
    { name: 'seen', attributes: { action: 'op', item: 'ab', a: 1 } },
  ];
  expect(events).toEqual(expected.map((event) => [event, event]));
});

test('reports changes with their stream, only for events that are sent', () => {
  const reported: unknown[] = [];
  const found = createDestinationStreams(
    configurationWith({ policies: { long_text: 'truncate' }, limits: { event_bytes: 700 } }),
    catalogOf({ events: undefined }),
    Date.now,
    (stream, { path, code }) => reported.push([stream, path, code]),
  );
  const row = { custom_id: 'u', event_name: 'e', a: 'x'.repeat(301) };
  expect(found.find('events', undefined)?.mapper.map({ ...row, b: ['x'.repeat(300), 'x'.repeat(300)] })).toMatchObject({
    kind: 'rejected',
  });
  expect(found.find('events', undefined)?.mapper.map(row)).toMatchObject({ kind: 'event' });
  expect(reported).toEqual([['events', 'a', 'text_truncated']]);
});

describe('the schema of a column decides how its strings are read', () => {
  /** The event of a row with one column of this schema. */
  const eventWith = (column: string, schema: unknown, value: unknown): unknown => {
    const json_schema = { type: 'object', properties: { custom_id: {}, event_name: {}, [column]: schema } };
    const catalog = { streams: [{ stream: { name: 'events', json_schema }, sync_mode: 'incremental' as const }] };
    const arena = new ItemArena();
    const streams = createDestinationStreams(configurationWith({}), catalog, Date.now, () => undefined, arena);
    const mapped = streams.find('events', undefined)?.mapper.map({ custom_id: 'u', event_name: 'e', [column]: value });
    return mapped?.kind === 'event'
      ? { ...JSON.parse(arena.read(mapped.event)), leftOut: mapped.leftOut.length }
      : mapped?.kind === 'rejected' && mapped.rejection.code;
  };
  const time = '2026-04-17 04:25:00';

  test.each([
    { type: 'string', format: 'date-time' },
    { type: ['null', 'string'], format: 'date-time', airbyte_type: 'timestamp_with_timezone' },
    { type: 'string', format: 'date-time', airbyte_type: 'timestamp_without_timezone' },
  ])('%j: a time without a time zone is in UTC', (schema) => {
    expect(eventWith('event_time', schema, time)).toMatchObject({ time: '2026-04-17T04:25:00Z' });
    expect(eventWith('date__x', schema, time)).toMatchObject({ attributes: { 'date(x)': '2026-04-17T04:25:00Z' } });
    expect(eventWith('x', schema, time)).toMatchObject({ attributes: { x: time } });
  });

  test.each([
    { type: 'string' },
    { type: 'string', format: 'date' },
    { format: 'date-time' },
    {},
    true,
    null,
    { type: 7 },
  ])('%j: a time without a time zone is rejected', (schema) => {
    expect(eventWith('event_time', schema, time)).toBe('event_time_invalid');
    expect(eventWith('date__x', schema, time)).toEqual({ name: 'e', leftOut: 1 });
  });

  test.each([
    { type: 'number' },
    { type: 'integer' },
    { type: ['null', 'number'] },
    { type: ['integer', 'null'], airbyte_type: 'integer' },
  ])('%j: a numeric string becomes a number', (schema) => {
    expect(eventWith('x', schema, '47')).toMatchObject({ attributes: { x: 47 } });
    expect(eventWith('url__x', schema, '47')).toEqual({ name: 'e', leftOut: 1 });
  });

  test.each([{ type: 'string' }, { type: ['string', 'number'] }, { type: ['null'] }, { type: [] }, {}])(
    '%j: a numeric string stays a string',
    (schema) => {
      expect(eventWith('x', schema, '47.5')).toMatchObject({ attributes: { x: '47.5' } });
    },
  );
});

describe('the schema of a column decides whether its numbers are integers or floats', () => {
  /** The attributes of a row with this column, cut from the bytes of its message and parsed. */
  const attributesWith = (schema: unknown, json: string): string[] => {
    const json_schema = { type: 'object', properties: { custom_id: {}, event_name: {}, x: schema } };
    const catalog = { streams: [{ stream: { name: 'events', json_schema }, sync_mode: 'incremental' as const }] };
    const arena = new ItemArena();
    const streams = createDestinationStreams(configurationWith({}), catalog, Date.now, () => undefined, arena);
    const stream = streams.find('events', undefined);
    if (stream?.object !== 'profile_event') throw new Error('The stream has no events.');
    const line = `{"type":"RECORD","record":{"stream":"events","data":{"custom_id":"u","event_name":"e","x":${json}}}}`;
    const bytes = Buffer.from(line);
    const message = parseInputLine(bytes);
    const mapped = [
      message.kind === 'record' ? stream.mapper.map(message.data, line) : undefined,
      stream.mapper.tryCut(bytes, viewOf(bytes), 0, bytes.length),
    ];
    return mapped.map((each) => (each?.kind === 'event' ? arena.read(each.event) : String(each?.kind)));
  };
  const object = (properties: Record<string, unknown>) => ({ type: ['null', 'object'], properties });
  const number = { type: 'number' };
  const integer = { type: ['null', 'integer'], airbyte_type: 'integer' };

  test.each<[schema: unknown, json: string, sent: string]>([
    [number, '23', '23.0'],
    [{ type: ['null', 'number'] }, '-1e21', '-1.0e21'],
    [{ type: ['integer', 'number', 'null'] }, '23', '23.0'],
    [integer, '23.0', '23'],
    [object({ a: number, b: integer, c: { type: 'string' } }), '{"a":1,"b":2.0,"c":"3"}', '{"a":1.0,"b":2,"c":"3"}'],
    [{ type: 'array', items: object({ a: number }) }, '[{"a":1},{"a":1.50,"b":2}]', '[{"a":1.0},{"a":1.50,"b":2}]'],
    [{ type: 'object', additionalProperties: number }, '{"k":1,"l":2.5}', '{"k":1.0,"l":2.5}'],
    [object({ a: { type: 'array', items: object({ b: number }) } }), '{"a":[{"b":1}]}', '{"a":[{"b":1.0}]}'],
    // Without a type, numbers are sent as they came.
    [{}, '23', '23'],
    [{}, '23.0', '23.0'],
    [{}, '-1.50', '-1.50'],
    [{}, '1e3', '1e3'],
    [{ type: ['null', 'string', 'number'] }, '23', '23'],
    [{ type: 'object', additionalProperties: true }, '{"a":1,"b":1.0}', '{"a":1,"b":1.0}'],
    [{ type: 'string' }, '"{\\"a\\":1,\\"b\\":1.00,\\"c\\":-0}"', '{"a":1,"b":1.00,"c":-0}'],
    [object({ a: number }), '"{\\"a\\":1}"', '{"a":1}'],
  ])('%j: %s is sent as %s', (schema, json, sent) => {
    const event = `{"name":"e","attributes":{"x":${sent}}}`;
    expect(attributesWith(schema, json)).toEqual([event, event]);
  });

  test('a type that is nested very deeply is ignored', () => {
    let schema: unknown = number;
    for (let depth = 0; depth < 100_000; depth += 1) schema = { type: 'array', items: schema };
    expect(attributesWith(schema, '1')[0]).toBe('{"name":"e","attributes":{"x":1}}');
  });
});

describe('finds a stream', () => {
  const found = (streams: { name: string; namespace?: string | null }[], name: string, namespace?: string) =>
    createDestinationStreams(
      configurationWith({}),
      { streams: streams.map((stream) => ({ stream, sync_mode: 'incremental' as const })) },
      Date.now,
      () => undefined,
    ).find(name, namespace);
  const events = { name: 'events', namespace: 'shop' };
  const archived = { name: 'events', namespace: 'archive' };

  test('by a unique name, in any namespace', () => {
    for (const namespace of ['shop', 'other', undefined]) {
      expect(found([events, { name: 'orders' }], 'events', namespace)).toMatchObject({
        name: 'events',
        hasUniqueName: true,
      });
    }
  });

  test('by its namespace, if several have its name', () => {
    const both = [events, archived, { name: 'events', namespace: null }];
    const keys = ['shop', 'archive', undefined].map((namespace) => found(both, 'events', namespace)?.key);
    expect(new Set(keys).size).toBe(3);
    expect(found(both, 'events', 'shop')).toMatchObject({ hasUniqueName: false });
    expect(found(both, 'events', 'other')).toBeUndefined();
  });

  test('or none, if the catalog does not have it', () => {
    expect(found([events], 'Events', 'shop')).toBeUndefined();
    expect(found([], 'events')).toBeUndefined();
  });
});

describe('the object of a stream', () => {
  const objectOf = (streams: object, destination_object_name?: string | null): unknown => {
    const [stream] = catalogOf({ customers: undefined }).streams;
    if (stream === undefined) throw new Error('There is a stream.');
    const catalog = { streams: [{ ...stream, destination_object_name }] };
    const found = createDestinationStreams(configurationWith({ streams }), catalog, Date.now, () => undefined);
    return found.find('customers', undefined)?.object;
  };
  const configured = { customers: { object: 'profile_attributes' } };

  test('is the one in the catalog, otherwise the one in the configuration, otherwise profile_event', () => {
    expect([objectOf({}), objectOf({}, null), objectOf({}, 'profile_attributes')]).toEqual([
      'profile_event',
      'profile_event',
      'profile_attributes',
    ]);
    expect([objectOf(configured), objectOf(configured, 'profile_event')]).toEqual([
      'profile_attributes',
      'profile_event',
    ]);
  });

  test('is refused if discover does not list it', () => {
    expect(() => objectOf(configured, 'profile')).toThrow(
      expect.objectContaining({ code: 'object_unknown', failureType: 'config_error' }),
    );
  });

  const ofAttributes = { streams: configured, mapping: { custom_id_column: 'user_id' } };
  test.each<[options: Record<string, unknown>, columns: string[], expected: string | undefined]>([
    [{ ...ofAttributes, mapping: { event_time_column: 'at' } }, ['custom_id'], undefined],
    [{ ...ofAttributes, mapping: { event_name: { from: 'stream' } } }, ['custom_id'], undefined],
    [ofAttributes, ['custom_id'], 'has no column "user_id" for the profile id'],
    [{ ...ofAttributes, event_id_attribute: 'row_id' }, ['user_id'], 'event_id_attribute adds an id to events'],
  ])('decides what the mapping needs: %j with %j', (options, columns, expected) => {
    const error = errorOf(options, { customers: columns });
    expect(error).toEqual(expected === undefined ? undefined : expect.stringContaining(expected));
  });
});
