import fc from 'fast-check';
import { stringify } from 'lossless-json';
import { describe, expect, test } from 'vitest';
import { parseInputLine } from './input.ts';

const parse = (line: string) => parseInputLine(Buffer.from(line));

/** A RECORD line of the stream `s` with this data. */
const recordWith = (data: string) => `{"type":"RECORD","record":{"stream":"s","emitted_at":1,"data":${data}}}`;

describe('a RECORD is a row', () => {
  test.each([
    ['as the source writes it', recordWith('{"a":1}'), { a: 1 }],
    [
      'with a namespace and what the platform adds',
      '{"type":"RECORD","record":{"namespace":"n","stream":"s","data":{"a":1},"meta":{"changes":[]}},"x":1}',
      { a: 1 },
      'n',
    ],
    ['with null for a namespace', '{"type":"RECORD","record":{"namespace":null,"stream":"s","data":{}}}', {}],
    ['with its type at the end', '{"record":{"data":{},"stream":"s"},"type":"RECORD"}', {}],
    [
      'with white space and a carriage return',
      ' { "type" : "RECORD" , "record" : { "stream" : "s" , "data" : { } } }\r',
      {},
    ],
    [
      'with names in escapes',
      '{"t\\u0079pe":"REC\\u004fRD","record":{"stream":"\\u0073","data":{"\\u0061":1}}}',
      { a: 1 },
    ],
  ])('%s', (_, line, data, namespace = undefined) => {
    expect(parse(line)).toEqual({ kind: 'record', stream: { name: 's', namespace }, data, line });
  });

  test('whose numbers keep every digit', () => {
    const data = '{"a":9007199254740993,"b":0.123456789012345678901234567890,"c":[{"d":-9223372036854775808}]}';
    const message = parse(recordWith(data));
    expect(message.kind === 'record' && stringify(message.data)).toBe(data);
  });
});

describe('a STATE is its own line', () => {
  test.each([
    [
      'of a stream',
      '{"type":"STATE","state":{"type":"STREAM","stream":{"stream_descriptor":{"name":"s","namespace":"n"},"stream_state":{"a":1}}}}',
      { name: 's', namespace: 'n' },
    ],
    [
      'of a stream, without its type',
      '{"type":"STATE","state":{"stream":{"stream_descriptor":{"name":"s","namespace":null}}}}',
      { name: 's', namespace: undefined },
    ],
    [
      'of all streams',
      '{"type":"STATE","state":{"type":"GLOBAL","global":{"shared_state":{},"stream_states":[{"stream_descriptor":{"name":"s"}}]}}}',
      undefined,
    ],
    ['of the old kind', '{"type":"STATE","state":{"data":{"a":1}}}', undefined],
    ['without anything', '{"type":"STATE","state":{}}', undefined],
    ['of a stream without a name', '{"type":"STATE","state":{"stream":{"stream_descriptor":{"name":1}}}}', undefined],
    ['of a stream without a descriptor', '{"type":"STATE","state":{"stream":{}}}', undefined],
    [
      'of digits and spaces that another text would lose',
      '{"type":"STATE",  "state":{"x":9007199254740993,"y":2.0,"z":"\\u00e9"},"id":7 }\r',
      undefined,
    ],
  ])('%s', (_, line, stream) => {
    expect(parse(line)).toEqual({ kind: 'state', line, stream });
  });
});

test.each([
  [
    'an error of the source, with its message',
    '{"type":"TRACE","trace":{"type":"ERROR","emitted_at":1,"error":{"message":"No such table"}}}',
    { kind: 'source_error', message: 'No such table' },
  ],
  ['an error without words', '{"type":"TRACE","trace":{"type":"ERROR","error":{"message":null}}}', { kind: 'ignored' }],
  [
    'a status of a stream',
    '{"type":"TRACE","trace":{"type":"STREAM_STATUS","stream_status":{"status":"COMPLETE"}}}',
    { kind: 'ignored' },
  ],
  ['a TRACE of nothing', '{"type":"TRACE"}', { kind: 'ignored' }],
  ['a LOG', '{"type":"LOG","log":{"level":"INFO","message":"x"}}', { kind: 'ignored' }],
  ['a LOG of nothing', '{"type":"LOG"}', { kind: 'ignored' }],
  ['a warning', '{"type":"LOG","log":{"level":"WARN","message":"x"}}', { kind: 'source_warning', message: 'x' }],
  ['a warning without words', '{"type":"LOG","log":{"level":"WARN","message":1}}', { kind: 'ignored' }],
  ['a CONTROL', '{"type":"CONTROL","control":{}}', { kind: 'ignored' }],
  ['a type that no destination knows', '{"type":"CATALOG","catalog":{}}', { kind: 'unknown', what: 'type CATALOG' }],
  [
    'a type in lower case',
    '{"type":"record","record":{"stream":"s","data":{}}}',
    { kind: 'unknown', what: 'type unknown' },
  ],
  ['a type that is a number', '{"type":1}', { kind: 'unknown', what: 'type missing' }],
  ['an object without a type', '{}', { kind: 'unknown', what: 'type missing' }],
  ['an empty line', '', { kind: 'unknown', what: 'not JSON' }],
  ['a line of spaces', ' \t\r', { kind: 'unknown', what: 'not JSON' }],
  ['a line of a log', 'INFO starting', { kind: 'unknown', what: 'not JSON' }],
  ['a number', '1', { kind: 'unknown', what: 'not JSON' }],
  ['a long number', '12345678901234567890', { kind: 'unknown', what: 'not JSON' }],
  ['a text', '"x"', { kind: 'unknown', what: 'not JSON' }],
  ['null', 'null', { kind: 'unknown', what: 'not JSON' }],
  ['a list', '[{"type":"RECORD"}]', { kind: 'unknown', what: 'not JSON' }],
])('%s', (_, line, expected) => {
  expect(parse(line)).toEqual(expected);
});

