import fc from 'fast-check';
import { LosslessNumber } from 'lossless-json';
import { describe, expect, test } from 'vitest';
import { maskName, maskValues } from './mask-values.ts';

const ROW = {
  a: 'secret',
  b: [{ c: 'secret word' }],
  d: 123456,
  e: 7,
  f: new LosslessNumber('9007199254740993'),
  g: 'is',
  h: 'a long text about a customer',
  i: 'with "quotes"\nand lines',
  vip: 'vip',
};

describe("masks the row's values in a response of Batch", () => {
  test.each([
    ['in quotes and bare', '"secret word" and secret, 123456 of 9007199254740993', '"****" and ****, **** of ****'],
    ['short values in quotes', 'value "7" or \'is\' or `is`', 'value "****" or \'****\' or `****`'],
    [
      'but not short values without quotes, which may be ordinary words',
      'the value is 7 characters',
      'the value is 7 characters',
    ],
    ['truncated', 'invalid: a long text about… and "a long te…"', 'invalid: ****… and "****"'],
    ['in JSON', 'got {"i":"with \\"quotes\\"\\nand lines"}', 'got {"i":"****"}'],
    ['on several lines', 'got\n\nsecret \n', 'got ****'],
    ['in another case or format', 'got "A LONG TEXT ABOUT A CUSTOMER" at "2026-04-17 04:25"', 'got "****" at "****"'],
    ['that look like a name', 'attribute "vip" is "vip"', 'attribute "****" is "****"'],
  ])('%s', (_, words, shown) => {
    expect(maskValues(words, ROW)).toBe(shown);
  });

  test.each([
    ['that begin like a longer value', '<customer-99>', ['customer-1234567', 'customer-99'], '<****>'],
    ['that are the beginning of a truncated value', '<customer-123…', ['customer-1234567', 'customer'], '<****…'],
    ['that begin like their JSON', `<${'\\'.repeat(8)}xyz>`, [`${'\\'.repeat(8)}xyz`], '<****>'],
    ['that overlap', 'is abcdefgh', ['abc', 'bcdefgh'], 'is ****'],
  ])('%s', (_, words, row, shown) => {
    expect(maskValues(words, row)).toBe(shown);
  });

  test('but not names and rules', () => {
    for (const words of [
      'attribute "date(birthday)" must be a "string", not "items_list[2].name"',
      "can't be used: it isn't a date, and 'price' wasn't either",
      'events[0]: time is over 24 hours ago',
    ])
      expect(maskValues(words, ROW)).toBe(words);
  });

  test('before it truncates the response, so that no part of a value is left', () => {
    const words = `${'x '.repeat(90)}secret word secret word`;
    expect(maskValues(words, ROW)).toBe(`${'x '.repeat(90)}**** ****`);
    expect(maskValues('y '.repeat(500), ROW)).toMatch(/^(y ){100}…$/);
  });

  test('for any values', () => {
    const value = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }).filter((text) => !/["*\s]/.test(text));
    fc.assert(
      fc.property(value, fc.nat(40), (text, cut) => {
        const part = text.slice(0, Math.max(8, cut));
        // The value has no letters next to it: otherwise, it could be a part of a word.
        expect(maskValues(`– "${text}" –`, { text })).toBe('– "****" –');
        if (text.length >= 3) expect(maskValues(`<${text}>`, { text })).toBe('<****>');
        if (text.length > 8) expect(maskValues(`\u0001${part}\u0002`, { text })).toBe('\u0001****\u0002');
      }),
    );
  });
});

test('shows the name of an attribute only if it looks like a name', () => {
  const names = [
    'price',
    '$label',
    'date(paid_at)',
    'items_list[2].name',
    'a b',
    'jane@example.com',
    '33612345678',
    '',
  ];
  expect(names.map(maskName)).toEqual([
    'price',
    '$label',
    'date(paid_at)',
    'items_list[2].name',
    '****',
    '****',
    '****',
    '****',
  ]);
});
