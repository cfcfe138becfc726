import { describe, expect, test } from 'vitest';
import type { Message } from '../protocol/messages.ts';
import type { RejectionCode } from './codes.ts';
import { Report } from './report.ts';

/** What a person reads. */
const read = (messages: readonly Message[]): string[] =>
  messages.map((message) => (message.type === 'LOG' ? `${message.log.level} ${message.log.message}` : message.type));

const logged = (report: Report): string[] => read(report.drainMessages());

function reject(report: Report, code: RejectionCode, times = 1): void {
  for (let time = 0; time < times; time += 1)
    report.reportRejected('events', code, () => ({ row: 'a (NULL)', reason: `reason ${time}` }));
}

const PAGES = 'https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting';

const column = { column: 'a', path: 'a', code: 'text_blank', reason: 'is a blank text' } as const;

test('logs only a summary for an empty run', () => {
  const report = new Report();
  expect(logged(report)).toEqual([]);
  expect(read(report.summarize())).toEqual([
    'INFO 0 rows read: 0 accepted, 0 rejected, 0 not sent. 0 attributes left out, 0 possible duplicates. 0 requests with 0 updates, 0 retries.',
  ]);
});

test('returns messages once, in order', () => {
  const report = new Report();
  report.warn('one');
  report.warn('two');
  expect(logged(report)).toEqual(['WARN one', 'WARN two']);
  report.warn('three');
  expect(logged(report)).toEqual(['WARN three']);
  expect(logged(report)).toEqual([]);
});

describe('a rejected row', () => {
  test('is logged with its reason, three times per code; then it is only counted', () => {
    const report = new Report();
    reject(report, 'event_time_invalid', 5);
    reject(report, 'custom_id_missing', 1);
    expect(logged(report)).toEqual([
      `WARN A row of events is rejected (event_time_invalid): reason 0. Its columns: a (NULL). See ${PAGES}/event_time_invalid.md`,
      `WARN A row of events is rejected (event_time_invalid): reason 1. Its columns: a (NULL). See ${PAGES}/event_time_invalid.md`,
      `WARN A row of events is rejected (event_time_invalid): reason 2. Its columns: a (NULL). See ${PAGES}/event_time_invalid.md`,
      'WARN Further rows with event_time_invalid are counted but not logged.',
      `WARN A row of events is rejected (custom_id_missing): reason 0. Its columns: a (NULL). See ${PAGES}/custom_id_missing.md`,
    ]);
    expect(read(report.summarize())).toContain('WARN Rows rejected: event_time_invalid: 5, custom_id_missing: 1.');
  });
});

describe('an attribute that is left out', () => {
  test('is shown once per column and code, and counted each time', () => {
    const report = new Report();
    for (let time = 0; time < 3; time += 1) report.reportLeftOut('events', column);
    report.reportLeftOut('events', {
      ...column,
      code: 'text_too_long',
      reason: 'has 301 characters, and Batch accepts 300',
    });
    report.reportLeftOut('events', { ...column, column: 'b', path: 'b' });
    expect(logged(report)).toEqual([
      `WARN The column "a" of events is a blank text. The row is sent without it (text_blank; shown once per column). See ${PAGES}/text_blank.md`,
      `WARN The column "a" of events has 301 characters, and Batch accepts 300. The row is sent without it (text_too_long; shown once per column). See ${PAGES}/text_too_long.md`,
      `WARN The column "b" of events is a blank text. The row is sent without it (text_blank; shown once per column). See ${PAGES}/text_blank.md`,
    ]);
    expect(read(report.summarize())).toContain(
      'WARN Attributes left out before sending: a (text_blank): 3, a (text_too_long): 1, b (text_blank): 1.',
    );
  });

  test('within an object is logged with its path', () => {
    const report = new Report();
    report.reportLeftOut('events', { ...column, path: 'a[2].b' });
    report.reportLeftOut('events', { ...column, path: 'a[3].c' });
    expect(logged(report)).toEqual([
      `WARN "a[2].b" in the column "a" of events is a blank text. The row is sent without it (text_blank; shown once per column). See ${PAGES}/text_blank.md`,
    ]);
  });

  test('by Batch is shown once per attribute, and counted each time', () => {
    const report = new Report();
    for (const attribute of ['a', 'a', 'b']) report.reportRefusedAttribute(attribute, () => 'too long');
    expect(logged(report)).toEqual([
      `WARN Batch left out the attribute "a": too long. The row was accepted without it (shown once per attribute). See ${PAGES}/attribute_refused_by_batch.md`,
      `WARN Batch left out the attribute "b": too long. The row was accepted without it (shown once per attribute). See ${PAGES}/attribute_refused_by_batch.md`,
    ]);
    expect(read(report.summarize())).toContain('WARN Attributes left out by Batch: a: 2, b: 1.');
  });
});

