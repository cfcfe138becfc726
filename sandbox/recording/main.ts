import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { launcherPath } from '../launcher.ts';
import { startSandbox } from '../sandbox.ts';
import { say } from '../say.ts';
import { formatCast } from './cast.ts';
import { playFrames } from './frames.ts';
import { Recorder } from './recorder.ts';
import { drawSvg } from './svg.ts';

/** `npm run docs:recording`: records the commands of the README in a terminal, against a sandbox. It writes docs/images/terminal.*. */
const IMAGES = new URL('../../docs/images/', import.meta.url);

const TITLE = 'A terminal: check tests both connections, preview shows the events, and sync sends them.';

const TABLE = `CREATE TABLE shop.events (
  custom_id String, event_name LowCardinality(String), event_time DateTime, item String, price Decimal(9, 2),
  last_updated_at DateTime64(6) DEFAULT now64(6)
) ENGINE = MergeTree ORDER BY (last_updated_at, custom_id)`;

const ROWS = `INSERT INTO shop.events (custom_id, event_name, event_time, item, price) VALUES
  ('42', 'order_paid', now() - 600, 'linen shirt', 49.90),
  ('43', 'order_paid', now() - 300, 'rain coat', 120),
  ('43', 'Order cancelled', now() - 60, 'wool socks', 9)`;

const COMMANDS = [
  'clickhouse-to-batch preview --source source.json --destination destination.json',
  'clickhouse-to-batch sync --source source.json --destination destination.json --state state.json',
  'clickhouse-to-batch status --state state.json',
];

process.env.PATH = [dirname(launcherPath('clickhouse-to-batch')), process.env.PATH].join(delimiter);
const folder = await mkdtemp(join(tmpdir(), 'clickhouse-to-batch-recording-'));
const { clickhouse, reader, batch, projectKey, restApiKey, stop } = await startSandbox();
try {
  await clickhouse.execute('CREATE DATABASE shop', TABLE, ROWS);
  const source = { ...clickhouse.connection(reader), database: 'shop', table: 'events' };
  const destination = { api_url: batch.url, project_key: projectKey, rest_api_key: restApiKey };
  await writeFile(join(folder, 'source.json'), JSON.stringify(source));
  await writeFile(join(folder, 'destination.json'), JSON.stringify(destination));

  const recorder = new Recorder(folder);
  for (const command of COMMANDS) await recorder.run(command);
  const { cast } = recorder;
  const frames = await playFrames(cast);
  await writeFile(new URL('terminal.cast', IMAGES), formatCast(cast));
  await writeFile(new URL('terminal.svg', IMAGES), drawSvg(frames, cast.columns, cast.rows, TITLE));
  say(`Recorded ${COMMANDS.length} commands in ${frames.length} frames.`);
} finally {
  await stop();
  await rm(folder, { recursive: true, force: true });
}
