import { z } from 'zod';
import { formatCount, formatList, formatNumber, plural } from '../../shared/format.ts';
import type { ClickHouse } from '../client/client.ts';
import type { SourceConfiguration } from '../config/schema.ts';
import { MAX_ROWS_TO_COUNT } from '../query/count-rows.ts';
import { selectAllRows } from '../query/selection.ts';
import { type ClickHouseType, isNullable, unwrapType } from '../schema/clickhouse-type.ts';
import type { Instant } from '../schema/instant.ts';
import { buildColumnSchema } from '../schema/json-schema.ts';
import {
  defaultUse,
  findMissingMappingColumns,
  hasColumn,
  type RowKind,
  type StreamUse,
} from '../schema/required-columns.ts';
import { rowsSql, type Table } from '../schema/table.ts';
import { quoteIdentifier, quoteTable } from '../sql.ts';
import { MAX_EMITTED_ROWS } from '../state/emitted-rows.ts';
import { findFullScan } from './full-scan.ts';
import { findMovingCursor } from './moving-cursor.ts';
import { findSpacedIds } from './spaced-ids.ts';
import { proposeColumn } from './suggestions.ts';
import { findUnsetCursors } from './unset-cursors.ts';

/** Matches the column names that Batch accepts as attributes. They may have a prefix as in Cloud Sync (docs/batch-api.md). */
const ATTRIBUTE_COLUMN = /^(date__|url__)?[a-z0-9_]{1,30}$/i;

/** The maximum number of columns that a warning names. */
const MAX_COLUMNS = 10;

const tableRow = z.object({ engine: z.string(), sorting_key: z.string(), total_rows: z.coerce.number().nullable() });
const countRow = z.object({ rows: z.coerce.number() });

type Context = {
  configuration: SourceConfiguration;
  /** What the destination does with the rows, if it is known. */
  use: StreamUse | undefined;
  /** The server's time. */
  now: Instant;
};

/** Returns warnings about a stream that can be read, but whose rows may be lost, duplicated or delayed. */
export async function findTableWarnings(
  clickhouse: ClickHouse,
  table: Table,
  { configuration, use, now }: Context,
): Promise<string[]> {
  const { cursor_column, use_final } = configuration;
  const { kind, customId } = use ?? defaultUse('event');
  const facts = table.query === undefined ? await findFacts(clickhouse, table) : undefined;
  const cursor = table.columns.find(({ name }) => name === cursor_column);
  const unset = cursor && (await findUnsetCursors(clickhouse, table, cursor));
  const spaced = await findSpacedIds(clickhouse, table, customId);
  const isSmall = facts?.total_rows != null && facts.total_rows <= MAX_ROWS_TO_COUNT;
  return [
    ...(await findNullCursors(clickhouse, table, cursor_column)),
    ...(unset === undefined ? [] : [unset]),
    ...(spaced === undefined ? [] : [spaced]),
    ...(await findUnstoredCursor(clickhouse, table, cursor_column)),
    ...findCoarseCursor(table, cursor_column),
    ...(facts === undefined
      ? []
      : kind === 'profile'
        ? findPartialRows(table, facts, use_final)
        : await findMergedRows(clickhouse, table, facts, isSmall, use_final)),
    ...(facts?.engine.endsWith('MergeTree') && kind === 'event'
      ? findOtherSorting(table, facts, cursor_column)
      : await findFullScan(clickhouse, selectAllRows(table, configuration), { kind, now })),
    ...findUnmappedColumns(table, use),
    ...findOddColumns(table, cursor_column, use ?? defaultUse('event')),
    ...(kind === 'profile' ? findContactColumns(table) : []),
  ];
}

async function findFacts(
  clickhouse: ClickHouse,
  { database, name }: Table,
): Promise<z.output<typeof tableRow> | undefined> {
  const [facts] = await clickhouse.rows(
    'SELECT engine, sorting_key, total_rows FROM system.tables WHERE database = {database:String} AND name = {table:String}',
    { database, table: name },
    tableRow,
  );
  return facts;
}

async function findNullCursors(clickhouse: ClickHouse, table: Table, cursorColumn: string): Promise<string[]> {
  const cursor = table.columns.find(({ name }) => name === cursorColumn);
  if (cursor === undefined || !isNullable(cursor.type)) return [];
  const rows = await countRows(
    clickhouse,
    `SELECT countIf(isNull(${quoteIdentifier(cursorColumn)})) AS rows FROM ${rowsSql(table)}`,
  );
  if (rows === 0) return [];
  return [
    `${formatCount(rows, 'row')} of "${table.name}" ${plural(rows, 'has', 'have')} no ${cursorColumn} (NULL). They are never read, because the connector can't know whether they are new. Give the column a DEFAULT.`,
  ];
}

