import { Buffer } from 'node:buffer';
import { Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { printJson } from '../../sandbox/batch-api/json.ts';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import type { PrintedMessage } from '../../sandbox/launcher.ts';
import { destinationConfigurationSchema } from '../../src/destination-batch/config/schema.ts';
import { write } from '../../src/destination-batch/write/write.ts';
import { MessageOutput } from '../../src/protocol/output.ts';
import { recordLine, stateLine } from '../support/message-lines.ts';
import { destinationConfiguration, quickBatchApi } from '../support/support.ts';
import { applyRow, type ExpectedProfile, isReplaced, type ProfileSettings } from './expected-profile.ts';
import { type RandomRow, randomAttributeRows } from './random-attributes.ts';

// Three implementations of the rules, written independently: the destination, the sandbox that imitates Batch, and
// expected-profile.ts. Rows of profile attributes and a few events go through `write`, over HTTP, in this process.

const RUNS = Number(process.env.RANDOM_ROWS_RUNS ?? 15);
/** To repeat a run: `RANDOM_ROWS_SEED=… npx vitest run integration_tests/destination/random-attributes.test.ts`. */
const seed = Number(process.env.RANDOM_ROWS_SEED ?? Date.now() % 2 ** 31);
const ROWS_PER_STATE = 7;
const STRICT_STRING_MAX = 5;
/** Few, so that rows don't always fit into one update. */
const ATTRIBUTES_PER_UPDATE = 4;

let lenient: BatchApi;
let strict: BatchApi;
beforeAll(async () => {
  const limits = { profileAttributesMax: ATTRIBUTES_PER_UPDATE };
  lenient = await quickBatchApi(limits);
  // It refuses attributes that the destination sends.
  strict = await quickBatchApi({ ...limits, stringMax: STRICT_STRING_MAX });
});
afterAll(() => Promise.all([lenient.close(), strict.close()]));

/** The number of the row, in rows of attributes. Only Batch's answer for the newest row of a profile can be seen in it. */
const NUMBER = 'n';

function lineOf({ customId, cells, isEvent }: RandomRow, index: number): string {
  if (isEvent) return recordLine(`{"custom_id":${customId},"event_name":"e"}`);
  const columns = [{ column: 'last_updated_at', json: '"x"' }, ...cells].map(
    ({ column, json }) => `${JSON.stringify(column)}:${json}`,
  );
  if (isNumbered(index)) columns.push(`"${NUMBER}":${index}`);
  return recordLine(`{"custom_id":${[customId, ...columns].join()}}`, 'customers');
}

/** How many of the rows are attributes: two of three. */
const isNumbered = (index: number): boolean => index % 3 !== 0;

const withNumber = (row: RandomRow, index: number): RandomRow =>
  row.isEvent || !isNumbered(index)
    ? row
    : {
        ...row,
        cells: [...row.cells, { column: NUMBER, json: '', meaning: { kind: 'set', value: String(index), longest: 0 } }],
      };

function rowAt(rows: readonly RandomRow[], index: number): RandomRow {
  const row = rows[index];
  if (row === undefined) throw new Error(`There is no row ${index}.`);
  return row;
}

type Stats = { recordCount: number; rejectedRecordCount: number };

/** Sends the rows, with a STATE for each stream after every few rows. Calls `onState` before a state is read. */
async function send(
  batch: BatchApi,
  rows: readonly RandomRow[],
  settings: ProfileSettings,
  onState: (rowsBefore: number) => void,
): Promise<[cursor: number, stream: string, stats: Stats][]> {
  const lines = rows.flatMap((row, index) => {
    const isAtState = (index + 1) % ROWS_PER_STATE === 0 || index + 1 === rows.length;
    const states = isAtState ? ['customers', 'events'].map((stream) => stateLine(index + 1, stream)) : [];
    return [lineOf(row, index), ...states];
  });
  const states: [number, string, Stats][] = [];
  const output = new MessageOutput(
    new Writable({
      write: (chunk: Buffer, _, done) => {
        for (const line of chunk.toString().split('\n')) {
          const message: PrintedMessage | undefined = line === '' ? undefined : JSON.parse(line);
          if (message?.type !== 'STATE' || message.state === undefined) continue;
          const { stream, destinationStats } = message.state;
          onState(Number(stream.stream_state.cursor));
          states.push([Number(stream.stream_state.cursor), stream.stream_descriptor.name, destinationStats as Stats]);
        }
        done();
      },
    }),
  );
  const configuration = destinationConfigurationSchema.parse(
    destinationConfiguration(batch, {
      streams: { customers: { object: 'profile_attributes', policies: { null_attribute: settings.nullAttribute } } },
      limits: { attributes_per_update: ATTRIBUTES_PER_UPDATE },
      // All rows wait together.
      flush_interval_seconds: 0.01,
    }),
  );
  const catalog = {
    streams: ['customers', 'events'].map((name) => ({ stream: { name }, sync_mode: 'incremental' as const })),
  };
  const context = { output, stop: new AbortController().signal, now: Date.now };
  await write(context, configuration, catalog, Readable.from([Buffer.from(`${lines.join('\n')}\n`)]));
  return states;
}

/** The stored attributes of a profile, each in JSON. */
const storedIn = (batch: BatchApi, customId: string): ExpectedProfile | undefined => {
  const profile = batch.store.profiles.get(customId);
  return profile && new Map([...profile.attributes].map(([name, value]) => [name, printJson(value)]));
};

async function expectExact(batch: BatchApi, rows: readonly RandomRow[], settings: ProfileSettings): Promise<void> {
  batch.reset();
  const profiles = new Map<string, ExpectedProfile>();
  const outcomes = rows.map((row, index) => {
    if (!row.isEvent) return applyRow(profiles, withNumber(row, index), settings);
    if (row.profile === undefined) return 'rejected';
    profiles.set(row.profile, profiles.get(row.profile) ?? new Map());
    return 'accepted';
  });
  const early: unknown[] = [];
  const states = await send(batch, rows, settings, (rowsBefore) => {
    // Each row before a state has reached its profile, if it was accepted.
    for (const [index, row] of rows.slice(0, rowsBefore).entries()) {
      if (row.isEvent || row.profile === undefined || outcomes[index] !== 'accepted' || !isNumbered(index)) continue;
      const stored = Number(storedIn(batch, row.profile)?.get(NUMBER));
      if (!(stored >= index)) early.push({ rowsBefore, index, stored });
    }
  });
  expect(early).toEqual([]);

  const cursors = Array.from({ length: Math.ceil(rows.length / ROWS_PER_STATE) }, (_, index) =>
    Math.min(rows.length, (index + 1) * ROWS_PER_STATE),
  );
  expect(states.map(([cursor, stream]) => [cursor, stream])).toEqual(
    cursors.flatMap((cursor) => ['customers', 'events'].map((stream) => [cursor, stream])),
  );
  for (const [cursor, stream, { recordCount, rejectedRecordCount }] of states) {
    const from = cursors[cursors.indexOf(cursor) - 1] ?? 0;
    const own = [...rows.entries()]
      .slice(from, cursor)
      .filter(([, { isEvent }]) => isEvent === (stream === 'events'))
      .map(([index]) => index);
    const accepted = own.filter((index) => outcomes[index] === 'accepted');
    const replaced = own.filter(
      (index) => outcomes[index] === 'refused' && isReplaced(rowAt(rows, index), rows.slice(index + 1), settings),
    );
    expect(recordCount + rejectedRecordCount).toBe(own.length);
    expect(recordCount).toBeGreaterThanOrEqual(accepted.length);
    expect(recordCount).toBeLessThanOrEqual(accepted.length + replaced.length);
  }
  expect([...batch.store.profiles.keys()].toSorted()).toEqual([...profiles.keys()].toSorted());
  for (const [customId, expected] of profiles) expect(storedIn(batch, customId)).toEqual(expected);
  expect(batch.store.eventCount).toBe(rows.filter(({ isEvent, profile }) => isEvent && profile !== undefined).length);
  expect(batch.stats.calls_repeating_a_custom_id).toBe(0);
  expect(Object.keys(batch.stats.answers).filter((status) => status !== '202')).toEqual([]);
}

test.each<ProfileSettings>([
  { nullAttribute: 'keep', batchStringMax: 300 },
  { nullAttribute: 'delete', batchStringMax: 300 },
  { nullAttribute: 'delete', batchStringMax: STRICT_STRING_MAX },
])(
  'I1, I2, I5, I7: each profile has the newest values of its rows, and each row its own outcome: %j',
  async (settings) => {
    const batch = settings.batchStringMax === STRICT_STRING_MAX ? strict : lenient;
    await fc.assert(
      fc.asyncProperty(randomAttributeRows, async (rows) => {
        await expectExact(batch, rows, settings);
        if (batch === lenient) expect(batch.stats).toMatchObject({ attributes_refused: 0, partial_errors: 0 });
      }),
      { numRuns: RUNS, seed },
    );
  },
);
