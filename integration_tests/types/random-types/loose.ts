import fc from 'fast-check';
import { countBytes, integerBytes, listBytes, stringBytes } from '../../support/row-binary.ts';
import { type Drawn, type DrawnType, exactly, textLeaving } from './drawn-type.ts';
import { boolean, float64, integerType } from './numbers.ts';
import { anyText, string } from './texts.ts';
import { date, stampText } from './times.ts';

// Types that only the value determines: the server writes them in its own form, which depends on settings.

const jsonLeaf = fc.oneof(
  anyText,
  fc.maxSafeInteger(),
  fc.boolean(),
  fc.array(anyText, { minLength: 1, maxLength: 3 }),
);
/** Without a dot, which JSON treats as a path. */
const jsonName = fc.stringMatching(/^[a-z_é]{1,4}$/);
const jsonObject = objectOf(fc.oneof(jsonLeaf, objectOf(jsonLeaf, 1)), 0);

/** With the names sorted, as the server returns them. */
function objectOf(value: fc.Arbitrary<unknown>, minKeys: number): fc.Arbitrary<Record<string, unknown>> {
  return fc
    .dictionary(jsonName, value, { minKeys, maxKeys: 4 })
    .map((entries) => Object.fromEntries(Object.entries(entries).sort(([a], [b]) => (a < b ? -1 : 1))));
}

export const json: DrawnType = {
  name: 'JSON',
  parsed: { kind: 'json' },
  fits: ['Nullable', 'Variant'],
  value: jsonObject.map((value) => ({ bytes: stringBytes(serversJson(value)), leaving: { kind: 'json', value } })),
};

/** With the escapes that the server writes. */
function serversJson(value: unknown): string {
  return JSON.stringify(value)
    .replaceAll('/', '\\/')
    .replace(/[\u2028\u2029]/g, (character) => `\\u${character.charCodeAt(0).toString(16)}`)
    .replace(/(?<=\\u00)[0-9a-f]{2}/g, (digits) => digits.toUpperCase());
}

const UTC = Buffer.from('UTC');
/** The type's code is before a value. https://clickhouse.com/docs/sql-reference/data-types/data-types-binary-encoding */
export const dynamic: DrawnType = {
  name: 'Dynamic',
  parsed: { kind: 'dynamic' },
  fits: [],
  value: fc.oneof(
    fc.constant({ bytes: Buffer.of(0x00), leaving: exactly('null') }),
    coded([0x15], string.value),
    coded([0x2d], boolean.value),
    coded([0x0a], integerType(64, true).value),
    coded([0x04], integerType(64, false).value),
    // Not inspected: its NaN becomes null without a report.
    coded([0x0e], float64.value).map(({ bytes, leaving }) => ({
      bytes,
      leaving: leaving.kind === 'non_finite' ? exactly('null') : leaving,
    })),
    coded([0x0f], date.value),
    fc.bigInt({ min: 0n, max: 2n ** 40n }).map((ticks) => ({
      bytes: Buffer.concat([Buffer.of(0x14, 3), countBytes(UTC.length), UTC, integerBytes(ticks, 64)]),
      // In the server's form.
      leaving: textLeaving(stampText(ticks, 3).replace('T', ' ').replace('Z', '')),
    })),
    coded(
      [0x1e, 0x15],
      fc.array(string.value, { maxLength: 3 }).map((items) => ({
        bytes: listBytes(items.map(({ bytes }) => bytes)),
        leaving: { kind: 'list', items: items.map(({ leaving }) => leaving) },
      })),
    ),
  ),
};

function coded(code: readonly number[], value: fc.Arbitrary<Drawn>): fc.Arbitrary<Drawn> {
  return value.map(({ bytes, leaving }) => ({ bytes: Buffer.concat([Buffer.from(code), bytes]), leaving }));
}