async function findUnstoredCursor(clickhouse: ClickHouse, table: Table, cursorColumn: string): Promise<string[]> {
  const cursor = table.columns.find(({ name }) => name === cursorColumn);
  const warning = cursor === undefined ? undefined : await findMovingCursor(clickhouse, table, cursor);
  return warning === undefined ? [] : [warning];
}

/** Warns if the cursor is not a time, because late rows are then lost, or if it is a Date, because rows may then be delayed. */
function findCoarseCursor(table: Table, cursorColumn: string): string[] {
  const type = table.columns.find(({ name }) => name === cursorColumn)?.type;
  switch (type && unwrapType(type).kind) {
    case 'integer':
    case 'string':
      return [
        `${cursorColumn} of "${table.name}" is a ${type?.name}, not a time. A row is never read if it appears after a row with a greater value was read. Insert rows in the order of this column with a single writer, or set "cursor_column" to a column that is set at insertion (DateTime64 DEFAULT now64(6)).`,
      ];
    case 'date':
      return [
        `${cursorColumn} of "${table.name}" is a ${type?.name}. More rows of the current day may appear later, so the state remembers those that were read. If there are more than ${formatNumber(MAX_EMITTED_ROWS)} rows a day, the rest is read a day later. A DateTime or DateTime64 is better.`,
      ];
    default:
      return [];
  }
}

const MERGING_ENGINE = /(Replacing|Collapsing|Summing|Aggregating)\w*MergeTree$/;

type Engine = Pick<z.output<typeof tableRow>, 'engine' | 'sorting_key'>;

function describeMerging({ name }: Table, { engine, sorting_key }: Engine): string {
  return `"${name}" is a ${engine}, which merges rows with the same sorting key (${sorting_key})`;
}

/**
 * Warns about an engine that computes the attributes of a profile from several rows. An engine that replaces rows is fine, because
 * the newest value of an attribute wins.
 */
function findPartialRows(table: Table, facts: Engine, useFinal: boolean): string[] {
  if (useFinal || !MERGING_ENGINE.test(facts.engine) || /Replacing/.test(facts.engine)) return [];
  return [
    `${describeMerging(table, facts)}. A row that is read before it is merged has only some of the values. Turn use_final on, or use a ReplacingMergeTree.`,
  ];
}

/**
 * Warns about an engine that merges rows. Such an engine keeps one row per sorting key, even if the rows are different events.
 */
async function findMergedRows(
  clickhouse: ClickHouse,
  table: Table,
  { engine, sorting_key }: z.output<typeof tableRow>,
  isSmall: boolean,
  useFinal: boolean,
): Promise<string[]> {
  if (!MERGING_ENGINE.test(engine)) return [];
  const advice = 'Add a column to the sorting key that is different for each event, or use a MergeTree.';
  const seen = describeMerging(table, { engine, sorting_key });
  if (!isSmall) return [`${seen}. If two events can have the same key, one of them is lost. ${advice}`];
  const rows = await countRows(
    clickhouse,
    `SELECT count() - uniqExact(tuple(${sorting_key})) AS rows FROM ${quoteTable(table)}`,
  );
  if (rows === 0) return [];
  const until = useFinal ? 'They are not read, because use_final is on.' : 'They are read only until they are merged.';
  return [`${seen}, and ${formatCount(rows, 'row has', 'rows have')} the same key as another row. ${until} ${advice}`];
}

function findOtherSorting(table: Table, { sorting_key }: z.output<typeof tableRow>, cursorColumn: string): string[] {
  const [first = ''] = sorting_key.split(',');
  if (first.trim() === cursorColumn || first.trim() === quoteIdentifier(cursorColumn)) return [];
  return [
    `The sorting key of "${table.name}" (${sorting_key || 'none'}) does not begin with ${cursorColumn}: each run scans the whole table for new rows. For a large table, make it the first column of ORDER BY.`,
  ];
}

