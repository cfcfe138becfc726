import fc from 'fast-check';
import { quoteString } from '../../../src/source-clickhouse/sql.ts';
import { integerBytes, stringBytes } from '../../support/row-binary.ts';
import { ANYWHERE, type DrawnType, NOT_LOW, textLeaving } from './drawn-type.ts';

/** What JSON must escape, what looks like an escape, the byte order mark, and every kind of invalid UTF-8. */
const FRAGMENTS = [
  ...['"', '\\', '/', "'", '`', '\\n', '\\u0041', '\0', '\b', '\t', '\n', '\v', '\f', '\r', '\x1b', '\x7f', '\x85'],
  ...['\u2028', '\u2029', '\ufeff', '\ufffd', '\uffff', 'é', '€', '😀', 'a', '}', '"}', ',"row_hash":"1"}'],
].map((text) => Buffer.from(text));
const NO_UTF8 = ['ff', 'c3', 'e282', 'f09f98', '80', 'c080', 'eda080', 'f4908080', 'f8888080'].map((hex) =>
  Buffer.from(hex, 'hex'),
);
const anyBytes: fc.Arbitrary<Buffer> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => Buffer.from(text)),
  fc.array(fc.constantFrom(...FRAGMENTS, ...NO_UTF8), { maxLength: 6 }).map((parts) => Buffer.concat(parts)),
  fc.uint8Array({ maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
);
/** Text of those pieces that are UTF-8. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 4 }).map((parts) => Buffer.concat(parts).toString()),
);

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });

export const string: DrawnType = {
  name: 'String',
  parsed: { kind: 'string' },
  fits: ANYWHERE,
  value: anyBytes.map((bytes) => ({ bytes: stringBytes(bytes), leaving: textLeaving(UTF8.decode(bytes)) })),
};

export const fixedString = fc.integer({ min: 1, max: 9 }).map(
  (length): DrawnType => ({
    name: `FixedString(${length})`,
    parsed: { kind: 'fixed_string', length },
    fits: ANYWHERE,
    value: anyBytes.map((drawn) => {
      const bytes = Buffer.alloc(length);
      drawn.copy(bytes);
      const end = bytes.findLastIndex((byte) => byte !== 0) + 1;
      return { bytes, leaving: textLeaving(UTF8.decode(bytes.subarray(0, end))) };
    }),
  }),
);

export const enumeration = fc
  .tuple(fc.constantFrom(8, 16), fc.uniqueArray(anyText, { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([bits, names, isNegative]): DrawnType => {
    const numberOf = (index: number): number => (isNegative ? index - 2 ** (bits - 1) : 2 ** (bits - 1) - 1 - index);
    const members = names.map((name, index) => `${quoteString(name)} = ${numberOf(index)}`);
    return {
      name: `Enum${bits}(${members.join(', ')})`,
      parsed: { kind: 'enumeration' },
      fits: NOT_LOW,
      value: fc.nat(names.length - 1).map((index) => ({
        bytes: integerBytes(BigInt(numberOf(index)), bits),
        leaving: textLeaving(names[index] ?? ''),
      })),
    };
  });

export const uuid: DrawnType = {
  name: 'UUID',
  parsed: { kind: 'uuid' },
  fits: ANYWHERE,
  value: fc.uint8Array({ minLength: 16, maxLength: 16 }).map((drawn) => {
    const digits = Buffer.from(drawn).toString('hex');
    const text = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    // Two halves, each with its lowest byte first.
    const bytes = Buffer.concat([drawn.slice(0, 8).reverse(), drawn.slice(8).reverse()]);
    return { bytes, leaving: textLeaving(text) };
  }),
};

const ipv4: DrawnType = {
  name: 'IPv4',
  parsed: { kind: 'ip' },
  fits: ANYWHERE,
  value: fc.uint8Array({ minLength: 4, maxLength: 4 }).map((parts) => ({
    bytes: Buffer.from(parts.slice().reverse()),
    leaving: textLeaving(parts.join('.')),
  })),
};
const ipv6: DrawnType = {
  name: 'IPv6',
  parsed: { kind: 'ip' },
  fits: ANYWHERE,
  value: fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 }).map((groups) => ({
    bytes: Buffer.from(groups.flatMap((group) => [group >> 8, group & 0xff])),
    leaving: {
      kind: 'text',
      text: groups.map((group) => group.toString(16)).join(':'),
      // An IPv6 address can be written in many ways.
      same: (text) => new URL(`http://[${text}]`).hostname,
    },
  })),
};
export const address = fc.constantFrom(ipv4, ipv6);
