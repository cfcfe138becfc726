import { parseTree } from 'jsonc-parser';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Limits } from '../../sandbox/batch-api/limits.ts';
import type { BatchApi } from '../../sandbox/batch-api/server.ts';
import { type Finished, run } from '../../sandbox/launcher.ts';
import { runInProcess } from '../support/in-process.ts';
import { recordLine, stateLine } from '../support/message-lines.ts';
import {
  catalogOf,
  checkStatus,
  destinationConfiguration,
  errors,
  logs,
  quickBatchApi,
  REST_API_KEY,
  states,
  temporaryFiles,
} from '../support/support.ts';
import { ANSWER_CASES, type AnswerCase, type RuleCase, ruleCases } from './batch-rules.ts';

const file = temporaryFiles();

function write(
  batch: BatchApi,
  lines: readonly string[],
  streams: readonly string[],
  changes = {},
  runner: typeof runInProcess = run,
): Promise<Finished> {
  const config = file('destination.json', destinationConfiguration(batch, changes));
  const catalog = file('catalog.json', catalogOf('incremental', ...streams));
  return runner('destination-batch', ['write', '--config', config, '--catalog', catalog], {
    input: lines.map((line) => `${line}\n`).join(''),
  });
}

type SentUpdate = { customId: string; text: string };

/** The updates in a body, each with the exact JSON with which it was sent. */
function updatesIn(body: string): SentUpdate[] {
  return (parseTree(body)?.children ?? []).map(({ offset, length }) => {
    const text = body.slice(offset, offset + length);
    return { customId: JSON.parse(text).identifiers.custom_id, text };
  });
}

async function withBatchApi<T>(limits: Partial<Limits> | undefined, use: (batch: BatchApi) => Promise<T>): Promise<T> {
  const batch = await quickBatchApi(limits);
  try {
    return await use(batch);
  } finally {
    await batch.close();
  }
}

describe('each rule: the row, the update, and what is reported', () => {
  const now = Date.now();
  const cases = ruleCases(now).map((ruleCase, index) => ({ ...ruleCase, stream: `case_${index}` }));
  type Case = (typeof cases)[number];
  const sent: SentUpdate[] = [];
  const runs: Finished[] = [];
  const runOf = new Map<string, Finished>();
  let batch: BatchApi;

  beforeAll(async () => {
    batch = await quickBatchApi();
    batch.onCall = (_, body) => sent.push(...updatesIn(body));
    const runGroup = async (group: readonly Case[]) => {
      const lines = group.flatMap((one) => [
        ...one.rows.map((row) => recordLine(rowOf(row, one.stream), one.stream)),
        stateLine(0, one.stream),
      ]);
      const result = await write(
        batch,
        lines,
        group.map(({ stream }) => stream),
      );
      runs.push(result);
      for (const { stream } of group) runOf.set(stream, result);
    };
    await Promise.all(groups(cases).map(runGroup));
  });
  afterAll(() => batch.close());

  const codeIn = (reported: string): string => /\((\w+)\)/.exec(reported)?.[1] ?? reported;

  /** A left-out attribute is logged once per column and code, for five columns per code; a rejected row three times per code. */
  function isReported(reported: string | undefined, group: readonly Case[]): boolean {
    if (reported === undefined) return true;
    const others = group.flatMap((other) => other.reported ?? []);
    const isOfColumn = codeIn(reported) !== reported;
    if (isOfColumn && others.includes(reported)) return false;
    return others.filter((other) => codeIn(other) === codeIn(reported)).length < (isOfColumn ? 5 : 3);
  }

  /** As few runs as possible, as a run logs only some of several equal warnings. */
  function groups(all: readonly Case[]): Case[][] {
    const made: Case[][] = [];
    for (const one of all) {
      const fits = made.find((group) => isReported(one.reported, group));
      if (fits === undefined) made.push([one]);
      else fits.push(one);
    }
    return made;
  }

  /** The row's JSON. Its id and name come first unless it has its own. */
  function rowOf(row: RuleCase['rows'][number], stream: string): string {
    const usual = { custom_id: stream, event_name: 'purchase' };
    if (typeof row !== 'string') return JSON.stringify({ ...usual, ...row });
    const head = row.includes('"custom_id"') ? '"event_name":"purchase"' : JSON.stringify(usual).slice(1, -1);
    return `{${head},${row}}`;
  }

  test('the runs succeed, with nothing on stderr and no TRACE ERROR', () => {
    expect(runs.map(({ code, stderr }) => [code, stderr])).toEqual(runs.map(() => [0, '']));
    expect(runs.flatMap(errors)).toEqual([]);
    expect(runs.length).toBeLessThan(10);
  });

  test('Batch gets only the updates of the cases', () => {
    expect(sent).toHaveLength(cases.reduce((sum, { updates }) => sum + updates.length, 0));
  });

  test('Batch refuses nothing except event times', () => {
    expect(batch.stats).toMatchObject({ attributes_refused: 0, updates_refused: 0, calls_repeating_a_custom_id: 0 });
    expect(batch.stats.partial_errors).toBe(
      cases.filter(({ reported }) => reported === 'event_too_old' || reported === 'event_in_future').length,
    );
  });

  test.each(cases)('$rule', ({ accepted, rejected, rows, says, stream, updates }) => {
    const ids = new Set([stream, ...updates.map(({ customId = stream }) => customId)]);
    expect(sent.filter(({ customId }) => ids.has(customId)).map(({ text }) => text)).toEqual(
      updates.map(
        ({ customId = stream, events }) =>
          `{"identifiers":{"custom_id":${JSON.stringify(customId)}},"events":[${events.join(',')}]}`,
      ),
    );
    expect(accepted + rejected).toBe(rows.length);
    const result = runOf.get(stream);
    if (result === undefined) throw new Error('The case was not run.');
    const echoed = states(result).filter((state) => state.stream.stream_descriptor.name === stream);
    expect(echoed.map(({ destinationStats }) => destinationStats)).toEqual([
      { recordCount: accepted, rejectedRecordCount: rejected },
    ]);
    const reported = logs(result).filter((text) => new RegExp(`\\b${stream}\\b`).test(text));
    for (const words of says) expect(reported).toContainEqual(expect.stringMatching(words));
    if (says.length === 0) expect(reported).toEqual([]);
  });
});

