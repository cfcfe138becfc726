import fc from 'fast-check';
import { doubleBytes, floatBytes, integerBytes, listBytes } from '../../support/row-binary.ts';
import type { Leaving } from '../leaving-value.ts';
import { ANYWHERE, type DrawnType, exactly, NOT_LOW, textLeaving } from './drawn-type.ts';

export const integer = fc
  .tuple(fc.constantFrom(8, 16, 32, 64, 128, 256), fc.boolean())
  .map(([bits, signed]) => integerType(bits, signed));

export function integerType(bits: number, signed: boolean): DrawnType {
  const [min, max] = signed ? [-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n] : [0n, 2n ** BigInt(bits) - 1n];
  return {
    name: `${signed ? '' : 'U'}Int${bits}`,
    parsed: { kind: 'integer', signed, bits },
    fits: ANYWHERE,
    value: fc.oneof(fc.bigInt({ min, max }), fc.constantFrom(min, max)).map((value) => ({
      bytes: integerBytes(value, bits),
      leaving: bits > 64 ? textLeaving(String(value)) : exactly(String(value)),
    })),
  };
}

function floating(value: number, rounded: (value: number) => number): Leaving {
  if (Number.isFinite(value)) return { kind: 'number', value, rounded };
  return { kind: 'non_finite', word: String(value).toLowerCase().replace('infinity', 'inf') };
}

const asItIs = (value: number): number => value;

export const float64: DrawnType = {
  name: 'Float64',
  parsed: { kind: 'float' },
  fits: ANYWHERE,
  value: fc.double().map((value) => ({ bytes: doubleBytes(value), leaving: floating(value, asItIs) })),
};
const float32: DrawnType = {
  name: 'Float32',
  parsed: { kind: 'float' },
  fits: ANYWHERE,
  value: fc.float().map((value) => ({ bytes: floatBytes(value), leaving: floating(value, Math.fround) })),
};
const NAN_BFLOAT16 = 0x7fc0;
/** The upper half of a Float32. */
const bfloat16: DrawnType = {
  name: 'BFloat16',
  parsed: { kind: 'float' },
  fits: ANYWHERE,
  value: fc.oneof(fc.nat(0xffff), fc.constantFrom(0x8000, 0x7f80, 0xff80, NAN_BFLOAT16, 0x7f7f, 1)).map((upper) => {
    const value = Buffer.of(0, 0, upper & 0xff, upper >> 8).readFloatLE();
    // A dictionary (LowCardinality) has only one NaN.
    const bits = Number.isNaN(value) ? NAN_BFLOAT16 : upper;
    return { bytes: integerBytes(BigInt(bits), 16), leaving: floating(value, Math.fround) };
  }),
};
export const float = fc.constantFrom(float64, float32, bfloat16);

export const decimal = fc
  .oneof(fc.constantFrom(9, 18, 38, 76), fc.integer({ min: 1, max: 76 }))
  .chain((digits) => fc.integer({ min: 0, max: digits }).map((scale) => decimalType(digits, scale)));

function decimalType(digits: number, scale: number): DrawnType {
  // https://clickhouse.com/docs/sql-reference/data-types/decimal
  const bits = digits <= 9 ? 32 : digits <= 18 ? 64 : digits <= 38 ? 128 : 256;
  const max = 10n ** BigInt(digits) - 1n;
  return {
    name: `Decimal(${digits}, ${scale})`,
    parsed: { kind: 'decimal', scale },
    fits: NOT_LOW,
    value: fc.bigInt({ min: -max, max }).map((value) => ({
      bytes: integerBytes(value, bits),
      leaving: exactly(decimalText(value, scale)),
    })),
  };
}

/** Without zeros at the end. */
function decimalText(value: bigint, scale: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  const whole = digits.slice(0, digits.length - scale);
  return `${value < 0n ? '-' : ''}${scale === 0 ? digits : whole}${scale === 0 || fraction === '' ? '' : `.${fraction}`}`;
}

export const boolean: DrawnType = {
  name: 'Bool',
  parsed: { kind: 'boolean' },
  fits: ANYWHERE,
  value: fc.boolean().map((value) => ({ bytes: Buffer.of(Number(value)), leaving: exactly(String(value)) })),
};

export const qbit = fc.integer({ min: 1, max: 9 }).map(
  (length): DrawnType => ({
    name: `QBit(Float32, ${length})`,
    parsed: { kind: 'other' },
    fits: ['Nullable'],
    value: fc
      .array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: length, maxLength: length })
      .map((items) => ({
        bytes: listBytes(items.map(floatBytes)),
        leaving: {
          kind: 'text',
          text: JSON.stringify(items.map((item) => (Object.is(item, -0) ? 0 : item))),
          same: (text) =>
            JSON.stringify(
              text
                .slice(1, -1)
                .split(',')
                .map((item) => Math.fround(Number(item))),
            ),
        },
      })),
  }),
);
