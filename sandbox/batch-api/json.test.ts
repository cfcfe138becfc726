import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isJsonArray, isJsonObject, parseJson } from './json.ts';

function printed(text: string): string {
  const { print, value } = parseJson(text);
  return print(value);
}

describe('a number keeps its digits', () => {
  test.each([
    '9007199254740993',
    '-9007199254740993',
    '18446744073709551616',
    '1.2345678901234567890123',
    '0.30000000000000004441',
    '123456789012345',
    '1.5e400',
    '1e-400',
    '1E5',
    '23.0',
    '-1.50',
    '0.0000001',
    '-0',
    '-0.0',
  ])('%s', (digits) => {
    expect(printed(`{"a":${digits}}`)).toBe(`{"a":${digits}}`);
    expect(printed(`[ 1,\n ${digits}]`)).toBe(`[1,${digits}]`);
  });

  test('also if a double would round it, at any place', () => {
    const digits = fc.tuple(fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n }), fc.stringMatching(/^(\.\d{1,25})?$/));
    fc.assert(
      fc.property(digits, ([whole, fraction]) => {
        const number = `${whole}${fraction}`;
        expect(printed(`{"a":[{"b":${number}}]}`)).toBe(`{"a":[{"b":${number}}]}`);
      }),
    );
  });
});

test('both parsers read everything except numbers like JSON.parse', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(JSON.parse(printed(text))).toEqual(JSON.parse(text));
      const beside = `{"long":1234567890123456789,"value":${text}}`;
      expect(JSON.parse(printed(beside))).toEqual(JSON.parse(beside));
    }),
  );
});

test.each(['{"__proto__":1}', '{"__proto__":12345678901234567890}'])('%s loses nothing', (text) => {
  expect(printed(text)).toBe(text);
});

test('both parsers keep the last of two equal keys', () => {
  expect(printed('{"a":1,"a":2}')).toBe('{"a":2}');
  expect(printed('{"a":1,"a":12345678901234567890}')).toBe('{"a":12345678901234567890}');
});

test.each(['', '{', '[1,]', '{"a":12345678901234567890,}', '[12345678901234567890] x', 'NaN'])(
  'refuses %j, which is not JSON',
  (text) => {
    expect(() => parseJson(text)).toThrow(SyntaxError);
  },
);

test('a long number is neither an object nor an array', () => {
  const { value } = parseJson('12345678901234567890');
  const inside = parseJson('[12345678901234567890]').value;
  expect([isJsonObject(value), isJsonArray(value)]).toEqual([false, false]);
  expect(isJsonArray(inside) && isJsonObject(inside[0])).toBe(false);
});
