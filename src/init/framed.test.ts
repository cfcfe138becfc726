import { expect, test } from 'vitest';
import { wrapForFrame } from './framed.ts';

test.each<[string, number | undefined, string]>([
  ['short', 80, 'short'],
  ['one two three', 11, 'one two\nthree'],
  ['x'.repeat(20), 13, `${'x'.repeat(10)}\n${'x'.repeat(10)}`],
  ['a\nb\u001b[31m', 80, 'a\nb\\u001b[31m'],
  ['word '.repeat(30).trim(), undefined, `${'word '.repeat(15).trim()}\n${'word '.repeat(15).trim()}`],
])('%j in %s columns leaves room for the bar before it, and breaks between words', (text, columns, expected) => {
  expect(wrapForFrame(text, columns)).toBe(expected);
});
