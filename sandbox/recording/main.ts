import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { launcherPath } from '../launcher.ts';
import { DEFAULT_PORTS } from '../ports.ts';
import { type Sandbox, startSandbox } from '../sandbox.ts';
import { say } from '../say.ts';
import { formatCast } from './cast.ts';
import { playFrames } from './frames.ts';
import { type Answer, Recorder } from './recorder.ts';
import { drawSvg } from './svg.ts';

/** `npm run docs:recording`: records the commands of the README in a terminal, against a sandbox. It writes docs/images/terminal.*. */
const IMAGES = new URL('../../docs/images/', import.meta.url);

const TITLE =
  'A terminal: init asks for the settings, preview shows the events, sync sends them, and status shows the last run.';

const TABLE = `CREATE TABLE shop.events (
  custom_id String, event_name LowCardinality(String), event_time DateTime, item String, price Decimal(9, 2),
  last_updated_at DateTime64(6) DEFAULT now64(6)
) ENGINE = MergeTree ORDER BY (last_updated_at, custom_id)`;

const ROWS = `INSERT INTO shop.events (custom_id, event_name, event_time, item, price) VALUES
  ('42', 'order_paid', now() - 600, 'linen shirt', 49.90),
  ('43', 'order_paid', now() - 300, 'rain coat', 120),
  ('43', 'Order cancelled', now() - 60, 'wool socks', 9)`;

const ENTER = '\r';

/** The answers to the questions of `init`. */
function answersFor({ clickhouse, reader, projectKey, restApiKey }: Sandbox): Answer[] {
  return [
    { question: 'What do you want to send', keys: ENTER },
    { question: 'ClickHouse host', keys: clickhouse.url + ENTER },
    { question: 'User (needs', keys: reader.name + ENTER },
    { question: 'Password', keys: reader.password + ENTER },
    { question: 'Database', keys: ENTER },
    { question: 'row was inserted', keys: ENTER },
    { question: 'Batch project key', keys: projectKey + ENTER },
    { question: 'REST API key', keys: restApiKey + ENTER },
  ];
}

const COMMANDS = [
  'clickhouse-to-batch preview --source source.json --destination destination.json',
  'clickhouse-to-batch sync --source source.json --destination destination.json --state state.json',
  'clickhouse-to-batch status --state state.json',
];

process.env.PATH = [dirname(launcherPath('clickhouse-to-batch')), process.env.PATH].join(delimiter);
const folder = await mkdtemp(join(tmpdir(), 'clickhouse-to-batch-recording-'));
const sandbox = await startSandbox({ ports: DEFAULT_PORTS });
try {
  await sandbox.clickhouse.execute('CREATE DATABASE shop', TABLE, ROWS);
  const recorder = new Recorder(folder);
  await recorder.run(`clickhouse-to-batch init --api-url ${sandbox.batch.url}`, answersFor(sandbox));
  for (const command of COMMANDS) await recorder.run(command);
  const { cast } = recorder;
  const frames = await playFrames(cast);
  await writeFile(new URL('terminal.cast', IMAGES), formatCast(cast));
  await writeFile(new URL('terminal.svg', IMAGES), drawSvg(frames, cast.columns, cast.rows, TITLE));
  say(`Recorded ${frames.length} frames.`);
} finally {
  await sandbox.stop();
  await rm(folder, { recursive: true, force: true });
}
