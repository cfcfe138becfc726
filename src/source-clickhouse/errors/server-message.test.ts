import { ClickHouseError } from '@clickhouse/client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { redactServerMessage, summarizeServerMessage } from './server-message.ts';

function error(code: number, message: string): ClickHouseError {
  return new ClickHouseError({ code: String(code), message, type: 'SOME_ERROR' });
}

const IN_FUNCTION =
  ": while executing 'FUNCTION toUInt32(__table1.`a b` :: 0, 'it\\'s'_String :: 2) -> toUInt32(__table1.code) UInt32 : 1'";

describe('masks the value in an error about a value:', () => {
  test.each<[number, said: string, shown: string]>([
    [
      6,
      `Cannot parse string 'n/a. x' as UInt32: syntax error at begin of string. Note: there are toUInt32OrZero and toUInt32OrNull functions${IN_FUNCTION}. `,
      'Cannot parse string [string of 6 characters] as UInt32: syntax error at begin of string: while executing function toUInt32 on `a b`, code',
    ],
    [
      6,
      "Cannot parse string '1.5x' as Decimal(9, 2): syntax error at position 3 (parsed just '1.5')",
      'Cannot parse string [string of 4 characters] as Decimal(9,2): syntax error at position 3 (parsed just [string of 3 characters])',
    ],
    [
      27,
      "Cannot parse input: expected ',' before: 'x,1)\\nof the array'",
      'Cannot parse input: expected [string of 1 character] before: [string of 18 characters]',
    ],
    [
      41,
      'Value 72876 for year must be in the range [1970, 2106]',
      'Value [number of 5 characters] for year must be in the range [[number of 4 characters], [number of 4 characters]]',
    ],
    [
      72,
      'Cannot read floating point value here: Jane Doe: Cannot parse Float64 from String',
      'Cannot read floating point value here: [string of 8 characters]: Cannot parse Float64 from String',
    ],
    [
      117,
      'Invalid base64Decode value (sec!ret), cannot be decoded',
      'Invalid base64Decode value ([string of 7 characters]), cannot be decoded',
    ],
    [
      407,
      'Decimal convert overflow: 777777777755000 is not in range (-2147483648, 2147483647)',
      'Decimal convert overflow: [number of 15 characters] is not in range ([number of 11 characters], [number of 10 characters])',
    ],
    [691, "Unknown element 'jane@x.y' for enum", 'Unknown element [string of 8 characters] for enum'],
    [
      153,
      `Division by zero${IN_FUNCTION.replace('toUInt32(', 'intDiv(')}`,
      'Division by zero: while executing function intDiv on `a b`, code',
    ],
    // Errors about a file with invalid content.
    [
      636,
      `Cannot parse input: expected '{' before: 'jane@x.y,1'. (`,
      'Cannot parse input: expected [string of 1 character] before: [string of 10 characters]',
    ],
    // Of a function, whatever the code is.
    [
      36,
      `Invalid argument of function parseTimeDelta, str: "Jane"${IN_FUNCTION}`,
      'Invalid argument of function parseTimeDelta, [string of 3 characters]: [string of 4 characters]: while executing function toUInt32 on `a b`, code',
    ],
    [
      36,
      `Invalid argument of function parseTimeDelta, str: "Jane while reading x"${IN_FUNCTION}`,
      'Invalid argument of function parseTimeDelta, [string of 3 characters]: [string of 5 characters]: while executing function toUInt32 on `a b`, code',
    ],
  ])('%i %s', (code, said, shown) => {
    expect(summarizeServerMessage(error(code, said))).toBe(shown);
  });

  test('of any length', () => {
    const said = `Cannot parse string ${String.raw`it\'s `.repeat(5_000)} as UInt32`;
    expect(summarizeServerMessage(error(6, said))).toMatch(/^Cannot parse string \[string of \d+ characters\].*…$/);
  });

  test('whatever the value is', () => {
    const forms: [number, (value: string) => string][] = [
      [6, (value) => `Cannot parse string '${value}' as UInt8: syntax error at begin of string`],
      [376, (value) => `Cannot parse uuid ${value}: Cannot parse UUID from String${IN_FUNCTION}`],
      [117, (value) => `Cannot parse JSON object here: ${value}: while executing 'FUNCTION CAST(a)'`],
      [43, (value) => `Something about ${value}${IN_FUNCTION}`],
    ];
    const secret = fc.stringMatching(/^[A-Z0-9@.,'"`(){}:%é-]{0,8}SECRET[A-Z0-9@.,'"`(){}:% é-]{0,8}$/);
    fc.assert(
      fc.property(secret, fc.constantFrom(...forms), (value, [code, form]) => {
        const met = error(code, form(value));
        expect(summarizeServerMessage(met) + redactServerMessage(met)).not.toContain('SECRET');
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('shows all of another error:', () => {
  test.each<[number, said: string, shown: string]>([
    [
      60,
      "Unknown table expression identifier 'shop.x'\n  in scope SELECT 1. Maybe you meant shop.y?. ",
      "Unknown table expression identifier 'shop.x' in scope SELECT 1",
    ],
    [
      395,
      `negative price${IN_FUNCTION.replace('toUInt32(', 'throwIf(')}`,
      'negative price: while executing function throwIf on `a b`, code',
    ],
    [
      241,
      'Memory limit exceeded: would use 9.54 MiB, maximum: 9.53 MiB: While executing MergeTreeSelect(pool: ReadPool). ',
      'Memory limit exceeded: would use 9.54 MiB, maximum: 9.53 MiB',
    ],
    [
      241,
      `Memory limit exceeded: would use 9.54 MiB${IN_FUNCTION}`,
      'Memory limit exceeded: would use 9.54 MiB: while executing function toUInt32 on `a b`, code',
    ],
    [
      43,
      "First argument for function 'arrayElement' must be array, got 'Tuple(String, UInt8)' instead: In scope SELECT t[2] FROM x",
      "First argument for function 'arrayElement' must be array, got 'Tuple(String, UInt8)' instead: In scope SELECT t[2] FROM x",
    ],
    [47, `Missing columns: ${'x'.repeat(5_000)}`, `Missing columns: ${'x'.repeat(283)}`],
    [999, '', ''],
  ])('%i %s', (code, said, shown) => {
    expect(summarizeServerMessage(error(code, said))).toBe(shown);
  });

  test('except for the query for the rows, which contains the cursor of a row', () => {
    const said =
      "Unknown identifier 'x' in scope SELECT concat('{', 1) FROM shop.x WHERE c >= '2026-01-01'. Maybe you meant y?. ";
    expect(summarizeServerMessage(error(47, said))).toBe("Unknown identifier 'x'");
    expect(redactServerMessage(error(47, said))).toBe("Unknown identifier 'x'");
  });
});
