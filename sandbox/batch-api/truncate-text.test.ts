import { expect, test } from 'vitest';
import { MAX_TEXT, truncateText } from './truncate-text.ts';

test('truncates a string that is longer than the limit, and appends its length', () => {
  const whole = 'é'.repeat(MAX_TEXT);
  expect(truncateText(whole)).toBe(whole);
  expect(truncateText(`${whole}x`)).toBe(`${whole} … (4001 characters)`);
});
