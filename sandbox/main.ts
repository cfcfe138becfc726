import { ADMIN, READER } from './clickhouse/users.ts';
import { abortOnInterrupt, waitForAbort } from './interruption.ts';
import { startSandbox } from './sandbox.ts';
import { say } from './say.ts';

/** `npm run sandbox`: starts both servers on their default ports, prints how to connect to them, and runs until it is stopped. */
const CLICKHOUSE_PORT = 8123;
const BATCH_PORT = 8124;

const interrupted = abortOnInterrupt();
say('Starting ClickHouse and a Batch API ...');
const sandbox = await startSandbox({ clickhouse: CLICKHOUSE_PORT, batch: BATCH_PORT });
const { clickhouse, batch } = sandbox;
await clickhouse.execute('CREATE DATABASE IF NOT EXISTS shop');

say(`
ClickHouse    ${clickhouse.url}
  admin          ${ADMIN.name} / ${ADMIN.password}
  reader         ${READER.name} / ${READER.password}

Batch API     ${batch.url}
  project key    ${sandbox.projectKey}
  REST API key   ${sandbox.restApiKey}
  received data  ${batch.url}/ in a browser, or with curl
                 ${batch.url}/_sandbox/events and /_sandbox/stats

To write the two configuration files, paste this into a shell:

cat > source.json <<'END'
${JSON.stringify({ ...clickhouse.connection(READER), database: 'shop', table: 'events' })}
END
cat > destination.json <<'END'
${JSON.stringify({ api_url: batch.url, project_key: sandbox.projectKey, rest_api_key: sandbox.restApiKey })}
END

Press Ctrl-C to stop both servers and delete their data.`);

await waitForAbort(interrupted);
await sandbox.stop();