describe('each answer: the requests, and what is reported', () => {
  const PROFILES = [1, 1, 1, 1];

  /** Numbered rows of several profiles. */
  function rowLines(rowsOf: readonly number[]): string[] {
    const owners = rowsOf.flatMap((rows, profile) => Array(rows).fill(`p${profile}`));
    return owners.map((custom_id, n) => {
      return recordLine({ custom_id, event_name: 'purchase', n, note: 'a' });
    });
  }

  async function check(one: AnswerCase): Promise<void> {
    await withBatchApi(one.limits, async (batch) => {
      batch.faults.add(one.faults ?? []);
      const arrivals: number[] = [];
      batch.onCall = () => arrivals.push(performance.now());
      const lines = rowLines(one.rowsOf ?? PROFILES);
      const result = await write(batch, [...lines, stateLine(0)], ['events'], one.configuration, runInProcess);

      const all = lines.map((_, n) => n);
      const { accepted = new Set(one.stored ?? all).size, rejected = 0 } = one;
      expect(result.stderr).toBe('');
      const answers = batch.requests().map(({ status }) => status ?? 'none');
      if (typeof one.answers === 'number') expect([...new Set(answers)]).toEqual([one.answers]);
      else expect(answers).toEqual(one.answers);
      expect(
        [...batch.store.events()].map(({ json }) => JSON.parse(json).attributes.n).toSorted((a, b) => a - b),
      ).toEqual(one.stored ?? all);
      const reported = logs(result);
      if (one.failure === undefined) {
        expect(errors(result)).toEqual([]);
        expect(result.code).toBe(0);
        expect(accepted + rejected).toBe(lines.length);
        expect(states(result).map(({ destinationStats }) => destinationStats)).toEqual([
          { recordCount: accepted, rejectedRecordCount: rejected },
        ]);
      } else {
        expect(result.code).toBe(1);
        expect(states(result)).toEqual([]);
        expect(errors(result).map(({ failure_type }) => failure_type)).toEqual([one.failure]);
        reported.push(...errors(result).map(({ message }) => message));
      }
      for (const words of one.says ?? []) expect(reported).toContainEqual(expect.stringMatching(words));
      expect(result.stdout).not.toContain(REST_API_KEY);
      const [first = 0, second = 0] = arrivals;
      // A timer may end a millisecond early.
      if (one.pause !== undefined) expect(second - first).toBeGreaterThan(one.pause - 5);
    });
  }

  test.concurrent.for(ANSWER_CASES)('$answer', check);
});

/** One row of each of several profiles, and a STATE. */
function linesOf(profiles: number, data: Readonly<Record<string, unknown>> = {}): string[] {
  const rows = Array.from({ length: profiles }, (_, n) => ({ custom_id: `p${n}`, event_name: 'purchase', n, ...data }));
  return [...rows.map((row) => recordLine(row)), stateLine(0)];
}

/** How many requests went to each path, and how many updates the largest held. */
function traffic(batch: BatchApi): { [path: string]: { requests: number; largest: number } } {
  const paths: { [path: string]: { requests: number; largest: number } } = {};
  for (const { path, updates } of batch.requests()) {
    const { requests = 0, largest = 0 } = paths[path] ?? {};
    paths[path] = { requests: requests + 1, largest: Math.max(largest, updates) };
  }
  return paths;
}

