import { z } from 'zod';
import { findConditionProblem, findQueryProblem } from './user-sql.ts';

/** Creates the schema of a string of SQL. It reports the problem that `findProblem` finds, if there is one. */
function sql(findProblem: (sql: string) => string | undefined): z.ZodString {
  return z.string().superRefine((text, context) => {
    const message = findProblem(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  });
}

/** A query whose rows are a stream. */
const queryOptions = z.object({
  name: z
    .string()
    .min(1)
    .meta({
      title: 'Name',
      description:
        "The name of the stream. Don't change it later, because the state of the stream belongs to this name.",
      examples: ['orders'],
      order: 0,
    }),
  sql: sql(findQueryProblem).meta({
    title: 'SQL',
    description:
      'A SELECT, with one row per event. It needs the cursor column. It is sent as a subquery, so it must not end with a semicolon, FORMAT or SETTINGS. Table names without a database refer to the database above.',
    examples: [
      "SELECT user_id AS custom_id, 'order_paid' AS event_name, inserted_at AS last_updated_at, total FROM orders",
    ],
    multiline: true,
    order: 1,
  }),
});

export const queriesOption = z.array(queryOptions).default([]).meta({
  title: 'Queries',
  description:
    'SELECT statements whose rows are read as streams, in addition to the table or instead of it. The rules for views also apply to queries.',
});

export const whereOption = sql(findConditionProblem)
  .optional()
  .meta({
    title: 'Where',
    description:
      'A condition in SQL. Only the rows of the table that meet it are read. It can use every column of the table. If empty: all rows.',
    examples: ["status = 'paid' AND amount > 0"],
    multiline: true,
  });

type StreamOptions = {
  table?: string | undefined;
  where?: string | undefined;
  queries: z.output<typeof queriesOption>;
  use_final: boolean;
};

/** Reports options that don't fit together. */
export function checkStreamOptions(
  { table, where, queries, use_final }: StreamOptions,
  context: z.RefinementCtx,
): void {
  const addIssue = (path: PropertyKey[], message: string): void => context.addIssue({ code: 'custom', path, message });
  if (where !== undefined && table === undefined) {
    addIssue(['where'], 'only works with "table". Write the condition of a query in its SQL');
  }
  if (use_final && table === undefined && queries.length > 0) {
    addIssue(['use_final'], 'only works with tables. In the SQL of a query, write FINAL after the name of the table');
  }
  for (const [index, { name }] of queries.entries()) {
    const others = [table, ...queries.slice(0, index).map((query) => query.name)];
    if (others.includes(name)) {
      addIssue(['queries', index, 'name'], 'is also the name of another stream. Each stream needs its own name');
    }
  }
}
