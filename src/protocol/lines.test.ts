import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type LineBatch, splitLines } from './lines.ts';

async function* stream(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks;
}

function linesIn({ bytes, start, ends }: LineBatch): Buffer[] {
  return ends.map((end, index) => bytes.subarray(index === 0 ? start : (ends[index - 1] ?? 0) + 1, end));
}

async function linesOf(chunks: readonly Uint8Array[]): Promise<Buffer[]> {
  const lines: Buffer[] = [];
  for await (const batch of splitLines(stream(chunks))) lines.push(...linesIn(batch));
  return lines;
}

async function textsOf(...chunks: string[]): Promise<string[]> {
  const lines = await linesOf(chunks.map((chunk) => Buffer.from(chunk)));
  return lines.map((line) => line.toString());
}

/** Cuts bytes at the given places, which may coincide: an empty chunk is legal. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const bounds = [0, ...places.map((place) => place % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  return bounds.slice(1).map((bound, index) => bytes.subarray(bounds[index], bound));
}

/** Lines with many line feeds, empty lines and bytes of every kind among them. */
const anyBytes = fc
  .array(fc.oneof(fc.constant(0x0a), fc.constant(0x0d), fc.nat(255)))
  .map((bytes) => Buffer.from(bytes));

test('yields the same lines for any chunks, byte for byte', async () => {
  await fc.assert(
    fc.asyncProperty(anyBytes, fc.array(fc.nat()), async (bytes, places) => {
      const expected = bytes.toString('latin1').split('\n');
      if (expected.at(-1) === '') expected.pop();
      const lines = await linesOf(cut(bytes, places));
      expect(lines.map((line) => line.toString('latin1'))).toEqual(expected);
    }),
  );
});

test('keeps multi-byte characters that are split between chunks', async () => {
  const text = '{"a":"é€😀"}\n{"b":"日本語"}\n';
  for (let size = 1; size < 8; size++) {
    const bytes = Buffer.from(text);
    const places = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => index * size);
    const lines = await linesOf(cut(bytes, places));
    expect(lines.map((line) => line.toString())).toEqual(['{"a":"é€😀"}', '{"b":"日本語"}']);
  }
});

describe('lines', () => {
  test.each<[string, string[], string[]]>([
    ['no bytes are no lines', [], []],
    ['an empty chunk is no line', [''], []],
    ['the last line needs no line feed', ['a\nb'], ['a', 'b']],
    ['a line feed at the end begins no line', ['a\n'], ['a']],
    ['empty lines are lines', ['\n\na\n\n'], ['', '', 'a', '']],
    ['a carriage return belongs to its line', ['a\r\nb\r\n'], ['a\r', 'b\r']],
    ['a carriage return does not end a line', ['a\rb'], ['a\rb']],
    ['U+2028, U+2029 and U+0085 end nothing', ['a\u2028b\u2029c\u0085d\n'], ['a\u2028b\u2029c\u0085d']],
    ['a line may come in many chunks', ['a', 'b', '', 'c\nd', 'e'], ['abc', 'de']],
    ['a chunk may be only a line feed', ['a', '\n', '\n', 'b'], ['a', '', 'b']],
  ])('%s', async (_, chunks, expected) => {
    expect(await textsOf(...chunks)).toEqual(expected);
  });
});

test('reads only its own bytes of a chunk that is part of a larger buffer', async () => {
  const buffer = new TextEncoder().encode('before|a\nb|after');
  const lines = await linesOf([buffer.subarray(7, 10)]);
  expect(lines.map((line) => line.toString())).toEqual(['a', 'b']);
});

test('yields the lines of a chunk together, before it reads the next chunk', async () => {
  const asked: string[] = [];
  async function* source(): AsyncGenerator<Uint8Array> {
    for (const chunk of ['a\nb\nc', 'd\n', 'no end', '\ne']) {
      asked.push(chunk);
      yield Buffer.from(chunk);
    }
  }
  const seen: [lines: string[], asked: number][] = [];
  for await (const batch of splitLines(source())) seen.push([linesIn(batch).map(String), asked.length]);
  expect(seen).toEqual([
    [['a', 'b'], 1],
    [['cd'], 2],
    [['no end'], 4],
    [['e'], 4],
  ]);
});

test('yields the lines before an error of the source, but no part of a line', async () => {
  async function* source(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('a\nhalf');
    throw new Error('broken pipe');
  }
  const lines: string[] = [];
  const reading = (async () => {
    for await (const batch of splitLines(source())) lines.push(...linesIn(batch).map(String));
  })();
  await expect(reading).rejects.toThrow('broken pipe');
  expect(lines).toEqual(['a']);
});

test('closes the source when the loop is left', async () => {
  let closed = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      yield Buffer.from('a\n');
      yield Buffer.from('b\n');
    } finally {
      closed = true;
    }
  }
  for await (const _ of splitLines(source())) break;
  expect(closed).toBe(true);
});

test('keeps the start of a line when the source reuses the memory of its chunks', async () => {
  const chunk = Buffer.alloc(4);
  async function* source(): AsyncGenerator<Uint8Array> {
    for (const text of ['a\nbc', 'de\nf', 'g\nhi']) yield chunk.fill(text);
  }
  const lines: string[] = [];
  for await (const batch of splitLines(source())) lines.push(...linesIn(batch).map(String));
  expect(lines).toEqual(['a', 'bcde', 'fg', 'hi']);
});