const UPDATE = '/2.11/profiles/update';
const MASS_UPDATE = '/2.11/profiles/mass-update';

describe('1, 3.4 and 4: calls, rates and endpoints', () => {
  test('1 the path contains the version, the headers contain the key and the project, and the body is JSON', () =>
    withBatchApi({}, async (batch) => {
      const result = await write(batch, linesOf(1), ['events'], { api_version: '2.13' });
      expect(result.code).toBe(0);
      // The sandbox refuses requests with other headers.
      expect(batch.requests()).toMatchObject([{ path: '/2.13/profiles/update', status: 202, updates: 1 }]);
    }));

  test('1 check sends the documented call without attributes or events', () =>
    withBatchApi({}, async (batch) => {
      const bodies: unknown[] = [];
      batch.onCall = (_, body) => bodies.push(JSON.parse(body));
      const config = file('check.json', destinationConfiguration(batch));
      expect(await checkStatus('destination-batch', config)).toEqual({ status: 'SUCCEEDED', message: '' });
      expect(bodies).toEqual([[{ identifiers: { custom_id: expect.any(String) } }]]);
    }));

  test('2 and 4 update accepts a batch of 200 updates', () =>
    withBatchApi({}, async (batch) => {
      const result = await write(batch, linesOf(401), ['events'], { endpoint: 'update' });
      expect(states(result)[0]?.destinationStats).toEqual({ recordCount: 401, rejectedRecordCount: 0 });
      expect(traffic(batch)).toEqual({ [UPDATE]: { requests: 3, largest: 200 } });
    }));

  test('2 and 4 mass-update accepts a batch of 10,000 updates', () =>
    withBatchApi({}, async (batch) => {
      const result = await write(batch, linesOf(10_001), ['events'], { endpoint: 'mass_update' });
      expect(states(result)[0]?.destinationStats).toEqual({ recordCount: 10_001, rejectedRecordCount: 0 });
      expect(Object.keys(traffic(batch))).toEqual([MASS_UPDATE]);
      expect(Object.keys(batch.stats.answers)).toEqual(['202']);
    }));

  test('2.3 and 4 the limit of 24 hours also applies to mass-update', () =>
    withBatchApi({}, async (batch) => {
      const lines = linesOf(2, { event_time: new Date(Date.now() - 25 * 3_600_000).toISOString() });
      const result = await write(batch, lines, ['events'], { endpoint: 'mass_update' });
      expect(states(result)[0]?.destinationStats).toEqual({ recordCount: 0, rejectedRecordCount: 2 });
      expect(Object.keys(traffic(batch))).toEqual([MASS_UPDATE]);
    }));

  test('4 few rows are sent by update and a large backlog by mass-update, unless an endpoint is set', () =>
    withBatchApi({}, async (batch) => {
      await write(batch, linesOf(100), ['events'], { endpoint: 'auto', rate_limit: undefined });
      expect(Object.keys(traffic(batch))).toEqual([UPDATE]);
      batch.reset();
      const result = await write(batch, linesOf(12_000), ['events'], { endpoint: 'auto', rate_limit: undefined });
      expect(states(result)[0]?.destinationStats).toEqual({ recordCount: 12_000, rejectedRecordCount: 0 });
      expect(Object.keys(traffic(batch)).at(-1)).toBe(MASS_UPDATE);
    }));

  test.each([
    ['update', 1_500, { updateRate: 300, updateBurst: 1_000 }],
    ['mass_update', 15_000, { massUpdateRate: 10_000, massUpdateBurst: 10_000 }],
  ])('3.4 at Batch’s own rate limit and burst, %s gets no HTTP 429', (endpoint, profiles, limits) =>
    withBatchApi(limits, async (batch) => {
      const result = await write(batch, linesOf(profiles), ['events'], { endpoint, rate_limit: undefined });
      expect(states(result)[0]?.destinationStats).toEqual({ recordCount: profiles, rejectedRecordCount: 0 });
      expect(Object.keys(batch.stats.answers)).toEqual(['202']);
    }),
  );
});

describe('unexpected input and responses', () => {
  test('2.4 depth: a value nested 20,000 levels deep is left out, and the run continues', () =>
    withBatchApi({}, async (batch) => {
      const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
      const row = `{"custom_id":"u","event_name":"purchase","n":9007199254740993,"deep":${deep}}`;
      const result = await write(batch, [recordLine(row), stateLine(0)], ['events']);
      expect(states(result)).toHaveLength(1);
    }));

  test('3.2 a success with partial errors that are not listed is logged as a warning', () =>
    withBatchApi({}, async (batch) => {
      batch.faults.add({ kind: 'status', status: 202, body: { code: 'SUCCESS_WITH_PARTIAL_ERRORS' } });
      const result = await write(batch, linesOf(1), ['events']);
      expect(logs(result)).toContainEqual(expect.stringMatching(/^WARN/));
    }));
});
