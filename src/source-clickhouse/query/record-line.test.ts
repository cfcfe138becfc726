import { describe, expect, test } from 'vitest';
import { readCursor } from './record-line.ts';

/** A line with this JSON as its data, as the server writes it. */
function line(data: string): Buffer {
  return Buffer.from(
    `{"type":"RECORD","record":{"stream":"events","namespace":"shop","emitted_at":1,"data":${data}},"row_hash":"7"}`,
  );
}

describe('readCursor', () => {
  test.each([
    ['a timestamp', '{"c":"2026-01-01T00:00:00.123456789Z"}', '2026-01-01T00:00:00.123456789Z'],
    ['the largest UInt64', '{"c":18446744073709551615}', '18446744073709551615'],
    ['the smallest Int64', '{"c":-9223372036854775808}', '-9223372036854775808'],
    ['a number that is not a double', '{"c":9007199254740993}', '9007199254740993'],
    ['zero', '{"c":0}', '0'],
    ['an empty string', '{"c":""}', ''],
    ['a string with escapes', '{"c":"a\\"b\\\\c\\/d\\n\\u0000é"}', 'a"b\\c/d\n\0é'],
    ['a cursor among other columns', '{"a":[1,{"c":2}],"c":3,"d":{"c":4}}', '3'],
    [
      'a cursor next to a number that is not a double',
      '{"a":1e999,"b":0.1000000000000000055511151231257827,"c":"x"}',
      'x',
    ],
    ['a cursor next to an object that has a key twice, as a Map may have', '{"m":{"k":1,"k":2},"c":"x"}', 'x'],
  ])('I7: reads %s exactly', (_, data, cursor) => {
    expect(readCursor(line(data), 'c')).toBe(cursor);
  });

  test.each([
    ['is missing', '{"a":1}'],
    ['is null', '{"c":null}'],
    ['is a list', '{"c":[1]}'],
    ['is an object', '{"c":{"value":"1"}}'],
    ['is true', '{"c":true}'],
  ])('throws an error that names the column, if the cursor %s', (_, data) => {
    expect(() => readCursor(line(data), 'c')).toThrow('The row has no usable c.');
  });

  test('ignores inherited properties', () => {
    expect(() => readCursor(line('{"c":1}'), 'toString')).toThrow('The row has no usable toString.');
  });

  test.each([['{"type":"RECORD"}'], ['{"record":{}}'], ['[]'], ['{"record":{"data":"secret"}}'], ['{"c":secret}']])(
    'throws an unexpected_fault for %s, without its content',
    (text) => {
      const length = Buffer.byteLength(text);
      expect(() => readCursor(Buffer.from(text), 'c')).toThrow(
        expect.objectContaining({
          code: 'unexpected_fault',
          message: `Unexpected error in the connector: a row of ${length} bytes is not a RECORD message.`,
        }),
      );
    },
  );

  test('throws cursor_unusable if the cursor is not UTF-8, without its bytes', () => {
    const bytes = Buffer.concat([
      Buffer.from('{"record":{"data":{"c":"secret'),
      Buffer.from([0xe9]),
      Buffer.from('"}}}'),
    ]);
    expect(() => readCursor(bytes, 'c')).toThrow(
      expect.objectContaining({ code: 'cursor_unusable', message: expect.not.stringContaining('secret') }),
    );
  });
});
