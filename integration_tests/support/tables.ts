/** The columns that each stream needs, up to the type of the cursor. */
export const REQUIRED = 'custom_id String, event_name String, last_updated_at';

type Columns = { cursor?: string };

/** The columns that each stream needs, and `more` after them. */
export function eventColumns(more = '', { cursor = 'DateTime64(6)' }: Columns = {}): string {
  return `${REQUIRED} ${cursor}${more === '' ? '' : `, ${more}`}`;
}

/** The statement that creates a table with these columns, sorted by its cursor unless another order is given. */
export function createTableSql(
  name: string,
  more = '',
  { cursor, orderBy = 'last_updated_at' }: Columns & { orderBy?: string } = {},
): string {
  return `CREATE TABLE ${name} (${eventColumns(more, cursor === undefined ? {} : { cursor })}) ENGINE = MergeTree ORDER BY ${orderBy}`;
}
