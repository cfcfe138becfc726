import { describe, expect, test } from 'vitest';
import { ConnectorError } from './failure.ts';
import { errorTrace, log, type Message, mapTexts, stateLine, streamStatus } from './messages.ts';

test('a state is a line with its count as a decimal', () => {
  expect(stateLine({ name: 'events', namespace: 'shop' }, { cursor: '2026-01-01T00:00:00Z' }, 12)).toBe(
    '{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"events","namespace":"shop"},' +
      '"stream_state":{"cursor":"2026-01-01T00:00:00Z"}},"sourceStats":{"recordCount":12.0}}}\n',
  );
});

test('a state of no records counts 0.0', () => {
  expect(stateLine({ name: 'e' }, {}, 0)).toBe(
    '{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"e"},"stream_state":{}},"sourceStats":{"recordCount":0.0}}}\n',
  );
});

test('a state is one line, whatever the names hold', () => {
  const line = stateLine({ name: 'a\n"b"', namespace: '\u2028' }, { cursor: 'x\ny' }, 1);
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

// JSON.stringify leaves out what is undefined, toEqual overlooks it: what is printed is compared.
test('an error of the user has no stack, and no key for what is not known', () => {
  const trace = errorTrace(new ConnectorError('config_error', 'Check the port.'), 5);
  expect(JSON.stringify(trace)).toBe(
    '{"type":"TRACE","trace":{"type":"ERROR","emitted_at":5,"error":{"message":"Check the port.","failure_type":"config_error"}}}',
  );
});

test('an error tells all that is known of it', () => {
  const error = new ConnectorError('system_error', 'It broke.', { internalMessage: 'x is 3', stackTrace: 'at y' });
  const trace = errorTrace(error, 5, { name: 'events', namespace: 'shop' });
  expect(JSON.stringify(trace)).toBe(
    '{"type":"TRACE","trace":{"type":"ERROR","emitted_at":5,"error":{"message":"It broke.","internal_message":"x is 3","stack_trace":"at y",' +
      '"failure_type":"system_error","stream_descriptor":{"name":"events","namespace":"shop"}}}}',
  );
});

describe('of the texts in a message, those that people read are changed:', () => {
  const upper = (text: string): string => text.toUpperCase();
  const error = new ConnectorError('system_error', 'it broke', { internalMessage: 'x is 3', stackTrace: 'at y' });

  test.each<[string, Message, Message]>([
    ['that of a log', log('INFO', 'a text'), log('INFO', 'A TEXT')],
    [
      'those of an error',
      errorTrace(error, 5, { name: 'events', namespace: 'shop' }),
      errorTrace(new ConnectorError('system_error', 'IT BROKE', { internalMessage: 'X IS 3', stackTrace: 'AT Y' }), 5, {
        name: 'events',
        namespace: 'shop',
      }),
    ],
    [
      'that of a failed check',
      { type: 'CONNECTION_STATUS', connectionStatus: { status: 'FAILED', message: 'no' } },
      { type: 'CONNECTION_STATUS', connectionStatus: { status: 'FAILED', message: 'NO' } },
    ],
  ])('%s', (_, message, changed) => {
    const before = JSON.stringify(message);
    expect(JSON.stringify(mapTexts(message, upper))).toBe(JSON.stringify(changed));
    // Not in place: a message may be written more than once.
    expect(JSON.stringify(message)).toBe(before);
  });

  test.each<[string, Message]>([
    ['a check that went well', { type: 'CONNECTION_STATUS', connectionStatus: { status: 'SUCCEEDED' } }],
    ['a stream status', streamStatus({ name: 'events', namespace: 'shop' }, 'STARTED', 5)],
    ['an error without more than its message', errorTrace(new ConnectorError('config_error', 'NO'), 5)],
    ['a specification', { type: 'SPEC', spec: { title: 'a text' } }],
    ['a catalog', { type: 'CATALOG', catalog: { streams: [] } }],
    ['a catalog of a destination', { type: 'DESTINATION_CATALOG', destination_catalog: { operations: [] } }],
  ])('nothing in %s', (_, message) => {
    expect(JSON.stringify(mapTexts(message, upper))).toBe(JSON.stringify(message));
  });
});
