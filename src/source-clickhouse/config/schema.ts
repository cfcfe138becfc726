import { isIPv6 } from 'node:net';
import { z } from 'zod';
import { describeStrayWhiteSpace } from '../../protocol/configuration/configuration.ts';
import { checkStreamOptions, queriesOption, whereOption } from './queries.ts';
import { tunnelOptions } from './ssh-tunnel.ts';
import { tlsOptions } from './tls.ts';

/** ClickHouse's default HTTP port. */
const DEFAULT_HTTP_PORT = 8123;

/** The cursor column that Batch's Cloud Sync requires (docs/batch-api.md, section 5). */
export const DEFAULT_CURSOR_COLUMN = 'last_updated_at';

/** The column with the profile of a row, unless an option names another. */
export const PROFILE_COLUMN = 'custom_id';

/**
 * How long after its timestamp a row may become visible and still be delivered, in seconds. The rows of an INSERT … SELECT get
 * their timestamps when the statement begins, and become visible as their parts are written. Five minutes are longer than most of
 * these statements take, and longer than the time for which async_insert (200 ms) or Kafka tables buffer rows.
 */
const DEFAULT_LOOKBACK_SECONDS = 300;

/** The maximum of the lookback and of the lag, in seconds: a week. A longer time is probably a mistake. */
const MAX_SECONDS = 7 * 24 * 3600;

/**
 * The partition to read. Neither option is required, because Airbyte's form sends the object even if it is empty. An empty object
 * means that all rows are read.
 */
const partitionOptions = z
  .object({
    index: z
      .int()
      .min(0)
      .optional()
      .meta({ title: 'Index', description: 'The part that this reader reads, counted from 0.', order: 0 }),
    count: z.int().min(1).optional().meta({ title: 'Count', description: 'The number of parts in total.', order: 1 }),
    column: z
      .string()
      .min(1)
      .optional()
      .meta({
        title: 'Column',
        description: `The column with the profile of a row. All rows of a profile are in the same part. If empty: ${PROFILE_COLUMN}.`,
        examples: [PROFILE_COLUMN, 'user_id'],
        order: 2,
      }),
  })
  .transform(({ index, count, column }, context) => {
    if (index === undefined && count === undefined) return undefined;
    if (index === undefined || count === undefined) {
      const [missing, given] = index === undefined ? ['index', 'count'] : ['count', 'index'];
      const message = `is missing, but ${given} is set. Set both to read one part, or neither to read all rows`;
      context.addIssue({ code: 'custom', path: [missing], message });
      return z.NEVER;
    }
    if (index >= count) {
      context.addIssue({ code: 'custom', message: 'index must be less than count, because it begins at 0' });
      return z.NEVER;
    }
    return { index, count, ...(column === undefined ? {} : { column }) };
  });

