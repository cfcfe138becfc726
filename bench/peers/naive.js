// What a good engineer writes in an hour: it posts the pages after the cursor, and saves the cursor after each page.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@clickhouse/client';

const PAGE = 10_000;
const UPDATES_A_CALL = 200;
const BACKOFF_MS = 5_000;
const TRIES = 20;

const [jobPath, cursorPath] = process.argv.slice(2);
const { clickhouse, batch } = JSON.parse(readFileSync(jobPath, 'utf8'));

const client = createClient({
  url: `http://${clickhouse.host}:${clickhouse.port}`,
  username: clickhouse.username,
  password: clickhouse.password,
  database: clickhouse.database,
  request_timeout: 300_000,
  clickhouse_settings: { date_time_output_format: 'iso' },
});

let cursor = existsSync(cursorPath) ? readFileSync(cursorPath, 'utf8') : '1970-01-01T00:00:00Z';
try {
  for (;;) {
    const result = await client.query({
      query: `SELECT * FROM {table:Identifier}
        WHERE last_updated_at > parseDateTime64BestEffort({cursor:String}, 6, 'UTC') ORDER BY last_updated_at LIMIT ${PAGE}`,
      query_params: { table: clickhouse.table, cursor },
      format: 'JSONEachRow',
    });
    const rows = await result.json();
    for (let start = 0; start < rows.length; start += UPDATES_A_CALL) {
      await post(rows.slice(start, start + UPDATES_A_CALL).map(toUpdate));
    }
    if (rows.length > 0) {
      cursor = rows.at(-1).last_updated_at;
      writeFileSync(`${cursorPath}.new`, cursor);
      renameSync(`${cursorPath}.new`, cursorPath);
    }
    if (rows.length < PAGE) break;
  }
} finally {
  await client.close();
}

function toUpdate({ custom_id, event_name, event_time, last_updated_at: _, ...columns }) {
  const attributes = {};
  for (const [name, value] of Object.entries(columns)) {
    if (value === null || value === '') continue;
    if (name.startsWith('url__')) attributes[`url(${name.slice(5)})`] = value;
    else if (name.startsWith('date__')) attributes[`date(${name.slice(6)})`] = value;
    else attributes[name] = typeof value === 'string' && /^[[{]/.test(value) ? JSON.parse(value) : value;
  }
  return { identifiers: { custom_id }, events: [{ name: event_name, time: event_time, attributes }] };
}

async function post(updates) {
  for (let tries = 1; ; tries++) {
    const status = await fetch(`${batch.url}/2.11/profiles/update`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${batch.rest_api_key}`,
        'x-batch-project': batch.project_key,
      },
      body: JSON.stringify(updates),
    }).then(
      async (response) => {
        const body = await response.json();
        if (body.errors !== undefined) process.stderr.write(`${JSON.stringify(body.errors.slice(0, 3))}\n`);
        return response.status;
      },
      () => 503,
    );
    if (status === 202) return;
    if ((status !== 429 && status < 500) || tries === TRIES) throw new Error(`Batch answers ${status}.`);
    await sleep(BACKOFF_MS);
  }
}
