import { Buffer } from 'node:buffer';
import { Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import type { PrintedMessage } from '../../sandbox/launcher.ts';
import { destinationConfigurationSchema } from '../../src/destination-batch/config/schema.ts';
import { write } from '../../src/destination-batch/write/write.ts';
import type { ConfiguredCatalog } from '../../src/protocol/catalog.ts';
import { MessageOutput } from '../../src/protocol/output.ts';
import { NumberText, ObjectTree, type Tree, treeOf } from '../support/json-tree.ts';
import { recordLine, stateLine } from '../support/message-lines.ts';
import { destinationConfiguration, quickBatchApi, states } from '../support/support.ts';
import { expectedOutcome, mismatches } from './expected-event.ts';
import { objectOf, ROW_NUMBER, randomRows } from './random-rows.ts';

// Three implementations of Batch's rules, written independently: the destination, the sandbox that imitates Batch, and
// expected-event.ts. Rows of all kinds go through `write`, over HTTP, in this process.

const RUNS = Number(process.env.RANDOM_ROWS_RUNS ?? 60);
/** To repeat a run: `RANDOM_ROWS_SEED=… npx vitest run integration_tests/destination/random-rows.test.ts`. */
const seed = Number(process.env.RANDOM_ROWS_SEED ?? Date.now() % 2 ** 31);
const MAX_ROWS = 300;
const ROWS_PER_STATE = 50;

/** The columns that the catalog declares as floats. The other columns whose names are one letter are integers. */
const FLOATS: ReadonlySet<string> = new Set('abcd');

const calls = fc.array(randomRows(seed), { minLength: 1, maxLength: MAX_ROWS, size: 'max' });

let batch: BatchApi;
beforeAll(async () => {
  // The age of an event is not tested here.
  batch = await quickBatchApi({ maxAgeMs: 1e15, futureToleranceMs: 1e15 });
});
afterAll(() => batch.close());

/** Options of the destination, and the schemas of the columns in the catalog. */
type Settings = { options?: Record<string, unknown>; properties?: Record<string, unknown> };

type Written = { states: ReturnType<typeof states>; sent: SentEvent[] };

/** Sends rows, with a STATE after every fifty and after the last. Returns the states and the events that went to Batch. */
async function send(rows: readonly string[], { options = {}, properties = {} }: Settings): Promise<Written> {
  batch.reset();
  const bodies: string[] = [];
  batch.onCall = (_, body) => bodies.push(body);
  const lines = rows.flatMap((data, index) => [
    `${recordLine(data)}\n`,
    ...((index + 1) % ROWS_PER_STATE === 0 || index + 1 === rows.length ? [`${stateLine(index + 1)}\n`] : []),
  ]);
  const catalog: ConfiguredCatalog = {
    streams: [
      {
        stream: { name: 'events', json_schema: { properties } },
        sync_mode: 'incremental',
        destination_sync_mode: 'append',
      },
    ],
  };
  let stdout = '';
  const output = new MessageOutput(
    new Writable({
      write: (chunk: Buffer, _, done) => {
        stdout += chunk.toString();
        done();
      },
    }),
  );
  const configuration = destinationConfigurationSchema.parse(destinationConfiguration(batch, options));
  const context = { output, stop: new AbortController().signal, now: Date.now };
  expect(await write(context, configuration, catalog, Readable.from([Buffer.from(lines.join(''))]))).toBe(true);
  const messages = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line): PrintedMessage => JSON.parse(line));
  return { states: states({ messages }), sent: bodies.flatMap(sentEvents) };
}

/** Every STATE is echoed in order, and its accepted and rejected rows are all rows before it. Returns the accepted rows. */
function expectCounted(rows: number, echoed: Written['states']): number {
  const counts = echoed.map(({ stream }) => Number(stream.stream_state.cursor));
  const expected = Array.from({ length: Math.ceil(rows / ROWS_PER_STATE) }, (_, index) =>
    Math.min(rows, (index + 1) * ROWS_PER_STATE),
  );
  expect(counts).toEqual(expected);
  let accepted = 0;
  for (const [index, { destinationStats }] of echoed.entries()) {
    const { recordCount = 0, rejectedRecordCount = 0 } = destinationStats ?? {};
    expect(recordCount + rejectedRecordCount).toBe((counts[index] ?? 0) - (counts[index - 1] ?? 0));
    accepted += recordCount;
  }
  expect(accepted).toBe(batch.store.eventCount);
  return accepted;
}

/** Batch refuses nothing, and stores the events as they were sent. */
function expectStored(sent: readonly SentEvent[]): void {
  expect(batch.stats).toMatchObject({
    attributes_refused: 0,
    updates_refused: 0,
    events_refused: 0,
    partial_errors: 0,
    calls_repeating_a_custom_id: 0,
  });
  expect(Object.keys(batch.stats.answers).filter((status) => status !== '202')).toEqual([]);
  const stored = [...batch.store.events()];
  expect(stored.length).toBe(sent.length);
  const changed = stored.filter(({ custom_id, json }, index) => {
    const { customId, event } = sent[index] ?? {};
    return custom_id !== customId || (json !== event?.text && canonical(treeOf(json)) !== canonical(event ?? null));
  });
  expect(changed).toEqual([]);
}

/** A value of JSON in one form. The digits of its numbers stay as they are: 1.0 is a float for Batch, and 1 an integer. */
function canonical(tree: Tree): string {
  if (tree instanceof NumberText) return tree.digits;
  if (tree instanceof ObjectTree) {
    return `{${[...tree.entries].map(([name, value]) => `${JSON.stringify(name)}:${canonical(value)}`).join()}}`;
  }
  return isList(tree) ? `[${tree.map(canonical).join()}]` : JSON.stringify(tree);
}

