import { expect, test } from 'vitest';
import type { Rejection } from '../codes.ts';
import { type Coverage, type RejectedFrom, type RejectedRowStore, RejectedRows } from './rejected-rows.ts';

const REJECTION: Rejection = { code: 'custom_id_missing', reason: 'there is none' };
/** The number of characters in the lines of these tests. */
const MEBI = 1024 * 1024;

/** A store in memory: what it was asked, and the rows that it holds, by their `n`. */
class MemoryStore implements RejectedRowStore {
  readonly run = 'run';
  readonly calls: string[] = [];
  readonly pieces = new Map<string, number[]>();
  readonly confirmed: number[] = [];
  isBroken = false;

  async checkWritable(): Promise<void> {
    this.calls.push('probe');
  }

  async spill(stream: string, piece: string, lines: string): Promise<void> {
    if (this.isBroken) throw new Error('the store is broken');
    this.calls.push(`put away ${stream} ${piece}`);
    const key = `${stream} ${piece}`;
    this.pieces.set(key, [...(this.pieces.get(key) ?? []), ...numbersIn(lines)]);
  }

  async confirm(stream: string, pieces: readonly string[], lines: string): Promise<void> {
    if (this.isBroken) throw new Error('the store is broken');
    this.calls.push(`confirm ${stream} [${pieces.join()}] and ${numbersIn(lines).length} rows`);
    for (const piece of pieces) {
      this.confirmed.push(...(this.pieces.get(`${stream} ${piece}`) ?? []));
      this.pieces.delete(`${stream} ${piece}`);
    }
    this.confirmed.push(...numbersIn(lines));
  }

  locations(): { confirmed: string[]; unconfirmed: string[] } {
    return { confirmed: [], unconfirmed: [...this.pieces.keys()] };
  }

  position(): Record<string, number> {
    return {};
  }

  async close(): Promise<void> {
    this.calls.push('close');
  }
}

function numbersIn(lines: string): number[] {
  return lines.split('\n').flatMap((line) => (line === '' ? [] : Number(JSON.parse(line).record.data.n)));
}

function rowLine(n: number, bytes = 0): string {
  return JSON.stringify({ type: 'RECORD', record: { stream: 's', data: { n, filler: 'x'.repeat(bytes) } } });
}

const never = new AbortController().signal;

/** Where a row came from: a stream whose key is its name, and the number of states before the row. */
const from = (stream: string, segment: number): RejectedFrom => ({ key: stream, stream, segment });

/** What a state of all streams covers. */
const upTo = (segment: number): Coverage[] => [{ key: undefined, segment }];

test('buffers few rows until the state after them', async () => {
  const store = new MemoryStore();
  const rows = new RejectedRows(store, () => 0);
  rows.add(from('s', 0), rowLine(1), REJECTION);
  rows.add(from('s', 1), rowLine(2), REJECTION);
  await rows.waitForCapacity(never);
  await rows.confirm(upTo(0));
  expect(store.calls).toEqual(['confirm s [] and 1 rows']);
  expect(store.confirmed).toEqual([1]);
});

test('spills more than four million characters, and confirms each row once, in order, with its state', async () => {
  const store = new MemoryStore();
  const rows = new RejectedRows(store, () => 0);
  for (let n = 0; n < 11; n += 1) {
    rows.add(from(n % 2 === 0 ? 's' : 't', Math.floor(n / 4)), rowLine(n, MEBI), REJECTION);
    await rows.waitForCapacity(never);
  }
  expect([...store.pieces]).toEqual([
    ['s 0', [0, 2]],
    ['t 1', [1, 3]],
    ['s 2', [4, 6]],
    ['t 3', [5, 7]],
  ]);
  await rows.confirm(upTo(0));
  expect(store.confirmed.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3]);
  await rows.confirm(upTo(1));
  await rows.confirm(upTo(Number.POSITIVE_INFINITY));
  expect(store.confirmed.filter((n) => n % 2 === 0)).toEqual([0, 2, 4, 6, 8, 10]);
  expect(store.confirmed.filter((n) => n % 2 === 1)).toEqual([1, 3, 5, 7, 9]);
  expect(store.pieces.size).toBe(0);
});

test('a state of a stream confirms the rows of that stream only, also if another has the same name', async () => {
  const store = new MemoryStore();
  const rows = new RejectedRows(store, () => 0);
  const other = { ...from('s', 0), key: 'other.s' };
  for (let n = 0; n < 6; n += 1) {
    rows.add(n % 2 === 0 ? from('s', 0) : other, rowLine(n, MEBI), REJECTION);
    await rows.waitForCapacity(never);
  }
  rows.add(from('t', 0), rowLine(6), REJECTION);
  await rows.confirm([{ key: 's', segment: 0 }]);
  expect(store.confirmed).toEqual([0, 2, 4]);
  await rows.confirm([{ key: 't', segment: 0 }]);
  expect(store.confirmed).toEqual([0, 2, 4, 6]);
  await rows.abandon();
  expect([...store.pieces.values()].flat()).toEqual([1, 3, 5]);
});

test('stores the rest as unconfirmed at the end', async () => {
  const store = new MemoryStore();
  const rows = new RejectedRows(store, () => 0);
  rows.add(from('s', 0), rowLine(1), REJECTION);
  rows.add(from('s', 1), rowLine(2), REJECTION);
  await rows.confirm(upTo(0));
  await rows.abandon();
  expect(store.confirmed).toEqual([1]);
  expect([...store.pieces]).toEqual([['s rest', [2]]]);
});

test('confirms nothing more after an error of the store', async () => {
  const store = new MemoryStore();
  const rows = new RejectedRows(store, () => 0);
  rows.add(from('s', 0), rowLine(1), REJECTION);
  store.isBroken = true;
  await expect(rows.confirm(upTo(0))).rejects.toThrow('the store is broken');
  store.isBroken = false;
  await expect(rows.confirm(upTo(1))).rejects.toThrow('the store is broken');
  expect(store.confirmed).toEqual([]);
});

test('I5: has no capacity while the lines of unsettled rows have more than 33 million characters', async () => {
  const rows = new RejectedRows(new MemoryStore(), () => 0);
  const line = 'x'.repeat(17 * MEBI);
  rows.hold(line);
  await rows.waitForCapacity(never);
  rows.hold(line);
  let hasRoom = false;
  const waiting = rows.waitForCapacity(never).then(() => {
    hasRoom = true;
  });
  await new Promise(setImmediate);
  expect(hasRoom).toBe(false);
  rows.release(line);
  await waiting;
});

test('a sync that ends does not wait for capacity', async () => {
  const rows = new RejectedRows(new MemoryStore(), () => 0);
  const end = new AbortController();
  rows.hold('x'.repeat(33 * MEBI));
  const waiting = rows.waitForCapacity(end.signal);
  end.abort();
  await waiting;
});
