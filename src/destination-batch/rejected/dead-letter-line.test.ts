import { LosslessNumber } from 'lossless-json';
import { describe, expect, test } from 'vitest';
import { parseInputLine } from '../write/input.ts';
import { describeRow, toDeadLetter, toUncertainDeadLetter } from './dead-letter-line.ts';

const LINE =
  '{"type":"RECORD","record":{"stream":"s","emitted_at":1,"data":{"custom_id":9007199254740993,"n":2.0,"t":"\\u00e9"}}}';
const AT = Date.UTC(2026, 0, 2, 3, 4, 5);
const MISSING = { code: 'custom_id_missing', reason: 'is missing' } as const;

const rejectionOf = (line: string): unknown => JSON.parse(line).rejection;

describe('the line of a rejected row', () => {
  test('is the message unchanged, with the rejection next to the record', () => {
    const line = toDeadLetter(LINE, MISSING, AT);
    expect(line.startsWith(LINE.slice(0, -1))).toBe(true);
    expect(rejectionOf(line)).toEqual({
      code: 'custom_id_missing',
      reason: 'is missing',
      batch_said: null,
      sent: false,
      events_in_update: 0,
      may_have_arrived: false,
      rejected_at: '2026-01-02T03:04:05.000Z',
      attempts: 1,
      help: 'https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting/custom_id_missing.md',
    });
  });

  test('is the same row when it is read again', () => {
    expect(parseInputLine(Buffer.from(toDeadLetter(LINE, MISSING, AT)))).toEqual({
      ...parseInputLine(Buffer.from(LINE)),
      line: toDeadLetter(LINE, MISSING, AT),
    });
  });

  test.each([
    ['of an update with one event', { rowsInUpdate: 1, whole: false }, false],
    ['of an update with several: any may have been stored', { rowsInUpdate: 3, whole: false }, true],
    ['of a whole request: none was stored', { rowsInUpdate: 3, whole: true }, false],
  ])('says whether it may have arrived: a refusal %s', (_, refusal, expected) => {
    const rejection = { code: 'refused_by_batch', reason: 'r', refusal: { words: 'no "x"', ...refusal } } as const;
    expect(rejectionOf(toDeadLetter(LINE, rejection, AT))).toMatchObject({
      batch_said: 'no "x"',
      sent: true,
      events_in_update: refusal.rowsInUpdate,
      may_have_arrived: expected,
    });
  });

  test('has only the rejection of its last run, and counts the attempts', () => {
    const again = toDeadLetter(
      toDeadLetter(LINE, MISSING, 0),
      { code: 'event_too_large', reason: ',"rejection":{"code":"' },
      0,
    );
    const third = toDeadLetter(again, MISSING, AT);
    expect(third).toBe(toDeadLetter(LINE, MISSING, AT).replace('"attempts":1', '"attempts":3'));
  });

  test('of an earlier version, without attempts, counts as one', () => {
    const old = toDeadLetter(LINE, MISSING, AT).replace('"attempts":1,', '');
    expect(rejectionOf(toDeadLetter(old, MISSING, AT))).toMatchObject({ attempts: 2 });
  });

  test('that may have arrived stays marked, whatever rejects it the next time', () => {
    const refusal = { words: 'no', rowsInUpdate: 2, whole: false };
    const uncertain = toDeadLetter(LINE, { code: 'refused_by_batch', reason: 'r', refusal }, AT);
    expect(rejectionOf(toDeadLetter(uncertain, MISSING, AT))).toMatchObject({ may_have_arrived: true, sent: false });
  });

  test('that was sent without a response keeps its reason, and is marked', () => {
    const again = toUncertainDeadLetter(toDeadLetter(LINE, MISSING, AT));
    expect(rejectionOf(again)).toMatchObject({
      code: 'custom_id_missing',
      reason: 'is missing',
      sent: true,
      may_have_arrived: true,
      attempts: 2,
    });
    expect(rejectionOf(toUncertainDeadLetter(LINE))).toMatchObject({ may_have_arrived: true, attempts: 1 });
  });

  test.each([
    ['a column of that name', '{"type":"RECORD","record":{"stream":"s","data":{"a":1,"rejection":{"code":"x"}}}}'],
    ['white space around', ' {"type":"RECORD","record":{"stream":"s","data":{}} } \r'],
  ])('does not change the row: %s', (_, line) => {
    const kept = JSON.parse(toDeadLetter(line, MISSING, AT));
    expect(kept.record).toEqual(JSON.parse(line).record);
    expect(kept.rejection.code).toBe('custom_id_missing');
  });
});

describe('a row in the log', () => {
  test('is its columns, with kinds and lengths instead of values', () => {
    const row = {
      a: 'secret',
      b: 12,
      c: null,
      d: [1, 2],
      e: { f: 1 },
      g: true,
      h: new LosslessNumber('9007199254740993'),
      i: ' ',
    };
    expect(describeRow(row)).toBe(
      'a (string of 6 characters), b (number), c (NULL), d (array of 2 items), e (object), g (boolean), h (number), i (blank string)',
    );
    expect(describeRow({})).toBe('no columns at all');
  });

  test('stays short', () => {
    const wide = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`${'x'.repeat(1000)}${index}`, 1]));
    expect(describeRow(wide).length).toBeLessThan(1200);
    expect(describeRow(wide)).toMatch(/, and 480 more$/);
  });
});
