import fc from 'fast-check';
import { LosslessNumber, stringify } from 'lossless-json';
import { describe, expect, test } from 'vitest';
import { anyText } from '../../sandbox/any-text.ts';
import { parseExact } from './exact-json.ts';

/** What a parser makes of a text, as text: keys in their order, and each number as the double that JSON.parse gives. */
function outcome(parse: (text: string) => unknown, text: string): string {
  const asDouble = (_: string, value: unknown) => {
    const number = value instanceof LosslessNumber ? Number(value.value) : value;
    return typeof number === 'number' ? { double: Object.is(number, -0) ? '-0' : String(number) } : number;
  };
  try {
    return JSON.stringify(parse(text), asDouble);
  } catch (error) {
    return error instanceof SyntaxError ? 'SyntaxError' : `another error: ${String(error)}`;
  }
}

describe('keeps every digit of a number', () => {
  test.each([
    '9007199254740993',
    '-9007199254740993',
    '9223372036854775807',
    '-9223372036854775808',
    '18446744073709551615',
    '123456789012345.678901234567890',
    '0.100000000000000000000000000001',
    '1234567890123456789e5',
  ])('%s', (digits) => {
    const text = `{"a":[${digits},{"b":${digits}}],"c":"x"}`;
    expect(stringify(parseExact(text))).toBe(text);
  });

  test.each(['1e20', '1e-400', '-1E+19', '123456789012345e-330', '23.0', '-1.50', '0.0', '0.0000001', '-0.00000012'])(
    '%s, though a double of it would be another number or be written in another way',
    (digits) => {
      for (const text of [
        `{"a":${digits}}`,
        `[1, ${digits} ,"x"]`,
        `{"b":"1.0","a":[${digits}]}`,
        `{"b":"f3E4","c":"8-1e-5a","a":${digits}}`,
      ]) {
        expect(
          JSON.stringify(parseExact(text), (_, value) => (value instanceof LosslessNumber ? `#${value.value}` : value)),
        ).toBe(JSON.stringify(JSON.parse(text.replaceAll(digits, `"#${digits}"`))));
      }
    },
  );

  test('also next to short numbers, strings of digits and words', () => {
    const text =
      '{"a":1,"b":9007199254740993,"c":"9007199254740993","d":null,"e":true,"f":[1.5,"[12345678901234567890]"]}';
    expect(stringify(parseExact(text))).toBe(text);
  });
});

test.each([
  ['a short number', '[1]', [1]],
  ['a number of fifteen characters', '[123456789012345]', [123456789012345]],
  ['digits in a string', '{"a":"12345678901234567890"}', { a: '12345678901234567890' }],
  [
    'zeros in a string',
    '{"a":"at: 1.0, [2.50 ","b":"2026-04-17T04:25:00.120Z"}',
    { a: 'at: 1.0, [2.50 ', b: '2026-04-17T04:25:00.120Z' },
  ],
  ['a fraction', '[1.5,0.000001,-10.05]', [1.5, 0.000001, -10.05]],
])('parses %s as a plain value', (_, text, expected) => {
  expect(parseExact(text)).toStrictEqual(expected);
});

test('parses a number in the same way, whatever other numbers are in the text', () => {
  const numbers = ['-123456789012345', '-1234567890.1230', '-0.0000000000000', '-0', '1.50', '1234567890123.0'];
  for (const number of numbers) {
    const [single] = parseExact(`[${number}]`) as unknown[];
    expect([number, single]).toStrictEqual([
      number,
      number.endsWith('0') && number.includes('.') ? new LosslessNumber(number) : Number(number),
    ]);
    expect(parseExact(`[${number},12345678901234567890]`)).toStrictEqual([
      single,
      new LosslessNumber('12345678901234567890'),
    ]);
  }
});

test('keeps the digits of a long number at any position', () => {
  for (const digits of ['1234567890123457', '-9007199254740993', '0.12345678901234567']) {
    for (let before = 0; before < 40; before += 1) {
      const text = `{"a":"${'x'.repeat(before)}","b":${digits}}`;
      expect(stringify(parseExact(text))).toBe(text);
    }
  }
});

