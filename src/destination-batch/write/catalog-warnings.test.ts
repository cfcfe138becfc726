import { describe, expect, test } from 'vitest';
import type { ConfiguredCatalog } from '../../protocol/catalog.ts';
import { listCatalogWarnings } from './catalog-warnings.ts';

type Options = {
  destination_object_name?: string;
  destination_sync_mode?: string | null;
  generation_id?: number | null;
  minimum_generation_id?: number | null;
};

const NO_STREAMS = { streams: {} };

function catalogOf(streams: Record<string, Options>): ConfiguredCatalog {
  return {
    streams: Object.entries(streams).map(([name, options]) => ({
      stream: { name },
      sync_mode: 'incremental' as const,
      ...options,
    })),
  };
}

test.each<[string, Options]>([
  ['by default', {}],
  ['in append mode', { destination_sync_mode: 'append' }],
  [
    'in a generation that keeps all others',
    { destination_sync_mode: 'append', generation_id: 5, minimum_generation_id: 0 },
  ],
  ['with null for what is optional', { destination_sync_mode: null, generation_id: null, minimum_generation_id: null }],
])('there is no warning %s', (_, options) => {
  expect(listCatalogWarnings(catalogOf({ events: options }), { streams: { events: {} } })).toEqual([]);
});

test.each(['overwrite', 'append_dedup', 'overwrite_dedup', 'update'])('each stream in the mode %s is named', (mode) => {
  expect(
    listCatalogWarnings(
      catalogOf({ a: { destination_sync_mode: mode }, b: { destination_sync_mode: mode } }),
      NO_STREAMS,
    ),
  ).toEqual(['a', 'b'].map((name) => expect.stringContaining(`"${name}" is configured as ${mode}`)));
});

describe('a stream of profile attributes', () => {
  const attributes = { destination_object_name: 'profile_attributes' };

  test.each(['append', 'append_dedup'])('has no warning in the mode %s', (destination_sync_mode) => {
    expect(listCatalogWarnings(catalogOf({ customers: { ...attributes, destination_sync_mode } }), NO_STREAMS)).toEqual(
      [],
    );
  });

  test('causes a warning if its mode replaces, only updates or deletes profiles, or removes earlier ones', () => {
    const settings = { streams: { customers: { object: 'profile_attributes' as const } } };
    expect(
      listCatalogWarnings(
        catalogOf({ customers: { destination_sync_mode: 'update', minimum_generation_id: 1 } }),
        settings,
      ),
    ).toEqual([
      'The stream "customers" is configured as update, but attributes of profiles can only be set, and Batch creates the profiles that don\'t exist. It is treated as append_dedup.',
      'The catalog asks to remove the data of earlier generations of "customers" (minimum_generation_id). Profiles can\'t be removed from Batch, so they keep the attributes that no row sets.',
    ]);
  });
});

// https://docs.airbyte.com/platform/understanding-airbyte/airbyte-protocol: the data of generations below the minimum is removed.
test.each([
  ['this generation', 5],
  ['an earlier generation, which the CDKs of Airbyte refuse,', 3],
])('a minimum generation id of %s asks for removal', (_, minimum) => {
  expect(
    listCatalogWarnings(catalogOf({ events: { generation_id: 5, minimum_generation_id: minimum } }), NO_STREAMS),
  ).toEqual([
    'The catalog asks to remove the data of earlier generations of "events" (minimum_generation_id). Events can\'t be removed from Batch, so they are kept. Rows that are sent again arrive a second time.',
  ]);
});

test('warns about removal once, for any number of streams', () => {
  const names = Array.from({ length: 2000 }, (_, index) => `t${index}`);
  const all = Object.fromEntries(names.map((name) => [name, { generation_id: 1, minimum_generation_id: 1 }]));
  expect(listCatalogWarnings(catalogOf({ kept: {}, ...all }), NO_STREAMS)).toEqual([
    expect.stringContaining('of "t0", "t1", "t2" and 1997 more (minimum_generation_id)'),
  ]);
});

test('warns about settings of a stream that is not in the catalog, and suggests a similar name', () => {
  const streams = { ordres: {}, events: {}, archive: {} };
  expect(listCatalogWarnings(catalogOf({ events: {}, orders: {} }), { streams })).toEqual([
    'The configuration has settings for the stream "ordres" (under streams), but no such stream is read, so they have no effect. Did you mean "orders"?',
    'The configuration has settings for the stream "archive" (under streams), but no such stream is read, so they have no effect. Check the spelling of its name.',
  ]);
});
