import { expect, test } from 'vitest';
import { keptText, TEXT_KEPT } from './kept-text.ts';

test('a text is kept as it is up to a length, and told to be longer beyond it', () => {
  const whole = 'é'.repeat(TEXT_KEPT);
  expect(keptText(whole)).toBe(whole);
  expect(keptText(`${whole}x`)).toBe(`${whole} … (4001 characters)`);
});
