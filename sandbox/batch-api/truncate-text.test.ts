import { expect, test } from 'vitest';
import { MAX_TEXT, truncateText } from './truncate-text.ts';

test('a text is kept as it is up to a length, and told to be longer beyond it', () => {
  const whole = 'é'.repeat(MAX_TEXT);
  expect(truncateText(whole)).toBe(whole);
  expect(truncateText(`${whole}x`)).toBe(`${whole} … (4001 characters)`);
});