test('uses the last of two equal keys, also next to long numbers', () => {
  expect(stringify(parseExact('{"a":9007199254740993,"a":9007199254740995,"b":1,"b":[]}'))).toBe(
    '{"a":9007199254740995,"b":[]}',
  );
});

test.each([
  ['a long number for a key', '{1234567890123456789:1}'],
  ['a string after a long number', '[1234567890123456789"a"]'],
  ['zeros before a long number', '[001234567890123456789]'],
  ['a long number that ends in a point', '[1234567890123456789.]'],
])('rejects %s', (_, text) => {
  expect(() => parseExact(text)).toThrow(SyntaxError);
});

test('treats the key __proto__ like any other, also next to a long number', () => {
  const value = parseExact('{"__proto__":9007199254740993}');
  expect(Object.entries(Object(value))).toEqual([['__proto__', new LosslessNumber('9007199254740993')]]);
});

test('parses JSON that is nested deeper than the stack, with the digits of its numbers', () => {
  const levels = 200_000;
  let value = parseExact(`${'['.repeat(levels)}9007199254740993${']'.repeat(levels)}`);
  while (Array.isArray(value)) [value] = value;
  expect(value).toEqual(new LosslessNumber('9007199254740993'));
});

describe('equals JSON.parse except for the digits', () => {
  const longNumbers = fc
    .stringMatching(/^-?(0|[1-9]\d{0,30})(\.\d{1,30})?([eE][+-]?\d{1,3})?$/)
    .map((digits) => `"number ${digits}"`);
  const keys = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'a'));
  const values = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom('null', 'true', 'false'),
      anyText().map((text) => JSON.stringify(text)),
      longNumbers.map((text) => text.slice(8, -1)),
      fc.array(tie('any'), { maxLength: 4 }).map((items) => `[${items.join(' ,')}]`),
      fc
        .array(fc.tuple(keys, tie('any')), { maxLength: 4 })
        .map((entries) => `{${entries.map(([key, value]) => `${JSON.stringify(key)}\t:\n${value}`).join(',')}}`),
    ),
  })).any as fc.Arbitrary<string>;

  test('for all JSON', () => {
    fc.assert(
      fc.property(values, (text) => {
        expect(outcome(parseExact, text)).toBe(outcome(JSON.parse, text));
      }),
      { numRuns: 1_000 },
    );
  });

  test('for all JSON, where each number has the digits of the text', () => {
    const marked = (text: string): unknown =>
      JSON.parse(
        text.replace(/"(?:[^"\\]|\\.)*"|[-\d][-+.\deE]*/gs, (token) => (token.startsWith('"') ? token : `"#${token}"`)),
      );
    const mark = (_: string, value: unknown): unknown => {
      if (value instanceof LosslessNumber) return `#${value.value}`;
      return typeof value === 'number' ? `#${Object.is(value, -0) ? '-0' : value}` : value;
    };
    fc.assert(
      fc.property(values, (text) => {
        expect(JSON.stringify(parseExact(text), mark)).toBe(JSON.stringify(marked(text)));
      }),
      { numRuns: 1_000 },
    );
  });

  test('for invalid JSON, which both reject with a SyntaxError', () => {
    const spoilt = fc
      .tuple(values, fc.nat(), fc.constantFrom('', ',', '"', '\\', '}', ']', '-', '.', '\u0001', '\ufeff', '01', 'e'))
      .map(([text, place, mark]) => {
        const at = place % (text.length + 1);
        return `[12345678901234567,${text.slice(0, at)}${mark}${text.slice(at + 1)}]`;
      });
    fc.assert(
      fc.property(spoilt, (text) => {
        expect(outcome(parseExact, text)).toBe(outcome(JSON.parse, text));
      }),
      { numRuns: 1_000 },
    );
  });
});
