import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BytePattern, viewOf } from './byte-pattern.ts';

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));

test('a pattern matches only its own bytes, and only if all of them are before the end', () => {
  const text = fc.string({ unit: 'grapheme-ascii', maxLength: 30 });
  fc.assert(
    fc.property(text, bytes, bytes, fc.nat(), (written, before, after, changed) => {
      const pattern = new BytePattern(written);
      const all = Buffer.concat([before, Buffer.from(written), after]);
      const end = before.length + written.length;
      expect(pattern.length).toBe(written.length);
      expect(pattern.matches(viewOf(all), before.length, end)).toBe(true);
      if (written === '') return;
      expect(pattern.matches(viewOf(all), before.length, end - 1)).toBe(false);
      const place = before.length + (changed % written.length);
      all[place] = (all[place] ?? 0) ^ 1;
      expect(pattern.matches(viewOf(all), before.length, end)).toBe(false);
    }),
  );
});

test('a pattern writes its bytes, and no others', () => {
  for (let length = 0; length <= 13; length += 1) {
    const text = 'abcdefghijklm'.slice(0, length);
    const target = Buffer.alloc(20, '.');
    expect(new BytePattern(text).write(viewOf(target), 3)).toBe(3 + length);
    expect(target.toString()).toBe(`...${text}${'.'.repeat(17 - length)}`);
  }
});
