import { type SqlToken, tokenizeSql } from './sql-tokens.ts';

export type TableName = { database: string; name: string };

/** Where a table gets its rows from, according to its definition. */
export type RowOrigin =
  | ({ kind: 'table' } & TableName)
  /** One string that names a table in `database`, or a database and a table with a dot in between. Any name may contain dots. */
  | { kind: 'dotted_name'; database: string; text: string }
  /**
   * All tables whose names match `pattern`, in the database `text` or, if `isPattern` is true, in all databases whose names
   * match `text`. Patterns are regular expressions of ClickHouse.
   */
  | { kind: 'matching_tables'; database: { isPattern: boolean; text: string }; pattern: string };

/** The definition of a table that shows or copies the rows of other tables. */
export type TableDefinition = TableName & {
  engine: string;
  /** The table that stores all rows of this table, such as the target of a materialized view or of an Alias. */
  holder: RowOrigin | undefined;
  /** The tables from which the rows of this table are selected. */
  selectedFrom: RowOrigin[];
};

/** The columns of system.tables that contain the definition. */
export type DefinitionRow = TableName & {
  engine: string;
  engine_full: string;
  create_table_query: string;
  as_select: string;
};

/** The engines that read other tables of the same server. */
export const ENGINES_THAT_READ_OTHERS = [
  'View',
  'LiveView',
  'WindowView',
  'MaterializedView',
  'Buffer',
  'Alias',
  'Merge',
  'Distributed',
  'Dictionary',
] as const;

/** Finds out which tables a table reads, according to its engine. */
export function parseDefinition(row: DefinitionRow): TableDefinition {
  const { database, name, engine } = row;
  return { database, name, engine, ...parseOrigins(row) };
}

function parseOrigins(row: DefinitionRow): Pick<TableDefinition, 'holder' | 'selectedFrom'> {
  const held = (holder: RowOrigin | undefined): Pick<TableDefinition, 'holder' | 'selectedFrom'> => ({
    holder,
    selectedFrom: [],
  });
  const { database } = row;
  switch (row.engine) {
    case 'View':
    case 'LiveView':
      return { holder: undefined, selectedFrom: findTablesInQuery(row.as_select) };
    case 'MaterializedView':
    case 'WindowView':
      return { holder: parseTarget(row), selectedFrom: findTablesInQuery(row.as_select) };
    case 'Buffer':
    case 'Alias':
      return held(parseTableName(parseEngineArguments(row.engine_full), database));
    case 'Distributed': {
      // The first argument of Distributed is a cluster. The first argument of Remote is an address; system.tables reports Remote
      // as Distributed.
      const args = parseEngineArguments(row.engine_full).slice(1);
      return held(
        row.engine_full.startsWith('Remote') ? parseDottedTableName(args, database) : parseTableName(args, database),
      );
    }
    case 'Merge':
      return { holder: undefined, selectedFrom: parseMergeArguments(parseEngineArguments(row.engine_full), database) };
    case 'Dictionary':
      return row.engine_full === ''
        ? parseDictionary(row)
        : held(parseDottedTableName(parseEngineArguments(row.engine_full), database));
    default:
      return held(undefined);
  }
}

/** Words that end a FROM clause. */
const AFTER_FROM = new Set(
  'SELECT ARRAY ON USING SAMPLE PREWHERE WHERE GROUP HAVING WINDOW QUALIFY ORDER LIMIT OFFSET SETTINGS FORMAT UNION EXCEPT INTERSECT'.split(
    ' ',
  ),
);

/** Table functions that read a table, each with the number of arguments before the table's name. */
const NAMED_AFTER: Record<string, number> = {
  remote: 1,
  remotesecure: 1,
  cluster: 1,
  clusterallreplicas: 1,
  loop: 0,
  dictionary: 0,
};

/**
 * Finds the tables that a query selects from, including its subqueries.
 *
 * @param database the database of table names that contain none. Leave it out for the query of a view: the server adds the database
 *   to each table in it, so a name without a database is one that the query itself defines (WITH), and is ignored.
 */
