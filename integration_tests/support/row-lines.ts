import { buffer } from 'node:stream/consumers';
import { getNodeValue, parseTree } from 'jsonc-parser';
import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { ADMIN, READER, readerWith, type SandboxUser } from '../../sandbox/clickhouse/users.ts';
import { ClickHouse } from '../../src/source-clickhouse/client/client.ts';
import { DEFAULT_CURSOR_COLUMN, sourceConfigurationSchema } from '../../src/source-clickhouse/config/schema.ts';
import { BufferPool } from '../../src/source-clickhouse/pages/buffer-pool.ts';
import { PageCutter } from '../../src/source-clickhouse/pages/page-cutter.ts';
import { buildRowQuery, type RowSelection } from '../../src/source-clickhouse/query/row-query.ts';
import { createCursorCodec } from '../../src/source-clickhouse/schema/cursor.ts';
import { listTables } from '../../src/source-clickhouse/schema/table.ts';
import { type Position, START } from '../../src/source-clickhouse/state/position.ts';
import { knownSettings, type Settings } from './known-settings.ts';

/** The emitted_at of the rows in these tests. */
export const EMITTED_AT = 1_767_225_600_123;

/** The bytes of the response to a query over HTTP, with settings in the URL. */
async function answerTo(
  server: ClickHouseServer,
  user: SandboxUser,
  query: string,
  settings: Settings = {},
): Promise<Buffer> {
  const url = `${server.url}/?${new URLSearchParams(settings)}`;
  const authorization = `Basic ${Buffer.from(`${user.name}:${user.password}`).toString('base64')}`;
  const response = await fetch(url, { method: 'POST', body: query, headers: { authorization } });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (!response.ok) throw new Error(bytes.toString());
  return bytes;
}

/** Settings that allow rare types in a table. A server may know only some of them. */
const RARE_TYPES: Settings = {
  allow_experimental_dynamic_type: '1',
  allow_experimental_json_type: '1',
  allow_experimental_object_type: '1',
  allow_experimental_variant_type: '1',
  allow_suspicious_fixed_string_types: '1',
  allow_suspicious_low_cardinality_types: '1',
  allow_suspicious_variant_types: '1',
  enable_nullable_tuple_type: '1',
  enable_qbit_type: '1',
  enable_time_time64_type: '1',
  // So that Nested is one column, as it is inside a Tuple.
  flatten_nested: '0',
};

/** Runs a statement of the administrator with settings that a table of rare types needs. */
export async function execute(server: ClickHouseServer, statement: string): Promise<void> {
  await answerTo(server, ADMIN, statement, await knownSettings(server, RARE_TYPES));
}

/** A read-only user with the analyzer that was the default before ClickHouse 24.3. */
export const OLD_ANALYZER_READER = readerWith('old_analyzer_reader', { settings: { allow_experimental_analyzer: 0 } });

/** The connection of a read-only user. The caller closes it. */
export function connect(server: ClickHouseServer, database: string, user = READER): ClickHouse {
  return new ClickHouse(sourceConfigurationSchema.parse({ ...server.connection(user), database }));
}

/** All columns of a table, as `read` selects them. */
export async function selectionOf(clickhouse: ClickHouse, database: string, name: string): Promise<RowSelection> {
  const [table] = await listTables(clickhouse, database, name);
  const column = table?.columns.find((candidate) => candidate.name === DEFAULT_CURSOR_COLUMN);
  const codec = column && createCursorCodec(column.type);
  if (table === undefined || column === undefined || codec === undefined) throw new Error(`${name} can't be read.`);
  return {
    stream: { name, namespace: database },
    table,
    columns: table.columns,
    cursor: { column, codec },
    final: false,
    partition: undefined,
    hashedColumns: table.columns,
    lagBound: undefined,
  };
}

/** The lines that the server sends for the rows after a position, for the read-only user. */
export async function linesAfter(
  clickhouse: ClickHouse,
  selection: RowSelection,
  position: Position = START,
): Promise<Buffer[]> {
  const { query, parameters } = buildRowQuery(selection, position, EMITTED_AT);
  return linesIn(await buffer(await clickhouse.bytes(query, parameters, new AbortController().signal)));
}

/** The same for all rows, for another user with different settings. */
export async function linesUnder(
  server: ClickHouseServer,
  user: SandboxUser,
  selection: RowSelection,
  settings: Settings,
): Promise<Buffer[]> {
  const { query, parameters } = buildRowQuery(selection, START, EMITTED_AT);
  const named = Object.entries(parameters).map(([name, value]) => [`param_${name}`, String(value)]);
  const known = await knownSettings(server, settings);
  return linesIn(await answerTo(server, user, query, { ...known, ...Object.fromEntries(named) }));
}

/** The lines of a response, as `read` writes them. */
function linesIn(bytes: Buffer): Buffer[] {
  const cutter = new PageCutter(Number.POSITIVE_INFINITY, new BufferPool(bytes.length));
  cutter.push(bytes);
  const page = cutter.end()?.lines ?? Buffer.of();
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = page.indexOf('\n'); end !== -1; end = page.indexOf('\n', start)) {
    lines.push(page.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

/** The parts of the object at a place in a line, by their keys: each as its original text, with all digits. */
export function partsOf(line: Buffer, ...place: string[]): Map<string, string> {
  const text = line.toString();
  const errors: { error: number }[] = [];
  let node = parseTree(text, errors as never, { disallowComments: true });
  if (errors.length > 0) throw new Error(`It is no JSON: ${text}`);
  for (const key of place) {
    node = node?.children?.find((property) => property.children?.[0]?.value === key)?.children?.[1];
  }
  if (node?.type !== 'object') throw new Error(`There is no object at ${place.join('.')}: ${text}`);
  return new Map(
    (node.children ?? []).map(({ children: [key, value] = [] }) => {
      if (key === undefined || value === undefined) throw new Error(`A key has no value: ${text}`);
      return [getNodeValue(key), text.slice(value.offset, value.offset + value.length)];
    }),
  );
}
