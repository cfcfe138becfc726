import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { type Finished, finished, start } from '../../sandbox/launcher.ts';
import { say } from '../../sandbox/say.ts';
import { NumberText, ObjectTree, type Tree, treeOf } from '../support/json-tree.ts';
import {
  catalogOf,
  destinationConfiguration,
  errors,
  quickBatchApi,
  states,
  temporaryFiles,
} from '../support/support.ts';
import { fateOf, faultsOf, momentOf } from './expected-event.ts';
import { ROW_NUMBER, randomRows } from './random-rows.ts';

/** A whole number of thousands. */
const ROWS = Number(process.env.RANDOM_ROWS ?? 100_000);
const ROWS_PER_STATE = 1_000;
/** To see a run again: `RANDOM_ROWS_SEED=… npx vitest run integration_tests/destination/random-rows.test.ts`. */
const seed = Number(process.env.RANDOM_ROWS_SEED ?? Date.now() % 2 ** 31);

type SentEvent = { customId: Tree | undefined; event: ObjectTree };

describe(`${ROWS} random rows, seed ${seed}`, () => {
  const file = temporaryFiles();
  const rows: string[] = [];
  const bodies: string[] = [];
  let sent: SentEvent[] = [];
  let batch: BatchApi;
  let result: Finished;

  beforeAll(async () => {
    say(`Random rows: RANDOM_ROWS_SEED=${seed}`);
    batch = await quickBatchApi();
    batch.onCall = (_, body) => bodies.push(body);
    const config = file('destination.json', destinationConfiguration(batch, { rate_limit: 1_000_000 }));
    const catalog = file('catalog.json', catalogOf('incremental', 'events'));
    const child = start('destination-batch', ['write', '--config', config, '--catalog', catalog], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const { stdin } = child;
    if (stdin === null) throw new Error('no stdin');
    const ended = finished(child);
    // One that ends early is seen by its exit code.
    stdin.on('error', () => {});
    const { row } = randomRows(seed, Date.now());
    for (let first = 0; first < ROWS && child.exitCode === null; first += ROWS_PER_STATE) {
      const lines: string[] = [];
      for (let number = first; number < first + ROWS_PER_STATE; number += 1) {
        const data = row(number);
        rows.push(data);
        lines.push(`{"type":"RECORD","record":{"stream":"events","emitted_at":1,"data":${data}}}\n`);
      }
      lines.push(
        `{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"events"},"stream_state":{"rows":${rows.length}}}}}\n`,
      );
      if (!stdin.write(lines.join(''))) await Promise.race([once(stdin, 'drain').catch(() => {}), ended]);
    }
    stdin.end();
    result = await ended;
    sent = bodies.flatMap(sentEvents);
  });
  afterAll(() => batch.close());

  test('the process ends well and says nothing on stderr', () => {
    expect(errors(result)).toEqual([]);
    expect([result.code, result.signal, result.stderr]).toEqual([0, null, '']);
  });

  test('every state comes back, and rows accepted and rejected are rows sent, state by state', () => {
    const echoed = states(result);
    expect(echoed.map(({ stream }) => stream.stream_state.rows)).toEqual(
      Array.from({ length: ROWS / ROWS_PER_STATE }, (_, index) => (index + 1) * ROWS_PER_STATE),
    );
    for (const { destinationStats } of echoed) {
      expect((destinationStats?.recordCount ?? 0) + (destinationStats?.rejectedRecordCount ?? 0)).toBe(ROWS_PER_STATE);
    }
    const accepted = echoed.reduce((sum, { destinationStats }) => sum + (destinationStats?.recordCount ?? 0), 0);
    expect(accepted).toBe(batch.store.eventCount);
    // That the rows are not so odd that they try nothing.
    expect(accepted).toBeGreaterThan(ROWS / 2);
    expect(accepted).toBeLessThan(ROWS);
  });

  test('each event is true to one row, each row makes one event at most, and makes one if it must', () => {
    const seen = new Set<number>();
    const faults: string[] = [];
    for (const { customId, event } of sent) {
      const number = rowNumber(event);
      const text = number === undefined ? undefined : rows[number];
      if (number === undefined || text === undefined || seen.has(number)) {
        faults.push(`an event of no row, or of one that was there before: ${event.text.slice(0, 300)}`);
        continue;
      }
      seen.add(number);
      const row = columnsOf(text);
      const wrong = faultsOf(customId, event, row);
      if (fateOf(row, Buffer.byteLength(text)) === 'rejected') wrong.push('the row breaks a rule');
      if (wrong.length > 0)
        faults.push(`${wrong.join('; ')}\n  row ${text.slice(0, 600)}\n  event ${event.text.slice(0, 600)}`);
    }
    for (const [number, text] of rows.entries()) {
      if (seen.has(number)) continue;
      if (fateOf(columnsOf(text), Buffer.byteLength(text)) === 'sent') faults.push(`not sent: ${text.slice(0, 600)}`);
    }
    expect({ count: faults.length, first: faults.slice(0, 5) }).toEqual({ count: 0, first: [] });
  });

  test('Batch stores what was sent as it was sent, and refuses no event but for its time', () => {
    const now = Date.now();
    const isTimely = (time: Tree | undefined): boolean => {
      const [moment] = momentOf(time, false) ?? [now];
      return moment <= now && moment >= now - 24 * 3_600_000;
    };
    const expected = sent
      .filter(({ event }) => isTimely(event.entries.get('time')))
      .map(({ customId, event }) => `${customId} ${event.text}`);
    const stored = [...batch.store.events()].map(({ custom_id, json }) => `${custom_id} ${json}`);
    expect(stored.length).toBe(expected.length);
    // Calls are answered in the order in which they came in.
    expect(stored.findIndex((text, index) => text !== expected[index])).toBe(-1);
    expect(batch.stats).toMatchObject({
      attributes_refused: 0,
      updates_refused: 0,
      events_refused: sent.length - expected.length,
      partial_errors: sent.length - expected.length,
      calls_repeating_a_custom_id: 0,
    });
    expect(Object.keys(batch.stats.answers)).toEqual(['202']);
  });
});

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
  return Array.isArray(tree) ? tree : [];
}
