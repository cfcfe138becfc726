import { describe, expect, test } from 'vitest';
import { onOwnLines } from '../shared/statement.ts';
import { protocolError } from './errors.ts';
import { splitLink } from './help-pages.ts';
import {
  connectionFailed,
  errorTrace,
  formatStateLine,
  log,
  type Message,
  mapTexts,
  streamStatus,
} from './messages.ts';

test('formats a STATE as a line with a decimal recordCount', () => {
  expect(formatStateLine({ name: 'events', namespace: 'shop' }, { cursor: '2026-01-01T00:00:00Z' }, 12)).toBe(
    '{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"events","namespace":"shop"},' +
      '"stream_state":{"cursor":"2026-01-01T00:00:00Z"}},"sourceStats":{"recordCount":12.0}}}\n',
  );
});

test('formats the recordCount of no records as 0.0', () => {
  expect(formatStateLine({ name: 'e' }, {}, 0)).toBe(
    '{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"e"},"stream_state":{}},"sourceStats":{"recordCount":0.0}}}\n',
  );
});

test('formats a STATE as one line, whatever the names contain', () => {
  const line = formatStateLine({ name: 'a\n"b"', namespace: '\u2028' }, { cursor: 'x\ny' }, 1);
  expect(line.indexOf('\n')).toBe(line.length - 1);
  expect(JSON.parse(line)).toEqual({
    type: 'STATE',
    state: {
      type: 'STREAM',
      stream: { stream_descriptor: { name: 'a\n"b"', namespace: '\u2028' }, stream_state: { cursor: 'x\ny' } },
      sourceStats: { recordCount: 1 },
    },
  });
});

test('a log has a level and a message', () => {
  expect(log('WARN', 'mind')).toEqual({ type: 'LOG', log: { level: 'WARN', message: 'mind' } });
});

test('a stream status names its stream and the time', () => {
  expect(streamStatus({ name: 'events', namespace: 'shop' }, 'COMPLETE', 1_767_225_600_123)).toEqual({
    type: 'TRACE',
    trace: {
      type: 'STREAM_STATUS',
      emitted_at: 1_767_225_600_123,
      stream_status: { stream_descriptor: { name: 'events', namespace: 'shop' }, status: 'COMPLETE' },
    },
  });
});

const PAGES = 'https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting';

// Compares what is printed: JSON.stringify omits undefined fields, and toEqual ignores them.
test('a config_error has no stack, and no empty fields', () => {
  const trace = errorTrace(protocolError('catalog_invalid', 'Check the file.'), 5);
  expect(JSON.stringify(trace)).toBe(
    `{"type":"TRACE","trace":{"type":"ERROR","emitted_at":5,"error":{"message":"Check the file. See ${PAGES}/catalog_invalid.md","failure_type":"config_error"}}}`,
  );
});

test('an error TRACE contains all fields of the error', () => {
  const error = protocolError('unexpected_fault', 'It broke.', { internalMessage: 'x is 3', stackTrace: 'at y' });
  const trace = errorTrace(error, 5, { name: 'events', namespace: 'shop' });
  expect(JSON.stringify(trace)).toBe(
    `{"type":"TRACE","trace":{"type":"ERROR","emitted_at":5,"error":{"message":"events: It broke. See ${PAGES}/unexpected_fault.md",` +
      '"internal_message":"x is 3","stack_trace":"at y",' +
      '"failure_type":"system_error","stream_descriptor":{"name":"events","namespace":"shop"}}}}',
  );
});

test('a failed check ends with the link to its page', () => {
  expect(connectionFailed(protocolError('catalog_invalid', 'Check the file.'))).toEqual({
    type: 'CONNECTION_STATUS',
    connectionStatus: { status: 'FAILED', message: `Check the file. See ${PAGES}/catalog_invalid.md` },
  });
});

test('links to the page that helps most, apart from a statement to run', () => {
  const statement = 'GRANT SELECT ON `a`.* TO `b`';
  const error = protocolError('catalog_invalid', `Run:${onOwnLines(statement)}`, { page: 'name_taken' });
  const { message = '' } = connectionFailed(error).connectionStatus;
  expect(message).toBe(`Run:\n\n  ${statement}\n\nSee ${PAGES}/name_taken.md`);
  expect(splitLink(message)).toEqual({ message: `Run:\n\n  ${statement}`, code: 'name_taken' });
});

describe('mapTexts changes the text that people read:', () => {
  const upper = (text: string): string => text.toUpperCase();
  const named = { name: 'events', namespace: 'shop' };
  const error = (message: string, internal_message: string, stack_trace: string): Message => ({
    type: 'TRACE',
    trace: {
      type: 'ERROR',
      emitted_at: 5,
      error: { message, internal_message, stack_trace, failure_type: 'system_error', stream_descriptor: named },
    },
  });

  test.each<[string, Message, Message]>([
    ['that of a log', log('INFO', 'a text'), log('INFO', 'A TEXT')],
    ['those of an error', error('it broke', 'x is 3', 'at y'), error('IT BROKE', 'X IS 3', 'AT Y')],
    [
      'that of a failed check',
      { type: 'CONNECTION_STATUS', connectionStatus: { status: 'FAILED', message: 'no' } },
      { type: 'CONNECTION_STATUS', connectionStatus: { status: 'FAILED', message: 'NO' } },
    ],
  ])('%s', (_, message, changed) => {
    const before = JSON.stringify(message);
    expect(JSON.stringify(mapTexts(message, upper))).toBe(JSON.stringify(changed));
    // It returns a copy: a message may be written more than once.
    expect(JSON.stringify(message)).toBe(before);
  });

  test.each<[string, Message]>([
    ['a check that went well', { type: 'CONNECTION_STATUS', connectionStatus: { status: 'SUCCEEDED' } }],
    ['a stream status', streamStatus({ name: 'events', namespace: 'shop' }, 'STARTED', 5)],
    [
      'an error without more than its message',
      {
        type: 'TRACE',
        trace: { type: 'ERROR', emitted_at: 5, error: { message: 'NO', failure_type: 'config_error' } },
      },
    ],
    ['a specification', { type: 'SPEC', spec: { title: 'a text' } }],
    ['a catalog', { type: 'CATALOG', catalog: { streams: [] } }],
    ['a catalog of a destination', { type: 'DESTINATION_CATALOG', destination_catalog: { operations: [] } }],
  ])('mapTexts does not change %s', (_, message) => {
    expect(JSON.stringify(mapTexts(message, upper))).toBe(JSON.stringify(message));
  });
});
