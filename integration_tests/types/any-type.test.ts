import { Ajv } from 'ajv';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chosenEngine, isOlder } from '../../sandbox/clickhouse/engines/engines.ts';
import { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { READER_WITH_SETTINGS } from '../../sandbox/clickhouse/users.ts';
import type { ClickHouse } from '../../src/source-clickhouse/client/client.ts';
import { buildColumnSchema } from '../../src/source-clickhouse/schema/json-schema.ts';
import { bytesOf, insertBytes, integerBytes, stringBytes } from '../support/row-binary.ts';
import { connect, execute, linesUnder, partsOf, selectionOf } from '../support/row-lines.ts';
import { missingType } from '../versions/missing-type.ts';
import { faultOf, holdsNonFinite } from './leaving-value.ts';
import { anyType } from './random-types/any-type.ts';
import type { Drawn, DrawnType } from './random-types/drawn-type.ts';

// Tables of random types, nested into each other, with random values. The values are sent to the server and read from it,
// as bytes (RowBinary), so that the expected output does not depend on any text that the server writes.

const ROWS = 3;

let server: ClickHouseServer;
let clickhouse: ClickHouse;

beforeAll(async () => {
  server = await ClickHouseServer.start();
  clickhouse = connect(server, 'shop');
  await execute(server, 'CREATE DATABASE shop');
});

afterAll(async () => {
  await clickhouse?.close();
  await server?.stop();
});

type Column = { type: DrawnType; values: Drawn[] };

/**
 * Before 25.5, a server does not read JSON as text in RowBinary, does not write the DateTime of a Dynamic as text, and
 * writes an Interval as the setting interval_output_format says.
 */
const HAS_FIRM_TEXTS = !isOlder(chosenEngine().version, '25.5');

/** The types that the chosen engine has, without those in which it has bugs of its own. */
const typeOfEngine = anyType.filter(
  ({ name }) => missingType(name) === undefined && (HAS_FIRM_TEXTS || !/\b(JSON|Dynamic|Interval\w+)\b/.test(name)),
);

const column: fc.Arbitrary<Column> = typeOfEngine.chain((type) =>
  fc.array(type.value, { minLength: ROWS, maxLength: ROWS }).map((values) => ({
    type,
    values,
    // What fast-check prints when it has found a failure.
    [fc.toStringMethod]: () => `${type.name}: ${values.map(({ bytes }) => bytes.toString('hex')).join(' ')}`,
  })),
);

const ajv = new Ajv({ strict: false });
addFormats.default(ajv);

async function create(columns: readonly Column[]): Promise<Buffer> {
  await execute(server, 'DROP TABLE IF EXISTS shop.any');
  const declared = columns.map(({ type }, index) => `c${index} ${type.name}`).join(', ');
  await execute(
    server,
    `CREATE TABLE shop.any (custom_id String, event_name String, last_updated_at UInt32, ${declared}) ENGINE = Memory`,
  );
  const rows = Array.from({ length: ROWS }, (_, row) => [
    stringBytes('u'),
    stringBytes('e'),
    integerBytes(BigInt(row), 32),
    ...columns.map(({ values }) => values[row]?.bytes ?? Buffer.of()),
  ]);
  const bytes = Buffer.concat(rows.flat());
  await insertBytes(server, 'shop.any', bytes);
  return bytes;
}

/** Settings of a user that change what the server's formats and functions write, each away from its default. */
const CONTRARY = {
  bool_true_representation: 'yes',
  date_time_output_format: 'unix_timestamp',
  interval_output_format: 'kusto',
  output_format_decimal_trailing_zeros: '1',
  output_format_json_escape_forward_slashes: '0',
  output_format_json_map_as_array_of_tuples: '1',
  output_format_json_named_tuples_as_objects: '0',
  output_format_json_quote_64bit_floats: '1',
  output_format_json_quote_64bit_integers: '1',
  output_format_json_quote_decimals: '1',
  output_format_json_quote_denormals: '1',
  output_format_json_skip_null_value_in_named_tuples: '1',
  output_format_json_validate_utf8: '1',
  session_timezone: 'America/New_York',
};

/** The analyzer that was the default before ClickHouse 24.3. */
const OLD_ANALYZER = { allow_experimental_analyzer: '0' };

/** Whether a type contains one whose form depends on settings. */
function isLoose({ name }: DrawnType): boolean {
  return /\b(JSON|Dynamic)\b/.test(name);
}

/** What is wrong with the line of a row, by its columns. */
function faultsIn(line: Buffer, row: number, columns: readonly Column[], areSettingsContrary: boolean): unknown[] {
  const values = partsOf(line, 'record', 'data');
  return columns.flatMap(({ type, values: drawn }, index) => {
    const leaving = drawn[row]?.leaving;
    const json = values.get(`c${index}`);
    if (leaving === undefined || json === undefined) return [`c${index} is not there`];
    const fault = areSettingsContrary && isLoose(type) ? undefined : faultOf(json, leaving);
    return fault === undefined ? [] : [`c${index} ${fault}`];
  });
}

/** The columns of a row that must be reported to contain a NaN or an infinity. */
function changesOf(row: number, columns: readonly Column[]): unknown {
  const changes = columns.flatMap(({ values }, index) => {
    const leaving = values[row]?.leaving;
    if (leaving === undefined || !holdsNonFinite(leaving)) return [];
    return [{ field: `c${index}`, change: 'NULLED', reason: 'SOURCE_SERIALIZATION_ERROR' }];
  });
  return changes.length === 0 ? undefined : { changes };
}

test('a value of any type is sent as the server stores it, with any settings and either analyzer, and matches its schema', async () => {
  const columnsOfTable = fc.array(column, { minLength: 1, maxLength: 8, size: 'max' });
  await fc.assert(
    fc.asyncProperty(
      columnsOfTable,
      fc.boolean(),
      fc.boolean(),
      async (columns, areSettingsContrary, isOldAnalyzer) => {
        const bytes = await create(columns);
        // The server itself confirms that this is the stored value.
        expect((await bytesOf(server, 'shop.any', 'last_updated_at')).toString('hex')).toBe(bytes.toString('hex'));

        const selection = await selectionOf(clickhouse, 'shop', 'any');
        const types = selection.columns.slice(-columns.length).map(({ type }) => type);
        expect(types).toMatchObject(columns.map(({ type }) => type.parsed));
        const fits = ajv.compile({
          properties: Object.fromEntries(types.map((type, index) => [`c${index}`, buildColumnSchema(type)])),
        });

        const lines = await linesUnder(server, READER_WITH_SETTINGS, selection, {
          ...(areSettingsContrary ? CONTRARY : {}),
          ...(isOldAnalyzer ? OLD_ANALYZER : {}),
        });
        expect(lines).toHaveLength(ROWS);
        for (const [row, line] of lines.entries()) {
          const text = new TextDecoder('utf-8', { fatal: true }).decode(line);
          expect(text).not.toMatch(/[\r\n]/);
          expect(faultsIn(line, row, columns, areSettingsContrary)).toEqual([]);
          const { data, meta } = JSON.parse(text).record;
          fits(data);
          expect(fits.errors).toBeNull();
          expect(meta).toEqual(changesOf(row, columns));
        }
      },
    ),
    { numRuns: 100 },
  );
});
