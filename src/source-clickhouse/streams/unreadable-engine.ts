import { z } from 'zod';
import type { ClickHouse } from '../client/client.ts';
import { sourceError } from '../errors/codes.ts';
import { findParameters, tokenizeSql } from './sql-tokens.ts';
import type { TableName } from './table-definition.ts';

const FROM_A_QUEUE = "which can't be read: reading from it removes the rows from the queue";
const MADE_UP = 'which generates endless random rows';

const READ_TARGET = 'Read the table that its materialized view writes to.';
const READ_ANOTHER = 'Read another table.';

/**
 * The engines whose rows can't be read, can only be read once, or are invented: why, and what to read instead. They include
 * queues such as Kafka, even if the server allows SELECT from them (stream_like_engine_allow_direct_select), because reading
 * removes the rows.
 *
 * https://clickhouse.com/docs/engines/table-engines
 */
const UNREADABLE: Readonly<Record<string, readonly [why: string, advice: string]>> = {
  Kafka: [FROM_A_QUEUE, READ_TARGET],
  RabbitMQ: [FROM_A_QUEUE, READ_TARGET],
  NATS: [FROM_A_QUEUE, READ_TARGET],
  FileLog: [FROM_A_QUEUE, READ_TARGET],
  S3Queue: [FROM_A_QUEUE, READ_TARGET],
  AzureQueue: [FROM_A_QUEUE, READ_TARGET],
  Null: ['which never returns a row, because it stores none', READ_TARGET],
  Set: ['which a query can only use on the right of IN', READ_ANOTHER],
  TimeSeries: ["which can't be selected from", READ_ANOTHER],
  GenerateRandom: [MADE_UP, READ_ANOTHER],
  FuzzJSON: [MADE_UP, READ_ANOTHER],
  FuzzQuery: [MADE_UP, READ_ANOTHER],
};

/** The names of the engines in `UNREADABLE`. */
export const UNREADABLE_ENGINES = Object.keys(UNREADABLE);

const engineRow = z.object({ engine: z.string(), as_select: z.string() });

/**
 * Throws an error if the engine of a table can't be read, or if the table is a view with parameters.
 *
 * @throws ConnectorError (config_error) that says what to read instead.
 */
export async function refuseUnreadable(clickhouse: ClickHouse, { database, name }: TableName): Promise<void> {
  const [row] = await clickhouse.rows(
    'SELECT engine, as_select FROM system.tables WHERE database = {database:String} AND name = {table:String}',
    { database, table: name },
    engineRow,
  );
  if (row === undefined) return;
  const { engine } = row;
  if (UNREADABLE_ENGINES.includes(engine)) throw sourceError('table_unreadable', explainUnreadable({ name, engine }));
  const parameters = row.engine === 'View' ? findParameters(tokenizeSql(row.as_select)) : [];
  if (parameters.length === 0) return;
  throw sourceError(
    'table_unreadable',
    `"${name}" is a view with parameters (${parameters.join(', ')}), and has no rows without values for them. Create a view that passes values, and read that.`,
  );
}

/** Explains why a table with one of the unreadable engines can't be read, and what to do. */
export function explainUnreadable({ name, engine }: { name: string; engine: string }): string {
  const [why, advice] = UNREADABLE[engine] ?? ["which can't be read", READ_ANOTHER];
  return `"${name}" is a ${engine} table, ${why}. ${advice}`;
}
