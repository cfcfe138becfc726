import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BytePattern, copyWords, MOST_OVERWRITTEN_BYTES, skipWords, viewOf } from './byte-pattern.ts';

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

test('copies words up to a quote, a backslash, a character that is too low or a byte beyond ASCII', () => {
  const isPlain = (code: number, lowest: number): boolean =>
    code >= lowest && code < 0x80 && code !== 0x22 && code !== 0x5c;
  for (const lowest of [0x20, 0x21]) {
    for (let code = 0; code < 256; code += 1) {
      for (let place = 0; place < 8; place += 1) {
        // A second such byte after the first doesn't change where the copy ends.
        for (const next of [0x69, 0x22, 0xff, 0x00]) {
          const source = Buffer.from('.abcdefghi"..', 'latin1');
          source[1 + place] = code;
          source[2 + place] = next;
          const expected = source.findIndex((each, index) => index > 0 && !isPlain(each, lowest)) - 1;
          const target = Buffer.alloc(2 + expected + MOST_OVERWRITTEN_BYTES + 1, '.');
          const end = copyWords(viewOf(source), 1, source.length, viewOf(target), 2, lowest * 0x01010101);
          expect(end).toBe(1 + expected);
          expect(target.subarray(0, 2).toString()).toBe('..');
          expect(target.subarray(2, 2 + expected)).toEqual(source.subarray(1, 1 + expected));
          expect(target.at(-1)).toBe(0x2e);
        }
      }
    }
  }
});

test('copies words up to the last three bytes of the source', () => {
  for (let length = 0; length < 12; length += 1) {
    const source = Buffer.from('abcdefghijkl'.slice(0, length));
    const target = Buffer.alloc(length + MOST_OVERWRITTEN_BYTES, '.');
    const end = copyWords(viewOf(source), 0, length, viewOf(target), 0, 0x20202020);
    expect(end).toBe(length - (length % 4));
    expect(target.toString('latin1', 0, end)).toBe('abcdefghijkl'.slice(0, end));
  }
});

test('skips words up to the first quote or backslash, or to the last three bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 30 }), fc.nat(30), fc.constantFrom(0x22, 0x5c), (array, place, mark) => {
      const source = Buffer.from(array.map((code) => (code === 0x22 || code === 0x5c ? 0x23 : code)));
      expect(skipWords(viewOf(source), 0, source.length)).toBe(source.length - (source.length % 4));
      if (place >= source.length) return;
      source[place] = mark;
      const end = skipWords(viewOf(source), 0, source.length);
      expect(end).toBe(Math.min(place, source.length - (source.length % 4)));
    }),
  );
});
