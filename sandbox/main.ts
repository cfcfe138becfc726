import { ADMIN } from './clickhouse/users.ts';
import { abortOnInterrupt, waitForAbort } from './interruption.ts';
import { explainPortNotFree, PortNotFree, type Ports, readPorts, USAGE } from './ports.ts';
import { CRASHED, type Sandbox, startSandbox } from './sandbox.ts';
import { say } from './say.ts';

/** `npm run sandbox`: starts both servers, prints how to connect to them, and runs until it is stopped. */

const interrupted = abortOnInterrupt();
const ports = readPorts(process.argv.slice(2));
if (typeof ports === 'string') {
  say(`${ports}\n${USAGE}`);
  process.exitCode = 2;
} else {
  process.exitCode = await runSandbox(ports);
}

/** Returns the exit code. */
async function runSandbox(ports: Ports): Promise<number> {
  say('Starting ClickHouse and a Batch API ...');
  try {
    const sandbox = await startSandbox({ ports });
    await sandbox.clickhouse.execute('CREATE DATABASE IF NOT EXISTS shop');
    say(describe(sandbox));
    await waitForAbort(AbortSignal.any([interrupted, sandbox.clickhouse.crashed]));
    const hasCrashed = sandbox.clickhouse.crashed.aborted;
    if (hasCrashed) say(`\n${CRASHED} To start it again: npm run sandbox`);
    await sandbox.stop();
    return hasCrashed ? 1 : 0;
  } catch (error) {
    if (!(error instanceof PortNotFree)) throw error;
    say(`\n${explainPortNotFree(error, ports)}`);
    return 1;
  }
}

function describe({ batch, clickhouse, projectKey, reader, restApiKey }: Sandbox): string {
  return `
ClickHouse    ${clickhouse.url}
  to read        ${reader.name} / ${reader.password}
  to change      ${ADMIN.name} / ${ADMIN.password}
  in a browser   ${clickhouse.url}/play

Batch API     ${batch.url}
  project key    ${projectKey}
  REST API key   ${restApiKey}
  received data  ${batch.url}/ in a browser

To write the two configuration files, answer some questions in another terminal:

bin/clickhouse-to-batch init --api-url ${batch.url}

Or paste this into it:

cat > source.json <<'END'
${JSON.stringify({ ...clickhouse.connection(reader), database: 'shop', table: 'events' })}
END
cat > destination.json <<'END'
${JSON.stringify({ api_url: batch.url, project_key: projectKey, rest_api_key: restApiKey })}
END
chmod 600 source.json destination.json

Press Ctrl-C to stop both servers and delete their data.`;
}
