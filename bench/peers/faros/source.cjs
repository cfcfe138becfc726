// A source on faros-airbyte-cdk, laid out as its example-source: a runner, a source, a stream with a cursor.
const { createClient } = require('@clickhouse/client');
const {
  AirbyteSourceBase,
  AirbyteSourceLogger,
  AirbyteSourceRunner,
  AirbyteSpec,
  AirbyteStreamBase,
} = require('faros-airbyte-cdk');
const { VError } = require('verror');

/** Its sources emit STATE between records only if a stream sets an interval. */
const RECORDS_A_STATE = 1_000;

class ClickHouseSource extends AirbyteSourceBase {
  get type() {
    return 'clickhouse';
  }

  async spec() {
    return new AirbyteSpec({
      documentationUrl: 'https://example.com',
      connectionSpecification: {
        type: 'object',
        required: ['host', 'port', 'username', 'password', 'database', 'table'],
        properties: { password: { type: 'string', airbyte_secret: true } },
      },
    });
  }

  async checkConnection(config) {
    const client = clientOf(config);
    try {
      const { success, error } = await client.ping({ select: true });
      return success ? [true, undefined] : [false, new VError(error, 'ClickHouse does not answer')];
    } finally {
      await client.close();
    }
  }

  streams(config) {
    return [new Table(config, this.logger)];
  }
}

class Table extends AirbyteStreamBase {
  constructor(config, logger) {
    super(logger);
    this.config = config;
  }

  get name() {
    return this.config.table;
  }

  getJsonSchema() {
    return { type: 'object', properties: { last_updated_at: { type: 'string' } } };
  }

  get primaryKey() {
    return undefined;
  }

  get cursorField() {
    return 'last_updated_at';
  }

  // The rows come in the order of the cursor, which is what the CDK asks for.
  get stateCheckpointInterval() {
    return RECORDS_A_STATE;
  }

  async *readRecords(_syncMode, _cursorField, _streamSlice, streamState) {
    const client = clientOf(this.config);
    try {
      const result = await client.query({
        // `>=`, because a state may be between rows with one timestamp. The lag does what the CDK's cutoffLagDays is for.
        query: `SELECT * FROM {table:Identifier}
          WHERE last_updated_at >= parseDateTime64BestEffort({cutoff:String}, 6, 'UTC') - toIntervalSecond({lag:UInt32})
          ORDER BY last_updated_at`,
        query_params: {
          table: this.config.table,
          cutoff: streamState?.cutoff ?? '1970-02-01T00:00:00Z',
          lag: this.config.lag_seconds ?? 0,
        },
        format: 'JSONEachRow',
      });
      for await (const rows of result.stream()) {
        for (const row of rows) yield row.json();
      }
    } finally {
      await client.close();
    }
  }

  getUpdatedState(state, { last_updated_at: cutoff }) {
    return { cutoff: cutoff > (state.cutoff ?? '') ? cutoff : state.cutoff };
  }
}

function clientOf({ host, port, username, password, database }) {
  return createClient({
    url: `http://${host}:${port}`,
    username,
    password,
    database,
    request_timeout: 300_000,
    clickhouse_settings: { date_time_output_format: 'iso' },
  });
}

const logger = new AirbyteSourceLogger();
new AirbyteSourceRunner(logger, new ClickHouseSource(logger)).mainCommand().parseAsync(process.argv);