/** Each event agrees with one row, each row becomes at most one event, and becomes one if it must. */
function expectTrueEvents(rows: readonly string[], sent: readonly SentEvent[]): void {
  const seen = new Set<number>();
  const wrong: string[] = [];
  for (const { customId, event } of sent) {
    const number = rowNumber(event);
    const text = number === undefined ? undefined : rows[number];
    if (number === undefined || text === undefined || seen.has(number)) {
      wrong.push(`an event without a row, or a second one of a row: ${event.text}`);
      continue;
    }
    seen.add(number);
    const row = columnsOf(text);
    wrong.push(...mismatches(customId, event, row).map((each) => `${each}\n  row ${text}\n  event ${event.text}`));
    if (expectedOutcome(row, Buffer.byteLength(text)) === 'rejected') wrong.push(`sent, but breaks a rule: ${text}`);
  }
  for (const [number, text] of rows.entries()) {
    if (!seen.has(number) && expectedOutcome(columnsOf(text), Buffer.byteLength(text)) === 'sent') {
      wrong.push(`not sent: ${text}`);
    }
  }
  expect(wrong).toEqual([]);
}

/** Sends random rows in many runs, and applies `verify` to each. The rows are neither too few nor rejected too often. */
async function sendRandomRows(
  settings: Settings,
  numberRows: boolean,
  verify: (rows: readonly string[], sent: readonly SentEvent[]) => void,
): Promise<void> {
  let total = 0;
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(calls, async (drawn) => {
      const rows = drawn.map((parts, index) =>
        // Spaces between the tokens, too.
        objectOf(numberRows ? [[`"${ROW_NUMBER}"`, String(index)], ...parts] : parts, index % 20 === 7 ? ' ' : ''),
      );
      const written = await send(rows, settings);
      total += rows.length;
      accepted += expectCounted(rows.length, written.states);
      expectStored(written.sent);
      verify(rows, written.sent);
    }),
    { numRuns: RUNS, seed },
  );
  expect(total).toBeGreaterThan((RUNS * MAX_ROWS) / 4);
  expect(accepted).toBeGreaterThan(total / 2);
  expect(accepted).toBeLessThan(total);
}

test('I7: random rows become events with their exact values, and Batch accepts and stores each', async () => {
  await sendRandomRows({}, true, expectTrueEvents);
});

test.each<[string, Settings, typeof expectDeclaredTypes]>([
  [
    'that are truncated, without capital letters, named after their stream and with event ids',
    {
      options: {
        streams: {
          events: {
            policies: { long_text: 'truncate', capital_letters: 'drop' },
            mapping: { event_name: { from: 'stream' } },
          },
        },
        // The sandbox prints keys that are numbers first, as JavaScript does: this name comes first there, too.
        event_id_attribute: '0',
      },
    },
    () => {},
  ],
  [
    'whose columns have the types of the catalog',
    {
      properties: {
        custom_id: { type: 'string' },
        event_name: { type: 'string' },
        event_time: { type: 'string', format: 'date-time' },
        ...Object.fromEntries(
          [...'abcdefghABCDEFGH'].map((letter) => [
            letter,
            { type: FLOATS.has(letter.toLowerCase()) ? 'number' : 'integer' },
          ]),
        ),
        ...Object.fromEntries(
          [...'abcdefgh'].map((letter) => [`date__${letter}`, { type: 'string', format: 'date-time' }]),
        ),
      },
    },
    expectDeclaredTypes,
  ],
])('I8: Batch accepts and stores every event of random rows %s', async (_, settings, verify) => {
  await sendRandomRows(settings, false, verify);
});

/** A number in a column of floats has a point, and one in a column of integers has neither a point nor an exponent. */
function expectDeclaredTypes(_: readonly string[], sent: readonly SentEvent[]): void {
  const numbers = sent.flatMap(({ event }) => {
    const attributes = event.entries.get('attributes');
    return attributes instanceof ObjectTree ? [...attributes.entries] : [];
  });
  const wrong = numbers.filter(
    ([name, value]) =>
      /^[a-h]$/.test(name) &&
      value instanceof NumberText &&
      !(FLOATS.has(name) ? /^-?\d+\.\d+/ : /^-?\d+$/).test(value.digits),
  );
  expect(wrong).toEqual([]);
}

type SentEvent = { customId: Tree | undefined; event: ObjectTree };

function columnsOf(row: string): ReadonlyMap<string, Tree> {
  const tree = treeOf(row);
  return tree instanceof ObjectTree ? tree.entries : new Map();
}

function rowNumber(event: ObjectTree): number | undefined {
  const attributes = event.entries.get('attributes');
  const value = attributes instanceof ObjectTree ? attributes.entries.get(ROW_NUMBER) : undefined;
  return value instanceof NumberText ? Number(value.digits) : undefined;
}

function sentEvents(body: string): SentEvent[] {
  return list(treeOf(body)).flatMap(eventsOf);
}

function eventsOf(update: Tree): SentEvent[] {
  if (!(update instanceof ObjectTree)) return [];
  const identifiers = update.entries.get('identifiers');
  const customId = identifiers instanceof ObjectTree ? identifiers.entries.get('custom_id') : undefined;
  return list(update.entries.get('events') ?? null).flatMap((event) =>
    event instanceof ObjectTree ? [{ customId, event }] : [],
  );
}

function list(tree: Tree): readonly Tree[] {
  return isList(tree) ? tree : [];
}

function isList(tree: Tree): tree is readonly Tree[] {
  return Array.isArray(tree);
}