test('shows only the first columns with a code, and counts the others together', () => {
  const report = new Report();
  for (let number = 1; number <= 500; number += 1) {
    for (let row = 0; row < 2; row += 1) {
      const name = `a${number}`;
      report.reportLeftOut('events', {
        ...column,
        column: name,
        path: name,
        code: 'too_many_attributes',
        reason: 'is one too many',
      });
      report.reportChange('events', { column: name, path: name, code: 'text_truncated', reason: 'is cut' });
    }
  }
  const lines = logged(report);
  expect(lines).toHaveLength(12);
  expect(lines).toContain(`WARN Further columns with too_many_attributes are not logged one by one.`);
  expect(lines).toContain(`WARN Further columns with text_truncated are not logged one by one.`);
  const [leftOut = ``] = read(report.summarize()).filter((line) => line.startsWith(`WARN Attributes left out`));
  expect(leftOut).toMatch(/: a1 \(too_many_attributes\): 2, .*, a10 \(too_many_attributes\): 2, 490 others: 980\.$/);
});

test('logs each retry, unreadable response and error of the source', () => {
  const report = new Report();
  for (const attempt of [1, 2]) report.reportRetry('Batch has a fault (HTTP 500)', attempt);
  report.reportUnreadableResponse('<html>');
  report.reportStrayError('odd');
  report.reportSourceError('No such table');
  expect(logged(report)).toEqual([
    'WARN Batch has a fault (HTTP 500). Attempt 1 failed. Retrying.',
    'WARN Batch has a fault (HTTP 500). Attempt 2 failed. Retrying.',
    "WARN Batch accepted a request, but its response can't be read, so Batch may have left out events or attributes. The response: <html>",
    'WARN Batch reported an error for an update that is not in the request: odd.',
    'ERROR The source failed: No such table',
  ]);
});