/** The configuration of the source. The keys are in the order of Airbyte's form. */
export const sourceConfigurationSchema = z
  .looseObject({
    host: z
      .string()
      .refine(isHost, { error: ({ input }) => describeInvalidHost(String(input)) })
      .meta({
        title: 'Host',
        description:
          'Host name of the ClickHouse server, without https:// and without a port. With an SSH tunnel: the name of the ClickHouse server as seen from the SSH server.',
        examples: ['abc123.eu-west-1.aws.clickhouse.cloud'],
        order: 0,
      }),
    port: z
      .int()
      .min(1)
      .max(65_535)
      .default(DEFAULT_HTTP_PORT)
      .meta({
        title: 'Port',
        description:
          "ClickHouse's HTTP port: usually 8123, or 8443 with SSL. The native port (9000) does not work here.",
        examples: [8123, 8443],
        order: 1,
        always_show: true,
      }),
    database: z
      .string()
      .min(1)
      .default('default')
      .meta({
        title: 'Database',
        description: 'The database of the table or view.',
        examples: ['default', 'shop'],
        order: 2,
        always_show: true,
      }),
    username: z
      .string()
      .default('default')
      .meta({
        title: 'Username',
        description: 'A user that can read the table. A read-only user is enough.',
        examples: ['batch_sync'],
        order: 3,
        always_show: true,
      }),
    password: z.string().default('').meta({
      title: 'Password',
      description: "The user's password.",
      airbyte_secret: true,
      order: 4,
      always_show: true,
    }),
    ssl: z.boolean().default(false).meta({
      title: 'SSL',
      description: 'Use HTTPS and verify the certificate. Recommended in production. The port is then usually 8443.',
      order: 5,
      always_show: true,
    }),
    table: z
      .string()
      .min(1)
      .optional()
      .meta({
        title: 'Table',
        description:
          'The table or view to read, with one row per event. If empty: the queries below or, without queries, every table and view in the database that has the columns custom_id, event_name and the cursor column.',
        examples: ['events', 'batch_events_view'],
        order: 6,
        always_show: true,
      }),
    where: whereOption.meta({ order: 7 }),
    queries: queriesOption.meta({ order: 8 }),
    cursor_column: z
      .string()
      .min(1)
      .default(DEFAULT_CURSOR_COLUMN)
      .meta({
        title: 'Cursor column',
        description:
          'The column that shows which rows are new: set when a row is inserted, never changed, and greater for later rows. It does not become an attribute.',
        examples: [DEFAULT_CURSOR_COLUMN, 'inserted_at'],
        order: 9,
      }),
    start_from: z
      .string()
      .min(1)
      .optional()
      .meta({
        title: 'Start from',
        description:
          'Where the first run begins: it reads only rows whose cursor is at least this value. Set a time with its time zone, "now", or an age such as "24h" (units: s, m, h, d). "now" and ages are measured by the server\'s clock. If the cursor is a Date, you can set a day; if it is an integer or a string, set a value of the column. It applies to streams without a state, and to each full refresh. If empty: the first run reads all rows.',
        examples: ['2026-12-01T00:00:00Z', 'now', '23h'],
        order: 10,
      }),
    use_final: z.boolean().default(false).meta({
      title: 'Read with FINAL',
      description:
        'Read only the latest version of each row, even if the ReplacingMergeTree has not merged the versions yet. This makes the server use more time and memory, and only works with engines that support FINAL.',
      order: 11,
    }),
    partition: partitionOptions.optional().meta({
      title: 'Partition',
      description:
        'Split the rows into several parts, by profile, and read only one of them, so that several readers share the work. Each reader has its own state. If empty: all rows.',
      order: 12,
    }),
    lookback_seconds: z.int().min(0).max(MAX_SECONDS).default(DEFAULT_LOOKBACK_SECONDS).meta({
      title: 'Lookback (seconds)',
      description:
        'A row is delivered if it becomes visible in the table at most this many seconds after the time in its cursor column. To find such rows, each run also reads rows whose cursor is up to this many seconds older than the start of the previous run. It skips the rows that were already sent, which the state remembers. Set it to more than the duration of your longest INSERT, and also to more than the lag of your replicas. Only for cursors that are times.',
      order: 13,
    }),
    cursor_lag_seconds: z.int().min(0).max(MAX_SECONDS).default(0).meta({
      title: 'Cursor lag (seconds)',
      description:
        "Read a row only when the time in its cursor column is at least this many seconds in the past, by the server's clock. An alternative to the lookback for tables that receive too many rows for the state: every event is delayed, but with a lookback of 0 the state remembers no rows. Only for cursors that are times.",
      order: 14,
    }),
    tls: tlsOptions.optional().meta({
      title: 'TLS',
      description:
        "Your own certificate authority, a client certificate, or no verification. Only with SSL. If empty: the server's certificate is verified against the certificate authorities that Node.js trusts.",
      order: 20,
    }),
    tunnel_method: tunnelOptions.meta({ order: 21 }),
  })
  .refine(({ ssl, tls }) => ssl || tls === undefined, {
    path: ['tls'],
    message: 'only works with ssl. Turn ssl on (the port is then usually 8443), or leave tls out',
  })
  .superRefine(checkStreamOptions)
  .meta({ title: 'ClickHouse source' });

export type SourceConfiguration = z.output<typeof sourceConfigurationSchema>;

function describeInvalidHost(host: string): string {
  return (
    describeStrayWhiteSpace(host) ??
    'must be a host name or an IP address, without https://, without a port and without a slash'
  );
}

/** Whether a string can be used unchanged as the host of a URL. An IPv6 address may have brackets. */
function isHost(text: string): boolean {
  const bare = text.replace(/^\[(.*)\]$/, '$1');
  if (isIPv6(bare)) return true;
  // The URL parser would drop whitespace and control characters around a host, and would accept a port, a path, a query, a
  // fragment or a user.
  if (/[\s\p{Cc}:/\\?#@]/u.test(text) || !URL.canParse(`http://${text}`)) return false;
  const { href, hostname } = new URL(`http://${text}`);
  return href === `http://${hostname}/`;
}