/** Warns about missing columns that the destination reads. If the use is not known, checks the columns that it reads by default. */
function findUnmappedColumns(table: Table, use: StreamUse | undefined): string[] {
  const known = use ?? defaultUse('event');
  const missing = findMissingMappingColumns(table, known);
  if (missing.length === 0) return [];
  const names = missing.map(({ name }) => name).join(' and ');
  const options = missing.map(({ role }) => `"${role}_column"`).join(' and ');
  const them = plural(missing.length, 'it', 'them');
  const example = missing.map((column) => proposeColumn(table, column, known.kind)).join(', ');
  const isName = missing.some(({ role }) => role === 'event_name');
  const byDefault = use === undefined ? ` by default${isName ? ' (event_name only for events)' : ''}` : '';
  const other =
    use !== undefined && isName
      ? ` If the rows are attributes of profiles, set "object" of this stream to "profile_attributes" in "streams" of the destination.`
      : '';
  return [
    `"${table.name}" has no ${plural(missing.length, 'column')} ${names}, which the destination reads${byDefault}. Set ${options} in the mapping of the destination, or select ${them} in ${findPlace(table)}, for example as ${example}.${other}`,
  ];
}

function findOddColumns(table: Table, cursorColumn: string, { kind, customId, eventName }: StreamUse): string[] {
  const attributes = table.columns.filter(({ name }) => ![cursorColumn, customId, eventName].includes(name));
  const unnamed = attributes.filter(({ name }) => !ATTRIBUTE_COLUMN.test(name)).map(({ name }) => `"${name}"`);
  const arrays = attributes.filter(({ type }) => isUnsupportedArray(type, kind)).map(({ name }) => `"${name}"`);
  return [
    ...(unnamed.length === 0
      ? []
      : [
          `Batch does not accept the names of the columns ${formatList(unnamed, MAX_COLUMNS)} of "${table.name}". A name may have 1 to 30 letters, digits or _, after an optional date__ or url__. These columns are not sent. To send them, rename them in a view.`,
        ]),
    ...(arrays.length === 0
      ? []
      : [
          `Batch accepts only arrays of ${kind === 'event' ? 'strings or of objects' : 'strings as attributes of profiles'}, but ${plural(arrays.length, 'this column', 'these columns')} of "${table.name}" ${plural(arrays.length, 'is an array', 'are arrays')} of something else: ${formatList(arrays, MAX_COLUMNS)}. ${plural(arrays.length, 'It is', 'They are')} not sent. Convert the items to strings in a view, for example with arrayMap(x -> toString(x), sizes).`,
        ]),
  ];
}

/** The names that Batch needs for columns with an email address or a phone number, by the usual names of such columns. */
const CONTACT_COLUMNS: ReadonlyMap<string, string> = new Map([
  ['email', 'batch__email_address'],
  ['email_address', 'batch__email_address'],
  ['phone', 'batch__phone_number'],
  ['phone_number', 'batch__phone_number'],
]);

/** Warns about columns that are probably meant for Batch's own attributes, but have names of ordinary attributes. */
function findContactColumns(table: Table): string[] {
  return table.columns.flatMap(({ name }) => {
    const own = CONTACT_COLUMNS.get(name.toLowerCase());
    if (own === undefined || hasColumn(table, own)) return [];
    return [
      `The column "${name}" of "${table.name}" is sent as an ordinary attribute, so Batch doesn't send messages to this address or number. To let Batch use it, name the column ${own} in ${findPlace(table)}.`,
    ];
  });
}

/** Returns where the user can name columns. */
function findPlace({ query }: Table): string {
  return query === undefined ? 'a view or a query' : 'the SQL';
}

/** The JSON types that Batch accepts as items of an array (docs/batch-api.md, sections 2.2 and 2.4). */
const ITEMS: Record<RowKind, ReadonlySet<unknown>> = {
  event: new Set(['string', 'object']),
  profile: new Set(['string']),
};

/** Whether values of a type are sent as arrays that Batch does not accept. A tuple without names is sent as an array. */
function isUnsupportedArray(type: ClickHouseType, kind: RowKind): boolean {
  return listItems(unwrapType(type)).some((item) => {
    const types = [buildColumnSchema(item).type].flat();
    return !types.some((each) => ITEMS[kind].has(each));
  });
}

function listItems(type: ClickHouseType): ClickHouseType[] {
  if (type.kind === 'array') return [type.of];
  const isArray = type.kind === 'tuple' && type.elements.some(({ name }) => name === undefined);
  return isArray ? type.elements.map((element) => element.type) : [];
}

/** Returns the first `max` warnings. If there are more, adds a warning that says so. */
export function limitWarnings(max: number, warnings: readonly string[]): string[] {
  if (warnings.length <= max) return [...warnings];
  return [
    ...warnings.slice(0, max),
    `Only the first ${max} warnings are shown. To see the others, correct these, or run check with a configuration that has fewer streams.`,
  ];
}

async function countRows(clickhouse: ClickHouse, query: string): Promise<number> {
  const [row] = await clickhouse.rows(query, {}, countRow);
  return row?.rows ?? 0;
}