describe('the summary', () => {
  test('counts everything', () => {
    const report = new Report();
    for (let row = 0; row < 10; row += 1) report.countRow();
    for (let row = 0; row < 6; row += 1) report.countAccepted();
    reject(report, 'refused_by_batch', 3);
    report.countRequest(200);
    report.countRequest(1);
    report.reportRetry('x', 1);
    report.countPossibleDuplicates(15);
    report.countPossibleDuplicates(2);
    report.reportLeftOut('events', column);
    report.reportRefusedAttribute('a', () => 'too long');
    for (const kind of ['not JSON', 'type CATALOG', 'not JSON']) report.countSkippedLine(kind);
    expect(read(report.summarize())).toEqual([
      'INFO 10 rows read: 6 accepted, 3 rejected, 1 not sent (the next run reads them again). 2 attributes left out, 17 possible duplicates. 2 requests with 201 updates, 1 retry.',
      'WARN Rows rejected: refused_by_batch: 3.',
      'WARN Attributes left out before sending: a (text_blank): 1.',
      'WARN Attributes left out by Batch: a: 1.',
      'WARN 17 events may have reached Batch twice: a request was sent again after its response was lost.',
      'INFO Lines on stdin that were skipped: not JSON: 2, type CATALOG: 1.',
    ]);
  });

  test('uses the singular for one', () => {
    const report = new Report();
    report.countRow();
    report.countAccepted();
    report.countRequest(1);
    report.reportLeftOut('events', column);
    report.countPossibleDuplicates(1);
    expect(read(report.summarize())[0]).toBe(
      'INFO 1 row read: 1 accepted, 0 rejected, 0 not sent. 1 attribute left out, 1 possible duplicate. 1 request with 1 update, 0 retries.',
    );
  });

  test('says where rejected rows are kept, and which of them the next run reads again', () => {
    const report = new Report();
    report.setLocations({ confirmed: ['/x/a.ndjson', '/x/b.ndjson'], unconfirmed: ['/x/a.unconfirmed-rest.ndjson'] });
    expect(read(report.summarize()).slice(1)).toEqual([
      'INFO Rejected rows are kept in /x/a.ndjson, /x/b.ndjson.',
      "WARN Rejected rows after the last state are kept in /x/a.unconfirmed-rest.ndjson. The next run reads them again, so don't send them yourself, unless this run replayed rows from a file.",
    ]);
  });

  const once: [name: string, happen: (report: Report) => void, logged: string][] = [
    ['a rejected row', (report) => reject(report, 'event_too_large'), 'WARN Rows rejected: event_too_large: 1.'],
    [
      'an attribute left out',
      (report) => report.reportLeftOut('events', column),
      'WARN Attributes left out before sending: a (text_blank): 1.',
    ],
    [
      'an attribute left out by Batch',
      (report) => report.reportRefusedAttribute('a', () => 'x'),
      'WARN Attributes left out by Batch: a: 1.',
    ],
    [
      'a possible duplicate',
      (report) => report.countPossibleDuplicates(1),
      'WARN 1 event may have reached Batch twice: a request was sent again after its response was lost.',
    ],
    [
      'a skipped line',
      (report) => report.countSkippedLine('not JSON'),
      'INFO Lines on stdin that were skipped: not JSON: 1.',
    ],
  ];
  test.each(once)('shows what happened: %s', (_, happen, logged) => {
    const report = new Report();
    happen(report);
    expect(read(report.summarize()).slice(1)).toEqual([logged]);
  });

  test('does not mention the next run when all rows were sent', () => {
    const report = new Report();
    for (let row = 0; row < 2; row += 1) report.countRow();
    report.countAccepted();
    reject(report, 'event_too_large');
    expect(read(report.summarize())[0]).toBe(
      'INFO 2 rows read: 1 accepted, 1 rejected, 0 not sent. 0 attributes left out, 0 possible duplicates. 0 requests with 0 updates, 0 retries.',
    );
  });
});

describe('a part of an event that is changed', () => {
  const cut = { column: 'a', path: 'a', code: 'text_truncated', reason: 'has 301 characters' } as const;
  const renamed = { column: 'B', path: 'B', code: 'name_lower_cased', reason: 'has capital letters' } as const;

  test('is shown once per column and code, and counted', () => {
    const report = new Report();
    for (let time = 0; time < 3; time += 1) report.reportChange('events', cut);
    report.reportChange('events', { ...cut, column: 'c', path: 'c.d' });
    expect(logged(report)).toEqual([
      'WARN The column "a" of events has 301 characters (text_truncated; shown once per column). See https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting/text_truncated.md',
      'WARN "c.d" in the column "c" of events has 301 characters (text_truncated; shown once per column). See https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting/text_truncated.md',
    ]);
    expect(read(report.summarize())).toContain(
      'WARN Changed before sending: a (text_truncated): 3, c (text_truncated): 1.',
    );
  });

  test('is not counted when it is a name, which is the same in all rows', () => {
    const report = new Report();
    report.reportChange('events', renamed);
    report.reportChange('events', renamed);
    expect(logged(report)).toEqual([
      'WARN The column "B" of events has capital letters (name_lower_cased; shown once per column). See https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting/name_lower_cased.md',
    ]);
    expect(read(report.summarize())).toHaveLength(1);
  });
});