export function findTablesInQuery(query: string, database?: string): RowOrigin[] {
  const tokens = tokenizeSql(query);
  const found: RowOrigin[] = [];
  const outer: boolean[] = [];
  let isInFrom = false;
  let isTableNext = false;
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    const word = token?.kind === 'word' ? token.text.toUpperCase() : undefined;
    if (isSign(token, '(')) {
      outer.push(isInFrom);
      // Brackets where a table is expected contain a subquery or tables.
      isInFrom = isTableNext;
    } else if (isSign(token, ')')) {
      isInFrom = outer.pop() ?? false;
      isTableNext = false;
    } else if (isSign(token, ',')) {
      isTableNext = isInFrom;
    } else if (word === 'FROM' || word === 'JOIN') {
      // ARRAY JOIN is followed by columns instead of tables.
      isInFrom = !(word === 'JOIN' && tokens[at - 1]?.text.toUpperCase() === 'ARRAY');
      isTableNext = isInFrom;
    } else if (word !== undefined && AFTER_FROM.has(word)) {
      isInFrom = false;
      isTableNext = false;
    } else if (isTableNext && isName(token)) {
      const parts = readDottedName(tokens, at);
      at += 2 * parts.length - 2;
      const [first = '', second] = parts;
      if (isSign(tokens[at + 1], '('))
        found.push(...findTablesInFunction(first.toLowerCase(), tokens.slice(at + 1), database));
      else if (second !== undefined) found.push(createTableOrigin(first, second));
      else if (database !== undefined) found.push(createTableOrigin(database, first));
      isTableNext = false;
    }
  }
  return found;
}

/** @param tokens the tokens from the function's opening bracket on. */
function findTablesInFunction(name: string, tokens: readonly SqlToken[], database = ''): RowOrigin[] {
  const args = parseArguments(tokens);
  if (name === 'merge') return parseMergeArguments(args.length === 1 ? [[], ...args] : args, database);
  const before = NAMED_AFTER[name];
  const origin = before === undefined ? undefined : parseDottedTableName(args.slice(before), database);
  return origin === undefined ? [] : [origin];
}

/** Parses the table that a materialized view writes to: `… VIEW name [ON CLUSTER c] [REFRESH …] TO db.table (columns) …`. */
function parseTarget({ database, create_table_query }: DefinitionRow): RowOrigin | undefined {
  const tokens = tokenizeSql(create_table_query);
  const to = tokens.findIndex(({ kind, text }) => kind === 'word' && /^(TO|AS|ENGINE)$/i.test(text));
  if (tokens[to]?.text.toUpperCase() !== 'TO' || !isName(tokens[to + 1])) return undefined;
  const [first = '', second] = readDottedName(tokens, to + 1);
  // TO INNER UUID '…' refers to the view's own inner table.
  if (second === undefined && tokens[to + 1]?.kind === 'word' && first.toUpperCase() === 'INNER') return undefined;
  return second === undefined ? createTableOrigin(database, first) : createTableOrigin(first, second);
}

/** Parses a dictionary that reads a table or a query of ClickHouse: `SOURCE(CLICKHOUSE(TABLE 't' DB 'd' … | QUERY '…'))`. */
function parseDictionary({
  create_table_query,
  ...row
}: DefinitionRow): Pick<TableDefinition, 'holder' | 'selectedFrom'> {
  const tokens = tokenizeSql(create_table_query);
  const source = tokens.findIndex(
    ({ text }, at) => text.toUpperCase() === 'SOURCE' && tokens[at + 2]?.text.toUpperCase() === 'CLICKHOUSE',
  );
  if (source === -1) return { holder: undefined, selectedFrom: [] };
  const [fields = []] = parseArguments(tokens.slice(source + 3));
  const field = (key: string): string | undefined =>
    fields.find((_, at) => fields[at - 1]?.kind === 'word' && fields[at - 1]?.text.toUpperCase() === key)?.text;
  const database = field('DB') ?? row.database;
  const table = field('TABLE');
  return {
    holder: table === undefined ? undefined : createTableOrigin(database, table),
    selectedFrom: findTablesInQuery(field('QUERY') ?? '', database),
  };
}

