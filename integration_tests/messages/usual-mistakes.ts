/** What is set up before a command: files next to each other, and what is unusual about them. */
export type Setting = {
  /** Options of s.json that differ from a good configuration, or its text. */
  source?: Record<string, unknown> | string;
  /** Options of d.json that differ from a good configuration. */
  destination?: Record<string, unknown>;
  /** Whether the source has the port of Batch. */
  isPortOfBatch?: boolean;
  /** Whether st.json is the state after a run. */
  hasState?: boolean;
  /** The process that has locked st.json. */
  lockedBy?: number;
  /** The mode of the two configurations. */
  mode?: number;
};

/** A mistake of a new user, and what each command prints in a terminal (after "| ": to a pipe), with its exit code. */
export type Mistake = Setting & {
  row: string;
  mistake: string;
  runs: [command: string, code: number, printed: readonly string[]][];
};

/** A process that does not exist: no system has that many. */
const NO_PROCESS = 4_194_305;

const SYNC = 'sync --source s.json --destination d.json --state st.json';
const PREVIEW = 'preview --source s.json --destination d.json';
const CHECK_SOURCE = 'check --source s.json';
const CHECK_DESTINATION = 'check --destination d.json';

export const MISTAKES: readonly Mistake[] = [
  {
    row: '1',
    mistake: 'a wrong password',
    source: { password: 'wrong' },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse refused the user "batch_reader": the password is wrong, or the user does not exist. Check username and password. The user may also be limited to certain networks.',
          '',
          '  More: bin/clickhouse-to-batch explain clickhouse_login_refused',
        ],
      ],
      [
        SYNC,
        2,
        [
          'ERROR ClickHouse refused the user "batch_reader": the password is wrong, or the user does not exist. Check username and password. The user may also be limited to certain networks.',
          '      More: bin/clickhouse-to-batch explain clickhouse_login_refused',
        ],
      ],
      [
        PREVIEW,
        2,
        [
          'ERROR ClickHouse refused the user "batch_reader": the password is wrong, or the user does not exist. Check username and password. The user may also be limited to certain networks.',
          '      More: bin/clickhouse-to-batch explain clickhouse_login_refused',
        ],
      ],
    ],
  },
  {
    row: '2',
    mistake: 'a port where nothing listens',
    source: { port: 1 },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: Nothing listens at 127.0.0.1:1 (connection refused). The port may be wrong (HTTP is 8123, HTTPS 8443) or the server is down. Check both, and that this machine is allowed to connect.',
          '',
          '  More: bin/clickhouse-to-batch explain clickhouse_unreachable',
        ],
      ],
      [
        SYNC,
        1,
        [
          'ERROR Nothing listens at 127.0.0.1:1 (connection refused). The port may be wrong (HTTP is 8123, HTTPS 8443) or the server is down. Check both, and that this machine is allowed to connect.',
          '      More: bin/clickhouse-to-batch explain clickhouse_unreachable',
        ],
      ],
    ],
  },
  {
    row: '3',
    mistake: 'the port of another service',
    isPortOfBatch: true,
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          "✗ ClickHouse: 127.0.0.1:BATCH answered, but the response isn't from ClickHouse (HTTP 404). Host and port are probably those of another service, or of a proxy that does not forward queries. Check both: ClickHouse's HTTP interface is usually on port 8123, or on 8443 with ssl.",
          '',
          '  More: bin/clickhouse-to-batch explain clickhouse_not_spoken',
        ],
      ],
      [
        SYNC,
        2,
        [
          "ERROR 127.0.0.1:BATCH answered, but the response isn't from ClickHouse (HTTP 404). Host and port are probably those of another service, or of a proxy that does not forward queries. Check both: ClickHouse's HTTP interface is usually on port 8123, or on 8443 with ssl.",
          '      More: bin/clickhouse-to-batch explain clickhouse_not_spoken',
        ],
      ],
    ],
  },
  {
    row: '4',
    mistake: 'a misspelt table',
    source: { table: 'evnts' },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: The database "shop" has no table or view "evnts" that "batch_reader" may read. Did you mean "events"? Correct "table".',
          '',
          '  More: bin/clickhouse-to-batch explain table_missing',
        ],
      ],
      [
        SYNC,
        2,
        [
          'ERROR The database "shop" has no table or view "evnts" that "batch_reader" may read. Did you mean "events"? Correct "table".',
          '      More: bin/clickhouse-to-batch explain table_missing',
        ],
      ],
      [
        PREVIEW,
        2,
        [
          'ERROR The database "shop" has no table or view "evnts" that "batch_reader" may read. Did you mean "events"? Correct "table".',
          '      More: bin/clickhouse-to-batch explain table_missing',
        ],
      ],
    ],
  },
  {
    row: '5',
    mistake: 'a table in the wrong case',
    source: { table: 'Events' },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: The database "shop" has no table or view "Events" that "batch_reader" may read. Did you mean "events"? Correct "table".',
          '',
          '  More: bin/clickhouse-to-batch explain table_missing',
        ],
      ],
    ],
  },
  {
    row: '5',
    mistake: 'a table with its database',
    source: { table: 'shop.events' },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: The database "shop" has no table or view "shop.events" that "batch_reader" may read. "table" must not contain the database: set "table" to "events".',
          '',
          '  More: bin/clickhouse-to-batch explain table_missing',
        ],
      ],
    ],
  },
  {
    row: '5',
    mistake: 'a misspelt database',
    source: { database: 'shpo' },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: The database "shpo" does not exist, or the user "batch_reader" can\'t see it. Did you mean "shop"? Correct "database".',
          '',
          '  More: bin/clickhouse-to-batch explain table_missing',
        ],
      ],
      [
        PREVIEW,
        2,
        [
          'ERROR The database "shpo" does not exist, or the user "batch_reader" can\'t see it. Did you mean "shop"? Correct "database".',
          '      More: bin/clickhouse-to-batch explain table_missing',
        ],
      ],
    ],
  },
  {
    row: '5',
    mistake: 'a database without the table',
    source: { database: 'stock' },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: The database "stock" has no table or view "events" that "batch_reader" may read. There is one in "shop". Correct "database".',
          '',
          '  More: bin/clickhouse-to-batch explain table_missing',
        ],
      ],
    ],
  },
  {
    row: '5',
    mistake: 'a table unlike any other',
    source: { table: 'purchases' },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: The database "shop" has no table or view "purchases" that "batch_reader" may read. The user sees capitals, dates, empty, events, json, old, orders, sizes, spaced, times (names are case-sensitive). Correct "table" and "database".',
          '',
          '  More: bin/clickhouse-to-batch explain table_missing',
        ],
      ],
    ],
  },
  {
    row: '5',
    mistake: 'a database unlike any other',
    source: { database: 'sales' },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: The database "sales" does not exist, or the user "batch_reader" can\'t see it. The user sees: raw, shop, stock, default (names are case-sensitive). Correct "database", or ask an administrator to run:',
          '',
          '  GRANT SELECT ON `sales`.* TO `batch_reader`',
          '',
          '  More: bin/clickhouse-to-batch explain table_missing',
        ],
      ],
    ],
  },
  {
    row: '6',
    mistake: 'a table without the columns',
    source: { table: 'orders' },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: "orders" lacks the column last_updated_at, or the user may not read it. The cursor shows which rows are new. Create a view that has this column, and name the view in "table", or write its SELECT in "queries". Or name another cursor in "cursor_column". Start from:',
          '',
          '  CREATE VIEW `shop`.`orders_for_batch` AS',
          '  SELECT',
          '    toString(`user_id`) AS custom_id,',
          '    <event name> AS event_name,',
          '    `inserted_at` AS last_updated_at,',
          '    `id`,',
          '    `status`',
          '  FROM `shop`.`orders`',
          '',
          '  More: bin/clickhouse-to-batch explain columns_missing',
        ],
      ],
      [
        SYNC,
        2,
        [
          'ERROR "orders" lacks the column last_updated_at, or the user may not read it. The cursor shows which rows are new. Create a view that has this column, and name the view in "table", or write its SELECT in "queries". Or name another cursor in "cursor_column". Start from:',
          '',
          '  CREATE VIEW `shop`.`orders_for_batch` AS',
          '  SELECT',
          '    toString(`user_id`) AS custom_id,',
          '    <event name> AS event_name,',
          '    `inserted_at` AS last_updated_at,',
          '    `id`,',
          '    `status`',
          '  FROM `shop`.`orders`',
          '',
          '      More: bin/clickhouse-to-batch explain columns_missing',
        ],
      ],
    ],
  },
  {
    row: '6',
    mistake: 'a database without a table that fits',
    source: { database: 'raw', table: undefined },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: No table or view in the database "raw" has the columns custom_id, event_name, last_updated_at; "batch_reader" sees: items. Grant the user SELECT on the table, or create a view that has these columns, or write its SELECT in "queries". Start from this view:',
          '',
          '  CREATE VIEW `raw`.`items_for_batch` AS',
          '  SELECT',
          '    toString(`user_id`) AS custom_id,',
          '    `action` AS event_name,',
          '    <time of insertion> AS last_updated_at,',
          '    `id`,',
          '    `created_at`',
          '  FROM `raw`.`items`',
          '',
          '  More: bin/clickhouse-to-batch explain columns_missing',
        ],
      ],
    ],
  },
  {
    row: '7',
    mistake: 'a cursor that the table lacks',
    source: { cursor_column: 'inserted' },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: "events" lacks the column inserted, or the user may not read it. "events" has the usual cursor column: use "cursor_column": "last_updated_at".',
          '',
          '  More: bin/clickhouse-to-batch explain columns_missing',
        ],
      ],
    ],
  },
  {
    row: '7',
    mistake: 'a cursor that all tables lack',
    source: { database: 'stock', table: undefined, cursor_column: 'inserted' },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: No table or view in the database "stock" has the columns custom_id, event_name, inserted; "batch_reader" sees: returns. "returns" has the usual cursor column: use "cursor_column": "last_updated_at".',
          '',
          '  More: bin/clickhouse-to-batch explain columns_missing',
        ],
      ],
    ],
  },
  {
    row: '7b',
    mistake: 'a misspelt cursor',
    source: { cursor_column: 'last_update_at' },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: "events" lacks the column last_update_at, or the user may not read it. "cursor_column" may be misspelt: there is "last_updated_at" in "events". Use that name.',
          '',
          '  More: bin/clickhouse-to-batch explain columns_missing',
        ],
      ],
    ],
  },
  {
    row: '8',
    mistake: 'a missing comma',
    source: '{\n  "host": "127.0.0.1"\n  "port": 8123\n}\n',
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: The configuration file s.json is not valid JSON: line 3, column 3.',
          '      "port": ****',
          '      ^',
          '  A comma is missing before it.',
          '',
          '  More: bin/clickhouse-to-batch explain configuration_invalid',
        ],
      ],
    ],
  },
  {
    row: '8',
    mistake: 'single quotes',
    source: "{\n  'host': '127.0.0.1'\n}\n",
    runs: [
      [
        SYNC,
        2,
        [
          'ERROR The configuration file s.json is not valid JSON: line 2, column 3.',
          "      'host': '****'",
          '      ^',
          '      JSON needs double quotes (") around names and strings.',
          '      More: bin/clickhouse-to-batch explain configuration_invalid',
        ],
      ],
    ],
  },
  {
    row: '8',
    mistake: 'a trailing comma',
    source: '{\n  "port": 8123,\n}\n',
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: The configuration file s.json is not valid JSON: line 3, column 1.',
          '    }',
          '    ^',
          '  Remove the comma before it.',
          '',
          '  More: bin/clickhouse-to-batch explain configuration_invalid',
        ],
      ],
    ],
  },
  {
    row: '9',
    mistake: 'a port in quotes',
    source: { port: '8123' },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: The configuration in s.json is not usable: port must be a number, without quotes: 8123.',
          '',
          '  More: bin/clickhouse-to-batch explain configuration_invalid',
        ],
      ],
    ],
  },
  {
    row: '10',
    mistake: 'a negative lookback',
    source: { lookback_seconds: -1 },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: The configuration in s.json is not usable: lookback_seconds must be at least 0.',
          '',
          '  More: bin/clickhouse-to-batch explain configuration_invalid',
        ],
      ],
    ],
  },
  {
    row: '11',
    mistake: 'an option with another name',
    source: { username: undefined, user: 'batch_reader' },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: The configuration in s.json is not usable: it has no option "user" (did you mean "username"?).',
          '',
          '  More: bin/clickhouse-to-batch explain configuration_invalid',
        ],
      ],
      [
        SYNC,
        2,
        [
          'ERROR The configuration in s.json is not usable: it has no option "user" (did you mean "username"?).',
          '      More: bin/clickhouse-to-batch explain configuration_invalid',
        ],
      ],
    ],
  },
  {
    row: '11',
    mistake: 'a misspelt option',
    source: { password: undefined, pasword: 'hunter2' },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: The configuration in s.json is not usable: it has no option "pasword" (did you mean "password"?).',
          '',
          '  More: bin/clickhouse-to-batch explain configuration_invalid',
        ],
      ],
    ],
  },
  {
    row: '12',
    mistake: 'swapped files',
    runs: [
      [
        'sync --source d.json --destination s.json --state st.json',
        2,
        [
          'ERROR d.json is the configuration of a destination. --source needs the configuration of a source, with "host". Pass this file to --destination. s.json is the configuration of a source. --destination needs the configuration of a destination, with "project_key" and "rest_api_key". Pass this file to --source.',
          '      More: bin/clickhouse-to-batch explain configuration_invalid',
        ],
      ],
    ],
  },
  {
    row: '13',
    mistake: 'a variable that is not set',
    source: { password: '${CH_PASSWORD}' },
    runs: [
      [
        CHECK_SOURCE,
        2,
        [
          '✗ ClickHouse: The configuration in s.json is not usable: password refers to the environment variable CH_PASSWORD, which is not set. Set each variable in the environment of this command, for example with export NAME=….',
          '',
          '  More: bin/clickhouse-to-batch explain configuration_invalid',
        ],
      ],
      [
        SYNC,
        2,
        [
          'ERROR The configuration in s.json is not usable: password refers to the environment variable CH_PASSWORD, which is not set. Set each variable in the environment of this command, for example with export NAME=….',
          '      More: bin/clickhouse-to-batch explain configuration_invalid',
        ],
      ],
    ],
  },
  {
    row: '14',
    mistake: 'a key with a line break',
    destination: { rest_api_key: 'secret-key\n' },
    runs: [
      [
        CHECK_DESTINATION,
        2,
        [
          '✗ Batch: The configuration in d.json is not usable: rest_api_key ends with a line break. Remove it.',
          '',
          '  More: bin/clickhouse-to-batch explain configuration_invalid',
        ],
      ],
    ],
  },
  {
    row: '15',
    mistake: 'swapped keys',
    destination: { project_key: 'secret-key', rest_api_key: 'project_shop' },
    runs: [
      [
        CHECK_DESTINATION,
        2,
        [
          '✗ Batch: The configuration in d.json is not usable: project_key is not a project key, but rest_api_key is one: the two keys are swapped. Exchange them.',
          '',
          '  More: bin/clickhouse-to-batch explain configuration_invalid',
        ],
      ],
    ],
  },
  {
    row: '16',
    mistake: 'a state in a folder that does not exist',
    runs: [
      [
        'sync --source s.json --destination d.json --state nofolder/st.json',
        2,
        [
          "ERROR Can't use the state file nofolder/st.json: the folder nofolder does not exist. Create it (mkdir -p nofolder).",
          '      More: bin/clickhouse-to-batch explain state_file_unusable',
        ],
      ],
    ],
  },
  {
    row: '17',
    mistake: 'a folder for rejected rows that does not exist',
    destination: { rejected_rows: { storage_type: 'Local', path: '/nosuch/rejected' } },
    runs: [
      [
        CHECK_DESTINATION,
        2,
        [
          "✗ Batch: Rejected rows can't be written to the folder /nosuch/rejected (rejected_rows.path). The folder does not exist. Create it (mkdir -p /nosuch/rejected); in a container, mount it. The state does not advance past these rows, so the next run reads them again.",
          '',
          '  More: bin/clickhouse-to-batch explain rejected_rows_unwritable',
        ],
      ],
    ],
  },
  {
    row: '18',
    mistake: 'a state for another cursor',
    source: { cursor_column: 'event_time' },
    hasState: true,
    runs: [
      [
        SYNC,
        2,
        [
          'ERROR events: The state of "events" is for the cursor column "last_updated_at", but "cursor_column" is "event_time". Set the option back, or reset the stream to read all its rows again.',
          '      More: bin/clickhouse-to-batch explain state_of_other_settings',
        ],
      ],
    ],
  },
  {
    row: '20',
    mistake: 'two runs at once',
    lockedBy: process.ppid,
    runs: [
      [
        SYNC,
        1,
        [
          'ERROR Another run is using the state file st.json: process PID on HOST, since 2026-04-17T04:25:00.000Z. Two runs from the same state would send the same rows twice. Wait until the other run has ended, or stop it. To sync other tables at the same time, use another state file.',
          '      More: bin/clickhouse-to-batch explain state_file_locked',
        ],
      ],
    ],
  },
  {
    row: '21',
    mistake: 'a run after a killed one',
    source: { table: 'empty' },
    lockedBy: NO_PROCESS,
    runs: [
      [
        SYNC,
        0,
        [
          'WARN  The state file is locked by process 4194305 on HOST, since 2026-04-17T04:25:00.000Z. If that process has died, the lock expires within 10 s.',
          'empty: all rows: there is no state yet.',
          'No new rows.',
        ],
      ],
    ],
  },
  {
    row: '22',
    mistake: 'no new rows',
    hasState: true,
    runs: [[SYNC, 0, ['No new rows.']]],
  },
  {
    row: '23 to 25',
    mistake: 'old events',
    source: { table: 'old' },
    destination: { flush_interval_seconds: 60 },
    runs: [
      [
        CHECK_SOURCE,
        0,
        [
          '✓ ClickHouse works (VERSION, user batch_reader, 1 stream: old)',
          '! The first run of "old" sends 15 rows whose event_time is more than 24 hours ago. Batch is reported to refuse such events (event_too_old). To leave old rows out, set "start_from", for example to "23h" or "now", or filter them in a view.',
        ],
      ],
      [
        `${PREVIEW} --rows 1`,
        3,
        [
          'WARN  The first run of "old" sends 15 rows whose event_time is more than 24 hours ago. Batch is reported to refuse such events (event_too_old). To leave old rows out, set "start_from", for example to "23h" or "now", or filter them in a view.',
          'Result for a sample of 15 rows',
          '',
          'All 15 rows would be rejected.',
          '',
          '15 × event_too_old  the event is older than 24 hours, and Batch refuses such events. To leave out old rows in a first run, set "start_from" in the source, for example to "23h". Otherwise, sync more often than once a day, or set policies.untimely_event to send_without_time.',
          '',
          'More about each: bin/clickhouse-to-batch explain CODE',
          '',
          'The first row of old',
          '',
          '   custom_id  event_name  last_updated_at       event_time',
          '✗  u1         order_paid  YYYY-MM-DDThh:mm:ssZ  YYYY-MM-DDThh:mm:ssZ',
          '',
          'The first request for these rows',
          '',
          'POST http://127.0.0.1:BATCH/2.11/profiles/update',
          '[',
          '  {',
          '    "identifiers": {',
          '      "custom_id": "u1"',
          '    },',
          '    "events": [',
          '      {',
          '        "name": "order_paid",',
          '        "time": "YYYY-MM-DDThh:mm:ssZ"',
          '      }',
          '    ]',
          '  }',
          ']',
          '',
          'What each column is sent as, in a sample of 15 rows',
          '',
          'column           sent as     values',
          'custom_id        profile     string',
          'event_name       event name  string',
          'last_updated_at  not sent    string',
          'event_time       event time  string',
          '',
          'All 15 rows would be rejected. Nothing was sent.',
        ],
      ],
      [
        SYNC,
        2,
        [
          'old: all rows: there is no state yet.',
          'WARN  destination: A row of old is rejected (event_too_old): the event is older than 24 hours, and Batch refuses such events. Batch said: events[0]: time is over 24 hours ago; events[1]: time is over 24 hours ago; events[2]: time is over 24 hours ago; events[3]: time is over 24 hours ago; events[4]: time is over 24 hours ago; events[5]:… (for an update with 15 rows; Batch does not say which of them it refused).',
          'WARN  destination: Further rows with event_too_old are counted but not logged.',
          'INFO  destination: 15 rows read: 0 accepted, 15 rejected, 0 not sent. 0 attributes left out, 0 possible duplicates. 1 request with 1 update, 0 retries.',
          'WARN  destination: Rows rejected: event_too_old: 15.',
          'ERROR 15 of the 15 rows of this sync were rejected with event_too_old. Batch refuses events that are too old. To leave out old rows in a first run, set "start_from" in the source, for example to "23h". Otherwise, sync more often than once a day, or set policies.untimely_event to send_without_time; then run the sync again. It reads the rows since the last state again.',
          '      More: bin/clickhouse-to-batch explain event_too_old',
          'Failed after TIME: 15 rows read. The state covers none of them.',
          'No state was saved: the next run starts with the first row.',
          'Up to 15 rows since the last saved state will be read again.',
        ],
      ],
    ],
  },
  {
    row: '26',
    mistake: 'secrets that every user can read',
    mode: 0o644,
    hasState: true,
    runs: [
      [
        `${CHECK_SOURCE} --destination d.json`,
        0,
        [
          '✓ ClickHouse works (VERSION, user batch_reader, 1 stream: events)',
          '! Every user of this machine can read the secrets in s.json. Run:',
          '',
          '  chmod 600 s.json',
          '',
          '✓ Batch works (127.0.0.1:BATCH, project key project_test)',
          '! Every user of this machine can read the secrets in d.json. Run:',
          '',
          '  chmod 600 d.json',
        ],
      ],
      [
        `${PREVIEW} --rows 1`,
        0,
        [
          'WARN  Every user of this machine can read the secrets in s.json and d.json. Run:',
          '',
          '  chmod 600 s.json d.json',
          '',
          'Result for a sample of 1 row',
          '',
          'The row would be accepted.',
          '',
          'The first row of events',
          '',
          'custom_id  event_name  last_updated_at       event_time            item',
          'u1         order_paid  YYYY-MM-DDThh:mm:ssZ  YYYY-MM-DDThh:mm:ssZ  shirt',
          '',
          'The first request for these rows',
          '',
          'POST http://127.0.0.1:BATCH/2.11/profiles/update',
          '[',
          '  {',
          '    "identifiers": {',
          '      "custom_id": "u1"',
          '    },',
          '    "events": [',
          '      {',
          '        "name": "order_paid",',
          '        "time": "YYYY-MM-DDThh:mm:ssZ",',
          '        "attributes": {',
          '          "item": "shirt"',
          '        }',
          '      }',
          '    ]',
          '  }',
          ']',
          '',
          'What each column is sent as, in a sample of 1 row',
          '',
          'column           sent as     values',
          'custom_id        profile     string',
          'event_name       event name  string',
          'last_updated_at  not sent    string',
          'event_time       event time  string',
          'item             item        string',
          '',
          'The row would be accepted. Nothing was sent.',
        ],
      ],
      [
        SYNC,
        0,
        [
          'WARN  Every user of this machine can read the secrets in s.json and d.json. Run:',
          '',
          '  chmod 600 s.json d.json',
          '',
          'No new rows.',
        ],
      ],
    ],
  },
  {
    row: '27',
    mistake: 'an event name with capitals',
    source: { table: 'capitals' },
    runs: [
      [
        PREVIEW,
        3,
        [
          'Result for a sample of 1 row',
          '',
          'The row would be rejected.',
          '',
          "1 × event_name_invalid  event_name is missing or is not a name that Batch accepts: 1 to 30 characters from a-z, 0-9 and _. Convert event_name in a view, for example with lower(replaceRegexpAll(event_name, '[^A-Za-z0-9]+', '_')), and filter out rows without a name.",
          '',
          'More about each: bin/clickhouse-to-batch explain CODE',
          '',
          'The first row of capitals',
          '',
          '   custom_id  event_name  last_updated_at',
          '✗  u1         Order Paid  YYYY-MM-DDThh:mm:ssZ',
          '',
          'The first request for these rows',
          '',
          'No request: all of these rows would be rejected.',
          '',
          'What each column is sent as, in a sample of 1 row',
          '',
          'column           sent as     values',
          'custom_id        profile     string',
          'event_name       event name  string',
          'last_updated_at  not sent    string',
          '',
          'The row would be rejected. Nothing was sent.',
        ],
      ],
    ],
  },
  {
    row: '28',
    mistake: 'a string that is nearly JSON',
    source: { table: 'json' },
    runs: [
      [
        PREVIEW,
        0,
        [
          'Result for a sample of 1 row',
          '',
          'The row would be accepted.',
          '',
          'Some values are dropped, changed or unusual: see the columns below. Their rows are sent.',
          '',
          'The first row of json',
          '',
          'custom_id  event_name  last_updated_at       details',
          'u1         order_paid  YYYY-MM-DDThh:mm:ssZ  {"a":1,}',
          '',
          'The first request for these rows',
          '',
          'POST http://127.0.0.1:BATCH/2.11/profiles/update',
          '[',
          '  {',
          '    "identifiers": {',
          '      "custom_id": "u1"',
          '    },',
          '    "events": [',
          '      {',
          '        "name": "order_paid",',
          '        "attributes": {',
          '          "details": "{\\"a\\":1,}"',
          '        }',
          '      }',
          '    ]',
          '  }',
          ']',
          '',
          'What each column is sent as, in a sample of 1 row',
          '',
          'column           sent as     values',
          'custom_id        profile     string',
          'event_name       event name  string',
          'last_updated_at  not sent    string',
          'details          details     string',
          '                             1 × looks like JSON, but is not valid JSON, and is sent as a string',
          '',
          'The row would be accepted. Nothing was sent.',
        ],
      ],
    ],
  },
  {
    row: '29',
    mistake: 'a date without a time zone',
    source: { table: 'dates' },
    runs: [
      [
        PREVIEW,
        0,
        [
          'Result for a sample of 1 row',
          '',
          'The row would be accepted.',
          '',
          'Some values are dropped, changed or unusual: see the columns below. Their rows are sent.',
          '',
          'The first row of dates',
          '',
          'custom_id  event_name  last_updated_at       date__birthday',
          'u1         order_paid  YYYY-MM-DDThh:mm:ssZ  2026-04-17 10:00:00',
          '',
          'The first request for these rows',
          '',
          'POST http://127.0.0.1:BATCH/2.11/profiles/update',
          '[',
          '  {',
          '    "identifiers": {',
          '      "custom_id": "u1"',
          '    },',
          '    "events": [',
          '      {',
          '        "name": "order_paid"',
          '      }',
          '    ]',
          '  }',
          ']',
          '',
          'What each column is sent as, in a sample of 1 row',
          '',
          'column           sent as         values',
          'custom_id        profile         string',
          'event_name       event name      string',
          'last_updated_at  not sent        string',
          'date__birthday   date(birthday)  string as a date',
          "                                 1 × date_invalid: is not an RFC 3339 date with a time zone, such as 2026-04-17T04:25:00Z. Convert it in a view, for example with parseDateTime64BestEffort(c, 3, 'Europe/Paris')",
          '',
          'The row would be accepted. Nothing was sent.',
        ],
      ],
    ],
  },
  {
    row: '29',
    mistake: 'an event time without a time zone',
    source: { table: 'times' },
    runs: [
      [
        PREVIEW,
        3,
        [
          'Result for a sample of 1 row',
          '',
          'The row would be rejected.',
          '',
          "1 × event_time_invalid  event_time is not an RFC 3339 timestamp with a time zone, such as 2026-04-17T04:25:00Z. A view can convert it: parseDateTime64BestEffort(event_time, 3, 'Europe/Paris'). Write event_time with a time zone, or as NULL: Batch then uses the time at which it receives the event.",
          '',
          'More about each: bin/clickhouse-to-batch explain CODE',
          '',
          'The first row of times',
          '',
          '   custom_id  event_name  last_updated_at       event_time',
          '✗  u1         order_paid  YYYY-MM-DDThh:mm:ssZ  2026-04-17 10:00:00',
          '',
          'The first request for these rows',
          '',
          'No request: all of these rows would be rejected.',
          '',
          'What each column is sent as, in a sample of 1 row',
          '',
          'column           sent as     values',
          'custom_id        profile     string',
          'event_name       event name  string',
          'last_updated_at  not sent    string',
          'event_time       event time  string',
          '',
          'The row would be rejected. Nothing was sent.',
        ],
      ],
      [
        SYNC,
        3,
        [
          'times: all rows: there is no state yet.',
          "WARN  destination: A row of times is rejected (event_time_invalid): event_time is not an RFC 3339 timestamp with a time zone, such as 2026-04-17T04:25:00Z. A view can convert it: parseDateTime64BestEffort(event_time, 3, 'Europe/Paris').",
          'INFO  destination: 1 row read: 0 accepted, 1 rejected, 0 not sent. 0 attributes left out, 0 possible duplicates. 0 requests with 0 updates, 0 retries.',
          'WARN  destination: Rows rejected: event_time_invalid: 1.',
          'Done in TIME: 1 row read, 0 accepted, 1 rejected.',
          'The next run does not send rejected rows again. The reasons are listed above. What to do about each: bin/clickhouse-to-batch explain CODE',
        ],
      ],
    ],
  },
  {
    row: '30',
    mistake: 'an array of numbers',
    source: { table: 'sizes' },
    runs: [
      [
        CHECK_SOURCE,
        0,
        [
          '✓ ClickHouse works (VERSION, user batch_reader, 1 stream: sizes)',
          '! Batch accepts only arrays of strings or of objects, but this column of "sizes" is an array of something else: "sizes". It is not sent. Convert the items to strings in a view, for example with arrayMap(x -> toString(x), sizes).',
        ],
      ],
    ],
  },
  {
    row: '31',
    mistake: 'an id with spaces',
    source: { table: 'spaced' },
    runs: [
      [
        CHECK_SOURCE,
        0,
        [
          '✓ ClickHouse works (VERSION, user batch_reader, 1 stream: spaced)',
          '! The custom_id of 1 row of "spaced" begins or ends with a space, and is sent with it. For Batch, that is a different profile from the id without the space. Remove the spaces in a view: trimBoth(custom_id) AS custom_id.',
        ],
      ],
      [
        PREVIEW,
        0,
        [
          'Result for a sample of 1 row',
          '',
          'The row would be accepted.',
          '',
          'Some values are dropped, changed or unusual: see the columns below. Their rows are sent.',
          '',
          'The first row of spaced',
          '',
          'custom_id  event_name  last_updated_at',
          ' u5        order_paid  YYYY-MM-DDThh:mm:ssZ',
          '',
          'The first request for these rows',
          '',
          'POST http://127.0.0.1:BATCH/2.11/profiles/update',
          '[',
          '  {',
          '    "identifiers": {',
          '      "custom_id": " u5 "',
          '    },',
          '    "events": [',
          '      {',
          '        "name": "order_paid"',
          '      }',
          '    ]',
          '  }',
          ']',
          '',
          'What each column is sent as, in a sample of 1 row',
          '',
          'column           sent as     values',
          'custom_id        profile     string',
          '                             1 × begins or ends with a space, and is sent with it: for Batch, that is a different profile',
          'event_name       event name  string',
          'last_updated_at  not sent    string',
          '',
          'The row would be accepted. Nothing was sent.',
        ],
      ],
    ],
  },
  {
    row: '32',
    mistake: 'an interval without a unit',
    runs: [
      [
        `${SYNC} --every 5`,
        2,
        [
          "ERROR --every 5 isn't a valid duration. Give a number and a unit, at most a year: 30s, 5m, 2h or 1d.",
          '      More: bin/clickhouse-to-batch explain command_invalid',
        ],
      ],
      [
        `${SYNC} --every often`,
        2,
        [
          "ERROR --every often isn't a valid duration. Give a number and a unit, at most a year: 30s, 5m, 2h or 1d.",
          '      More: bin/clickhouse-to-batch explain command_invalid',
        ],
      ],
      [
        'retry --destination d.json --since 5',
        2,
        [
          "ERROR --since 5 isn't a valid duration. Give a number and a unit, at most a year: 30s, 5m, 2h or 1d. Run `clickhouse-to-batch retry --help`.",
          '      More: bin/clickhouse-to-batch explain command_invalid',
        ],
      ],
    ],
  },
  {
    row: '33',
    mistake: 'an hour that does not exist',
    runs: [
      [
        `${SYNC} --cron "0 25 * * *"`,
        2,
        [
          'ERROR --cron "0 25 * * *" isn\'t a valid cron pattern. Give minute, hour, day, month and weekday, as in "0 3 * * *" for 3:00 every night.',
          '      More: bin/clickhouse-to-batch explain command_invalid',
        ],
      ],
    ],
  },
  {
    row: '34',
    mistake: 'two schedules',
    runs: [
      [
        `${SYNC} --every 5m --cron "0 3 * * *"`,
        2,
        [
          'ERROR Use either --every or --cron, not both. Run `clickhouse-to-batch sync --help`.',
          '      More: bin/clickhouse-to-batch explain command_invalid',
        ],
      ],
    ],
  },
  {
    row: '35',
    mistake: 'a misspelt policy',
    source: { port: 1 },
    destination: { policies: { untimely: 'reject' } },
    runs: [
      [
        SYNC,
        2,
        [
          'ERROR The configuration in d.json is not usable: policies has no option "untimely" (did you mean "untimely_event"?).',
          '      More: bin/clickhouse-to-batch explain configuration_invalid',
        ],
      ],
      [
        PREVIEW,
        2,
        [
          'ERROR The configuration in d.json is not usable: policies has no option "untimely" (did you mean "untimely_event"?).',
          '      More: bin/clickhouse-to-batch explain configuration_invalid',
        ],
      ],
    ],
  },
  {
    row: '36',
    mistake: 'no command',
    runs: [
      [
        '',
        2,
        [
          'clickhouse-to-batch COMMAND',
          '',
          'Sends rows from ClickHouse to Batch profiles, as events or as attributes.',
          '',
          'Commands:',
          '  init            Ask for your settings, test them, and write the configuration',
          '                  files',
          '  check           Test a configuration',
          '  preview         Show what a sync would send, without sending it',
          '  sync            Send new rows to Batch, and save progress in a state file',
          '  status          Show how the last run of a sync ended, and the cursor of each',
          '                  stream',
          '  retry           Send rejected rows again',
          '  explain [code]  Explain an error or rejection code, or list all codes',
          '  spec            Print the JSON Schema of a configuration (Airbyte)',
          '  discover        Print the streams that can be read or written (Airbyte)',
          '  read            Write the rows to stdout as messages (Airbyte)',
          '  write           Send the rows from stdin to Batch (Airbyte)',
          '  completion      Print a script that completes commands and options in bash,',
          '                  zsh or fish',
          '',
          'Options:',
          '  -h, --help         Show help',
          '  -v, -V, --version  Show version number',
          '',
          'Run clickhouse-to-batch COMMAND --help for the options, examples and exit codes',
          'of a command.',
        ],
      ],
      ['--version', 0, ['PACKAGE_VERSION']],
      ['-v', 0, ['PACKAGE_VERSION']],
      ['-V', 0, ['PACKAGE_VERSION']],
    ],
  },
  {
    row: '37',
    mistake: 'a misspelt command',
    runs: [
      [
        'syn',
        2,
        [
          'ERROR Unknown command syn. Did you mean sync? Run `clickhouse-to-batch --help`.',
          '      More: bin/clickhouse-to-batch explain command_invalid',
        ],
      ],
      [
        '| syn',
        2,
        [
          '{"type":"TRACE","trace":{"type":"ERROR","emitted_at":NOW,"error":{"message":"Unknown command syn. Did you mean sync? Run `clickhouse-to-batch --help`. See https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting/command_invalid.md","failure_type":"config_error"}}}',
        ],
      ],
    ],
  },
  {
    row: '38',
    mistake: 'wrong arguments',
    runs: [
      [
        'sync',
        2,
        [
          'ERROR Missing required arguments: source, destination, state. Run `clickhouse-to-batch sync --help`.',
          '      More: bin/clickhouse-to-batch explain command_invalid',
        ],
      ],
      [
        'check --nosuch',
        2,
        [
          'ERROR Unknown option --nosuch. Run `clickhouse-to-batch check --help`.',
          '      More: bin/clickhouse-to-batch explain command_invalid',
        ],
      ],
      [
        '| check',
        2,
        [
          '{"type":"TRACE","trace":{"type":"ERROR","emitted_at":NOW,"error":{"message":"Missing required argument: config. Run `clickhouse-to-batch check --help`. See https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting/command_invalid.md","failure_type":"config_error"}}}',
        ],
      ],
      [
        'spec',
        2,
        [
          'ERROR clickhouse-to-batch contains a source and a destination, and no role was given. Use --role source or --role destination, or set CONNECTOR_ROLE to one of them.',
          '      More: bin/clickhouse-to-batch explain command_invalid',
        ],
      ],
      [
        '| spec',
        2,
        [
          '{"type":"TRACE","trace":{"type":"ERROR","emitted_at":NOW,"error":{"message":"clickhouse-to-batch contains a source and a destination, and no role was given. Use --role source or --role destination, or set CONNECTOR_ROLE to one of them. See https://github.com/clickhouse-to-batch/clickhouse-to-batch/blob/main/docs/troubleshooting/command_invalid.md","failure_type":"config_error"}}}',
        ],
      ],
    ],
  },
];
