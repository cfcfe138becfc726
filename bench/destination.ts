import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { BatchApi } from '../sandbox/batch-api/server.ts';
import type { ClickHouseServer } from '../sandbox/clickhouse/server.ts';
import { READER } from '../sandbox/clickhouse/users.ts';
import { launcherPath } from '../sandbox/launcher.ts';
import { DATABASE, makeEventsTable } from './events-table.ts';
import { exchangeColumns } from './exchange-columns.ts';
import { atLeast, atMost, type Figure, report } from './figures.ts';
import { inTurn, type Measured, measure, watch } from './measure.ts';
import type { WriteFile } from './temporary-folder.ts';
import { withSink } from './with-sink.ts';

const ROWS = 1_000_000;
const PACED_SECONDS = 60;
const SILENT_SECONDS = 60;
const KEYS = { project_key: 'project_bench', rest_api_key: 'rest-key-bench' };
const STREAM = 'events';

/** The documented rate limit of the endpoint `update`: updates per second, and the burst. */
const RATE = { perSecond: 300, burst: 1_000 };

/** The destination against a loop that parses its input, in a pipe after the source, and at Batch's rate limit. */
export async function destinationFigures(server: ClickHouseServer, file: WriteFile): Promise<Figure[]> {
  await makeEventsTable(server, STREAM, 'by_cursor', ROWS);
  const source = await file('pipe-source.json', { ...server.connection(READER), database: DATABASE });
  const catalog = await file('pipe-catalog.json', {
    streams: [{ stream: { name: STREAM }, sync_mode: 'incremental', destination_sync_mode: 'append' }],
  });
  const read = [launcherPath('source-clickhouse'), 'read', '--config', source, '--catalog', catalog];
  const rows = await file('rows.ndjson', '');
  await measure('/bin/sh', ['-c', `${read.join(' ')} > ${rows}`]);
  const shuffled = await file('shuffled.ndjson', '');
  await exchangeColumns(rows, shuffled);
  const write = (config: string): string[] => ['write', '--config', config, '--catalog', catalog];

  const quick = await withSink(0, async (url) => {
    const config = await file('sink.json', unpaced(url));
    const pipe = `${read.join(' ')} | ${[launcherPath('destination-batch'), ...write(config)].join(' ')}`;
    return inTurn({
      write: () => measureWithInput(launcherPath('destination-batch'), write(config), rows),
      ordinary: () => measureWithInput(launcherPath('destination-batch'), write(config), shuffled),
      loop: () =>
        measureWithInput(process.execPath, [fileURLToPath(new URL('split-and-parse.js', import.meta.url))], rows),
      pipe: () => measure('/bin/sh', ['-c', pipe]),
    });
  });
  const silent = await withSink(SILENT_SECONDS, async (url) =>
    measureWithInput(launcherPath('destination-batch'), write(await file('silent.json', unpaced(url))), rows),
  );
  const paced = await atBatchsPace(file, catalog);
  const grouping = await updatesOfWaitingRows(file, catalog);
  return [
    atMost(
      'write of 1,000,000 records ÷ a loop that splits and parses them',
      quick.write.seconds / quick.loop.seconds,
      1.7,
    ),
    atMost('the same, CPU', quick.write.cpuSeconds / quick.loop.cpuSeconds, 2),
    atMost('write of rows that are all parsed ÷ the loop, CPU', quick.ordinary.cpuSeconds / quick.loop.cpuSeconds, 4),
    atLeast('read | write, events per second', ROWS / quick.pipe.seconds, 100_000),
    report('rows per second of the loop', ROWS / quick.loop.seconds),
    atLeast(`tokens used ÷ tokens given in ${PACED_SECONDS} s`, paced.used / paced.given, 0.98),
    atMost('429s in that time', paced.refusals, 0),
    atMost('updates sent ÷ the fewest for rows that wait together', grouping, 1.02),
    atMost(`peak memory before a sink that is silent for ${SILENT_SECONDS} s`, silent.peakMegabytes, 200, ' MB'),
  ];
}

function unpaced(url: string): Record<string, unknown> {
  return { ...KEYS, api_url: url, endpoint: 'mass_update', rate_limit: 1e9 };
}

async function measureWithInput(command: string, args: readonly string[], path: string): Promise<Measured> {
  const input = openSync(path, 'r');
  try {
    return await measure(command, args, { stdio: [input, 'ignore', 'ignore'] });
  } finally {
    closeSync(input);
  }
}

/** More rows than can be sent, each of a different profile, at Batch's own limits; ended by SIGTERM. */
async function atBatchsPace(
  file: WriteFile,
  catalog: string,
): Promise<{ used: number; given: number; refusals: number }> {
  const batch = await BatchApi.start({ projectKey: KEYS.project_key, restApiKey: KEYS.rest_api_key });
  try {
    const config = await file('paced.json', { ...KEYS, api_url: batch.url, endpoint: 'update' });
    const child = startWrite(config, catalog);
    child.stdin?.on('error', () => {});
    const feeding = pipeline(Readable.from(endlessRows()), child.stdin ?? process.stdout).catch(() => {});
    while (batch.stats.requests === 0) await sleep(5);
    await sleep(PACED_SECONDS * 1000);
    const { tokens, answers } = batch.stats;
    child.kill('SIGKILL');
    await feeding;
    return {
      used: tokens.update.used,
      given: RATE.burst + RATE.perSecond * PACED_SECONDS,
      refusals: answers['429'] ?? 0,
    };
  } finally {
    await batch.close();
  }
}

/** Rows of few profiles that arrive at once, at Batch's rate limit: the updates sent, divided by the fewest possible. */
async function updatesOfWaitingRows(file: WriteFile, catalog: string): Promise<number> {
  const batch = await BatchApi.start({ projectKey: KEYS.project_key, restApiKey: KEYS.rest_api_key });
  try {
    const config = await file('grouping.json', { ...KEYS, api_url: batch.url, endpoint: 'update' });
    const events = new Map<number, number>();
    const lines: string[] = [];
    // A linear congruential generator: the same rows each time.
    let random = 1;
    for (let n = 0; n < 18_000; n += 1) {
      random = (random * 1_103_515_245 + 12_345) % 2_147_483_648;
      const profile = random % 2_000;
      events.set(profile, (events.get(profile) ?? 0) + 1);
      lines.push(rowLine(`customer-${profile}`, n));
    }
    const child = startWrite(config, catalog);
    const ended = watch(child);
    child.stdin?.end(lines.join(''));
    await ended;
    const fewest = [...events.values()].reduce((sum, count) => sum + Math.ceil(count / 15), 0);
    return batch.stats.updates_accepted / fewest;
  } finally {
    await batch.close();
  }
}

function startWrite(config: string, catalog: string): ChildProcess {
  return spawn(launcherPath('destination-batch'), ['write', '--config', config, '--catalog', catalog], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
}

function* endlessRows(): Generator<string> {
  for (let n = 0; ; n += 100) {
    yield Array.from({ length: 100 }, (_, index) => rowLine(`customer-${n + index}`, n + index)).join('');
  }
}

function rowLine(customId: string, n: number): string {
  return `${JSON.stringify({ type: 'RECORD', record: { stream: STREAM, emitted_at: 1, data: { custom_id: customId, event_name: 'purchase', n } } })}\n`;
}
