import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anyText } from '../../sandbox/any-text.ts';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { write } from '../../src/destination-batch/commands.ts';
import { isJsonObject } from '../../src/shared/exact-json.ts';
import { validateMessage } from '../protocol/message-schema.ts';
import { type Ended, runCommand } from '../support/fuzz.ts';
import { recordLine } from '../support/message-lines.ts';
import {
  catalogOf,
  destinationConfiguration,
  quickBatchApi,
  REST_API_KEY,
  temporaryFiles,
} from '../support/support.ts';

const file = temporaryFiles();
let batch: BatchApi;
let paths: { config: string; catalog: string };

beforeAll(async () => {
  batch = await quickBatchApi();
  paths = {
    config: file('config.json', destinationConfiguration(batch)),
    catalog: file('catalog.json', catalogOf('incremental', 'events')),
  };
});
afterAll(() => batch.close());

function stateLine(cursor: string): string {
  return `{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"events"},"stream_state":{"cursor":${cursor}}}}}`;
}

const key = fc.oneof(
  fc.constantFrom('custom_id', 'event_name', 'event_time', '__proto__', 'constructor', 'toString', 'item', ''),
  anyText(),
);

const deep = fc
  .tuple(
    fc.constantFrom('[', '{"a":', '{"__proto__":'),
    fc.constantFrom(1, 4, 1_000, 50_000),
    fc.constantFrom('1', '12345678901234567890'),
  )
  .map(([open, levels, heart]) => `${open.repeat(levels)}${heart}${(open === '[' ? ']' : '}').repeat(levels)}`);

const hostileValue = fc.oneof(
  { weight: 6, arbitrary: fc.json() },
  { weight: 2, arbitrary: anyText().map((text) => JSON.stringify(text)) },
  { weight: 1, arbitrary: deep },
  {
    weight: 1,
    arbitrary: fc.constantFrom('1e999', '-0', '1E400', `"${'x'.repeat(100_000)}"`, `[${'1,'.repeat(10_000)}1]`),
  },
);

/** Rows with duplicate keys, or keys that mean something to JavaScript. */
const hostileRow = fc
  .array(fc.tuple(key, hostileValue), { maxLength: 6 })
  .map((entries) => `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join()}}`);

const goodRow = fc.nat(99).map((n) => `{"custom_id":"u${n}","event_name":"seen","n":${n}}`);

const goodLine = fc.oneof(
  { weight: 6, arbitrary: goodRow.map(recordLine) },
  { weight: 3, arbitrary: hostileRow.map(recordLine) },
  { weight: 2, arbitrary: fc.oneof(fc.json(), deep).map(stateLine) },
);

const junkLine = fc.oneof(
  anyText().map((text) => text.replaceAll('\n', ' ')),
  fc.json(),
  deep,
  hostileValue.map((value) => `{"type":"RECORD","record":${value}}`),
  hostileValue.map((value) => `{"type":${value}}`),
  hostileRow.map((value) => `{"type":"STATE","state":${value}}`),
  hostileValue.map((value) => `{"type":"TRACE","trace":${value}}`),
);

/** The input on stdin: mostly lines of the protocol, some of them damaged, and other bytes. */
const stdin = fc
  .array(
    fc.oneof(
      { weight: 20, arbitrary: goodLine.map((line) => Buffer.from(line)) },
      { weight: 2, arbitrary: junkLine.map((line) => Buffer.from(line)) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 50 }).map((bytes) => Buffer.from(bytes)) },
      {
        weight: 1,
        arbitrary: fc.tuple(goodLine, fc.nat()).map(([line, at]) => Buffer.from(line).subarray(0, at % line.length)),
      },
    ),
    { maxLength: 25 },
  )
  .map((lines) => Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')])));

const cuts = fc.array(fc.nat(), { maxLength: 5 });

function chunksOf(bytes: Buffer, places: readonly number[]): Buffer[] {
  const bounds = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return bounds.slice(1).map((bound, index) => bytes.subarray(bounds[index], bound));
}

/** What a simple reader of the lines finds: how many rows are before each state that may be echoed, until a line is invalid. */
function rowsBeforeStates(bytes: Buffer): { states: number[]; isWhole: boolean } {
  const states: number[] = [];
  let rows = 0;
  for (const line of bytes.toString().split('\n')) {
    const message = parsed(line);
    if (!isJsonObject(message)) {
      if (line.trimStart().startsWith('{')) return { states, isWhole: false };
      continue;
    }
    const { type, record } = message;
    if (type === 'STATE') states.push(rows);
    if (type !== 'RECORD') continue;
    if (!isJsonObject(record) || typeof record.stream !== 'string' || !isJsonObject(record.data)) {
      return { states, isWhole: false };
    }
    if (record.stream !== 'events') return { states, isWhole: false };
    rows += 1;
  }
  return { states, isWhole: true };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** For each echoed state, how many rows before it were accepted or rejected. */
function settledBeforeStates({ lines }: Ended): number[] {
  let settled = 0;
  return lines.flatMap((line) => {
    const { type, state } = JSON.parse(line);
    if (type !== 'STATE') return [];
    settled += state.destinationStats.recordCount + state.destinationStats.rejectedRecordCount;
    return [settled];
  });
}

test('I1, I9: any bytes on stdin are skipped or end with an error, without losing a row before a STATE or printing a secret', async () => {
  let whole = 0;
  await fc.assert(
    fc.asyncProperty(stdin, cuts, async (bytes, places) => {
      const ended = await runCommand((context) => write(context, paths, Readable.from(chunksOf(bytes, places))));
      expect(ended.text).not.toContain(REST_API_KEY);
      expect(ended.text).not.toContain(JSON.stringify(REST_API_KEY).slice(1, -1));
      for (const line of ended.lines)
        if (!line.startsWith('{"type":"STATE"')) expect(validateMessage(JSON.parse(line)), line).toBe(true);
      const expected = rowsBeforeStates(bytes);
      const settled = settledBeforeStates(ended);
      if (ended.isDone) {
        expect(expected.isWhole).toBe(true);
        expect(settled).toEqual(expected.states);
        whole += 1;
      } else {
        expect(['config_error', 'system_error']).toContain(ended.failureType);
        expect(ended.text).not.toContain('    at ');
        expect(settled).toEqual(expected.states.slice(0, settled.length));
      }
    }),
    { numRuns: 250 },
  );
  // The test would prove nothing if every run failed.
  expect(whole).toBeGreaterThan(50);
});

test('accepts a line of 30 MB, and fails at a line that never ends', async () => {
  const huge = recordLine(`{"custom_id":"u","event_name":"seen","text":"${'x'.repeat(30 * 1024 * 1024)}"}`);
  const ended = await runCommand((context) =>
    write(context, paths, Readable.from([Buffer.from(`${huge}\n${stateLine('1')}\n`)])),
  );
  expect(settledBeforeStates(ended)).toEqual([1]);
  const cut = await runCommand((context) => write(context, paths, Readable.from([Buffer.from(huge.slice(0, -10))])));
  expect(cut).toMatchObject({ isDone: false, failureType: 'system_error' });
});
