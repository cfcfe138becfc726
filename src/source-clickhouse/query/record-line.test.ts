import { describe, expect, test } from 'vitest';
import { readCursor } from './record-line.ts';

/** A line with the data as JSON text, as the server writes it. */
function line(data: string): Buffer {
  return Buffer.from(
    `{"type":"RECORD","record":{"stream":"events","namespace":"shop","emitted_at":1,"data":${data}},"row_hash":"7"}`,
  );
}

describe('the cursor in a line', () => {
  test.each([
    ['a stamp', '{"c":"2026-01-01T00:00:00.123456789Z"}', '2026-01-01T00:00:00.123456789Z'],
    ['the largest UInt64', '{"c":18446744073709551615}', '18446744073709551615'],
    ['the smallest Int64', '{"c":-9223372036854775808}', '-9223372036854775808'],
    ['a number that no double is', '{"c":9007199254740993}', '9007199254740993'],
    ['zero', '{"c":0}', '0'],
    ['an empty text', '{"c":""}', ''],
    ['a text with escapes', '{"c":"a\\"b\\\\c\\/d\\n\\u0000é"}', 'a"b\\c/d\n\0é'],
    ['one beside others', '{"a":[1,{"c":2}],"c":3,"d":{"c":4}}', '3'],
    ['one beside a number that no double is', '{"a":1e999,"b":0.1000000000000000055511151231257827,"c":"x"}', 'x'],
    ['one beside an object with a key twice, as a Map may have', '{"m":{"k":1,"k":2},"c":"x"}', 'x'],
  ])('%s is had to the digit', (_, data, cursor) => {
    expect(readCursor(line(data), 'c')).toBe(cursor);
  });

  test.each([
    ['is not there', '{"a":1}'],
    ['is null', '{"c":null}'],
    ['is a list', '{"c":[1]}'],
    ['is an object', '{"c":{"value":"1"}}'],
    ['is true', '{"c":true}'],
  ])('that %s is an error that names the column', (_, data) => {
    expect(() => readCursor(line(data), 'c')).toThrow('The row holds no usable c.');
  });

  test('is not looked for in what is inherited', () => {
    expect(() => readCursor(line('{"c":1}'), 'toString')).toThrow('The row holds no usable toString.');
  });

  test.each([['{"type":"RECORD"}'], ['{"record":{}}'], ['[]'], ['{"record":{"data":"secret"}}'], ['{"c":secret}']])(
    'is not had from %s, which is not shown',
    (text) => {
      const length = Buffer.byteLength(text);
      expect(() => readCursor(Buffer.from(text), 'c')).toThrow(
        expect.objectContaining({
          code: 'unexpected_fault',
          message: `Unexpected fault in the connector: a row of ${length} bytes came that is not a RECORD message.`,
        }),
      );
    },
  );

  test('that is not UTF-8 is an error that does not show it', () => {
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
