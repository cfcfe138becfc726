import fc from 'fast-check';
import { expect, test } from 'vitest';
import { viewOf } from './byte-pattern.ts';
import { copyWords, MOST_OVERWRITTEN_BYTES, skipAsciiWords, skipWords } from './byte-words.ts';

test('copies words up to a quote, a backslash, a character that is too low or a byte beyond ASCII', () => {
  const isCopied = (code: number, lowest: number): boolean =>
    code >= lowest && code < 0x80 && code !== 0x22 && code !== 0x5c;
  for (const lowest of [0x20, 0x21]) {
    for (let code = 0; code < 256; code += 1) {
      for (let place = 0; place < 8; place += 1) {
        // A second such byte after the first doesn't change where the copy ends.
        for (const next of [0x69, 0x22, 0xff, 0x00]) {
          const source = Buffer.from('.abcdefghi"..', 'latin1');
          source[1 + place] = code;
          source[2 + place] = next;
          const expected = source.findIndex((each, index) => index > 0 && !isCopied(each, lowest)) - 1;
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

test.each([
  ['ASCII words', skipAsciiWords, (code: number) => code >= 0x20 && code < 0x7f && code !== 0x22 && code !== 0x5c],
  ['words', skipWords, (code: number) => code >= 0x20 && code !== 0x22 && code !== 0x5c],
])('skips %s up to the first other byte, or to the last three bytes', (_, skip, isSkipped) => {
  const codes = fc.oneof(
    fc.integer({ min: 0x23, max: 0x5b }),
    fc.nat(255),
    fc.constantFrom(0x1f, 0x20, 0x22, 0x5c, 0x7e, 0x7f, 0x80),
  );
  fc.assert(
    fc.property(fc.array(codes, { maxLength: 30 }), fc.nat(5), (array, offset) => {
      const source = Buffer.from(array);
      const { length } = source;
      const lastWord = offset + 4 * Math.floor(Math.max(0, length - offset) / 4);
      const other = source.findIndex((code, index) => index >= offset && !isSkipped(code));
      expect(skip(viewOf(source), offset, length)).toBe(other === -1 ? lastWord : Math.min(other, lastWord));
    }),
    { numRuns: 1_000 },
  );
});
