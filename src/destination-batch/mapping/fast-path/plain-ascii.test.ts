import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anyText } from '../../../../sandbox/any-text.ts';
import { isPlainAscii } from './plain-ascii.ts';

test.each(['', ' ', 'linen shirt 7', '~', "it's", '[draft] {x}', 'x'.repeat(300)])('%j is', (text) => {
  expect(isPlainAscii(text)).toBe(true);
});

test.each(['"', 'a\\b', '\n', 'a\tb', '\u007f', 'é', '日本', '😀', '\ud83d', '\u2028', '\u0000', 'x'.repeat(301)])(
  '%j is not',
  (text) => {
    expect(isPlainAscii(text)).toBe(false);
  },
);

test('what is has itself in quotes for its JSON, and is well-formed and of one line', () => {
  fc.assert(
    fc.property(fc.oneof(anyText(), fc.string({ unit: 'grapheme' })), (text) => {
      if (!isPlainAscii(text)) return;
      expect([JSON.stringify(text), text.isWellFormed(), /[\r\n]/.test(text)]).toEqual([`"${text}"`, true, false]);
    }),
    { numRuns: 5_000 },
  );
});