/** Parses the arguments of an engine. */
function parseEngineArguments(engineFull: string): SqlToken[][] {
  const tokens = tokenizeSql(engineFull);
  return isSign(tokens[1], '(') ? parseArguments(tokens.slice(1)) : [];
}

/** Parses the arguments in the brackets at the beginning of the tokens. */
function parseArguments(tokens: readonly SqlToken[]): SqlToken[][] {
  const args: SqlToken[][] = [];
  let argument: SqlToken[] = [];
  let depth = 0;
  for (const token of tokens) {
    if (isSign(token, '(')) depth += 1;
    if (isSign(token, ')')) depth -= 1;
    if (depth === 0) break;
    if (depth === 1 && isSign(token, '(')) continue;
    if (depth === 1 && isSign(token, ',')) {
      args.push(argument);
      argument = [];
    } else argument.push(token);
  }
  return argument.length === 0 ? args : [...args, argument];
}

/** Parses arguments that name a table: a database and a table, or only a table. */
function parseTableName([first, second]: readonly SqlToken[][], database: string): RowOrigin | undefined {
  const text = parseText(first, database);
  if (text === undefined) return undefined;
  const table = parseText(second, database);
  if (second === undefined) return createTableOrigin(database, text);
  return table === undefined ? undefined : createTableOrigin(text, table);
}

/** Like `parseTableName`, but also accepts `db.table` or `'db.table'`. A user, a password or a key may follow. */
function parseDottedTableName(args: readonly SqlToken[][], database: string): RowOrigin | undefined {
  const [first = []] = args;
  const [before, dot, after] = first;
  if (first.length === 3 && isName(before) && isSign(dot, '.') && isName(after)) {
    return createTableOrigin(before?.text ?? '', after?.text);
  }
  const text = parseText(first, database);
  return text?.includes('.') ? { kind: 'dotted_name', database, text } : parseTableName(args, database);
}

/** Parses the arguments of Merge: a database or REGEXP('…'), and a regular expression for the tables. */
function parseMergeArguments([first = [], second]: readonly SqlToken[][], database: string): RowOrigin[] {
  const pattern = parseText(second, database);
  if (pattern === undefined) return [];
  const isPattern = first[0]?.text.toUpperCase() === 'REGEXP' && isSign(first[1], '(');
  const text = isPattern ? first[2]?.text : first.length === 0 ? database : parseText(first, database);
  return text === undefined ? [] : [{ kind: 'matching_tables', database: { isPattern, text }, pattern }];
}

/** Returns the text of a single name or string. For `currentDatabase()`, returns the database of the table. */
function parseText(argument: readonly SqlToken[] | undefined, database: string): string | undefined {
  const [only, ...others] = argument ?? [];
  if (only === undefined || only.kind === 'sign') return undefined;
  if (others.length === 0) return only.text;
  return only.text.toLowerCase() === 'currentdatabase' ? database : undefined;
}

/** Reads the parts of the name that starts at a token: one name, or several names joined by dots. */
function readDottedName(tokens: readonly SqlToken[], start: number): string[] {
  const parts = [tokens[start]?.text ?? ''];
  for (let at = start + 1; isSign(tokens[at], '.') && isName(tokens[at + 1]); at += 2) {
    parts.push(tokens[at + 1]?.text ?? '');
  }
  return parts;
}

function createTableOrigin(database: string, name: string | undefined): { kind: 'table' } & TableName {
  return { kind: 'table', database, name: name ?? '' };
}

function isName(token: SqlToken | undefined): boolean {
  return token?.kind === 'word' || token?.kind === 'quoted_name';
}

function isSign(token: SqlToken | undefined, sign: string): boolean {
  return token?.kind === 'sign' && token.text === sign;
}