describe('a line that may have been a row is broken', () => {
  test.each([
    ['a RECORD that is cut off', '{"type":"RECORD","record":{"stream":"s","da'],
    ['a RECORD that is cut off, after a space', '  {"type":"RECORD"'],
    ['a RECORD after a byte order mark', `\ufeff${recordWith('{}')}`],
    ['two RECORDs in one line', recordWith('{}') + recordWith('{}')],
    ['a RECORD with NaN in it', recordWith('{"a":NaN}')],
    ['a RECORD with a raw tab in a string', recordWith('{"a":"\t"}')],
    ['a RECORD of nothing', '{"type":"RECORD"}'],
    ['a RECORD of null', '{"type":"RECORD","record":null}'],
    ['a RECORD of a list', '{"type":"RECORD","record":[]}'],
    ['a RECORD of a long number', '{"type":"RECORD","record":12345678901234567890}'],
    ['a RECORD without a stream', '{"type":"RECORD","record":{"data":{}}}'],
    ['a RECORD of a stream that is a number', '{"type":"RECORD","record":{"stream":1,"data":{}}}'],
    ['a RECORD without data', '{"type":"RECORD","record":{"stream":"s"}}'],
    ['a RECORD whose data is null', recordWith('null')],
    ['a RECORD whose data is a list', recordWith('[]')],
    ['a RECORD whose data is a string', recordWith('"x"')],
    ['a RECORD whose data is a number', recordWith('1')],
    ['a RECORD whose data is a long number', recordWith('12345678901234567890')],
  ])('%s', (_, line) => {
    expect(parse(line)).toEqual({ kind: 'broken' });
  });
});

describe('hostile lines', () => {
  test.each([
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22]), 'broken'],
    ['zero bytes', Buffer.alloc(100), 'unknown'],
    ['lists in lists without end', Buffer.from('['.repeat(1_000_000)), 'unknown'],
    ['objects in objects without end', Buffer.from('{"a":'.repeat(1_000_000)), 'broken'],
    [
      'a RECORD of lists in lists',
      Buffer.from(recordWith(`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)),
      'record',
    ],
    ['a RECORD of __proto__', Buffer.from(recordWith('{"__proto__":{"custom_id":"u1"}}')), 'record'],
    ['a __proto__ that is a RECORD', Buffer.from('{"__proto__":{"type":"RECORD"}}'), 'unknown'],
    ['a text of many megabytes', Buffer.from(recordWith(`{"a":"${'x'.repeat(8_000_000)}"}`)), 'record'],
  ])('%s', (_, line, kind) => {
    expect(parseInputLine(line).kind).toBe(kind);
  });

  test('a RECORD with a __proto__ does not have the columns in it', () => {
    const message = parse(recordWith('{"__proto__":{"custom_id":"u1"}}'));
    expect(message.kind === 'record' && message.data.custom_id).toBeUndefined();
  });

  const kinds = ['record', 'state', 'source_error', 'source_warning', 'ignored', 'unknown', 'broken'];

  test('never throws for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(kinds).toContain(parseInputLine(Buffer.from(bytes)).kind);
      }),
    );
  });

  test('never throws for any JSON, and a row is an object of a named stream', () => {
    const json = fc.jsonValue();
    const messages = fc.record(
      {
        type: fc.oneof({ weight: 9, arbitrary: fc.constantFrom('RECORD', 'STATE', 'TRACE') }, json),
        record: fc.oneof(json, fc.record({ stream: fc.oneof(fc.string(), json), data: fc.oneof(fc.object(), json) })),
        state: fc.oneof(json, fc.record({ stream: fc.oneof(json, fc.record({ stream_descriptor: json })) })),
        trace: fc.oneof(json, fc.record({ error: fc.oneof(json, fc.record({ message: json })) })),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(messages, (given) => {
        const message = parse(JSON.stringify(given));
        expect(kinds).toContain(message.kind);
        if (message.kind !== 'record') return;
        expect([typeof message.stream.name, typeof message.data, Array.isArray(message.data)]).toEqual([
          'string',
          'object',
          false,
        ]);
      }),
      { numRuns: 500 },
    );
  });

  test('a RECORD that is cut off anywhere is broken and never another row', () => {
    const line = recordWith('{"custom_id":"u1","n":[1,{"a":"\\u00e9é😀"}],"b":9007199254740993}');
    const bytes = Buffer.from(line);
    const kindsWhenCut = Array.from(
      { length: bytes.length - 1 },
      (_, end) => parseInputLine(bytes.subarray(0, end + 1)).kind,
    );
    expect(new Set(kindsWhenCut)).toEqual(new Set(['broken']));
    expect(parseInputLine(bytes).kind).toBe('record');
  });
});
