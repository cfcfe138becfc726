import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { shortenMessage } from '../../src/sync/report/text-reporter.ts';
import { abortOnInterrupt, waitForAbort } from '../interruption.ts';
import { type Finished, type PrintedMessage, type PrintedStream, run, sync } from '../launcher.ts';
import { CRASHED, type Sandbox, startSandbox } from '../sandbox.ts';
import { say } from '../say.ts';
import { createEventsTable, DATABASE, insertEvents, insertFaultyEvents, TABLE } from './events-table.ts';
import { explainMissingBuild } from './missing-build.ts';

const ROWS = 12_000;
const PROFILES = 1_500;
const NEW_ROWS = 250;

/** Rows that `insertFaultyEvents` adds, and how many of them are rejected. */
const FAULTY_ROWS = 3;
const REJECTED_ROWS = 2;

/** Whether both servers keep running after the checks. */
const { open: isLeftOpen } = parseArgs({ options: { open: { type: 'boolean', default: false } } }).values;

/** What the Batch API of the sandbox has received so far. */
type Received = { rows: number; events: number; requests: number; updates: number };

/**
 * An interrupted demo still finishes its current step. The connectors get the same Ctrl-C, so this is quick. Without its
 * Batch API, the destination would retry for half an hour.
 */
const interrupted = abortOnInterrupt();

process.exitCode = 1;
const missing = explainMissingBuild(new URL('../../', import.meta.url));
if (missing === undefined) await showAll();
else say(missing);

async function showAll(): Promise<void> {
  say('Starting a ClickHouse server and a Batch API on this machine ...');
  const sandbox = await startSandbox();
  sandbox.clickhouse.crashed.addEventListener('abort', () => say(`\n${CRASHED} Run the demo again.`));
  const folder = await mkdtemp(join(tmpdir(), 'clickhouse-to-batch-demo-'));
  try {
    await checkAll(sandbox, folder);
  } catch (error) {
    say(`\nTHE DEMO FAILED: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await rm(folder, { recursive: true, force: true });
    await sandbox.stop();
  }
}

async function checkAll(box: Sandbox, folder: string): Promise<void> {
  await demo(box, folder);
  process.exitCode = 0;
  say('\nAll counts are correct.');
  if (isLeftOpen) {
    await leaveOpen(box);
    if (box.clickhouse.crashed.aborted) process.exitCode = 1;
  } else {
    say('The demo is done. Both servers are stopped and their data is deleted.');
    say('To see in a browser what Batch received: npm run demo -- --open');
  }
}

async function demo(box: Sandbox, folder: string): Promise<void> {
  const { clickhouse, batch, projectKey, reader, restApiKey } = box;
  const file = async (name: string, content: unknown): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, JSON.stringify(content));
    return path;
  };
  await createEventsTable(clickhouse);
  await insertEvents(clickhouse, { rows: ROWS, profiles: PROFILES });
  await insertFaultyEvents(clickhouse);
  say(
    `The table ${DATABASE}.${TABLE} has ${ROWS + FAULTY_ROWS} events of ${PROFILES} profiles; ${FAULTY_ROWS} of them break a rule of Batch.`,
  );

  const source = await file('source.json', { ...clickhouse.connection(reader), database: DATABASE });
  const destination = await file('destination.json', {
    api_url: batch.url,
    project_key: projectKey,
    rest_api_key: restApiKey,
  });

  printHeading('check');
  for (const [name, config] of [
    ['source-clickhouse', source],
    ['destination-batch', destination],
  ] as const) {
    const { messages } = await run(name, ['check', '--config', config]);
    const status = messages.find(({ type }) => type === 'CONNECTION_STATUS')?.connectionStatus;
    say(`${name.padEnd(18)} ${status?.status} ${status?.message ?? ''}`);
    expectEqual(`the status of ${name}`, status?.status, 'SUCCEEDED');
  }

  printHeading('discover');
  const { messages } = await run('source-clickhouse', ['discover', '--config', source]);
  const streams = messages.flatMap(({ catalog }) => catalog?.streams ?? []);
  for (const stream of streams)
    say(`${stream.namespace}.${stream.name}: ${Object.keys(stream.json_schema.properties).join(', ')}`);
  expectEqual('the streams', streams.map(({ name }) => name).join(), TABLE);
  const catalog = await file('catalog.json', toConfiguredCatalog(streams));

  printHeading('read | write, first run: all rows');
  let before = await countReceived(box);
  const first = await sync({ source, destination, catalog });
  printLogs(first);
  await verify(box, countSettled(first), first, before, { rows: ROWS + FAULTY_ROWS, rejected: REJECTED_ROWS });
  const state = await file('state.json', [findLastState(first)]);

  printHeading(`clickhouse-to-batch sync, from the state of the first run: ${NEW_ROWS} new rows`);
  await insertEvents(clickhouse, { rows: NEW_ROWS, profiles: PROFILES });
  before = await countReceived(box);
  const second = await run('clickhouse-to-batch', [
    'sync',
    '--source',
    source,
    '--destination',
    destination,
    '--state',
    state,
  ]);
  say(`${second.stderr}${second.stdout}`);
  await verify(box, readSummary(second), second, before, { rows: NEW_ROWS, rejected: 0 });

  printHeading('an event as stored by Batch');
  const [event] = batch.store.events({ offset: 7, limit: 1 });
  say(`profile ${event?.custom_id}\n${JSON.stringify(JSON.parse(event?.json ?? '{}'), null, 2)}`);

  printHeading('clickhouse-to-batch status');
  const status = await run('clickhouse-to-batch', ['status', '--state', state]);
  say(`${status.stderr}${status.stdout}`.trimEnd());
  expectEqual('the exit code of status', status.code, 0);
}

/** Keeps both servers running until Ctrl-C, or until ClickHouse crashes. */
async function leaveOpen({ batch, clickhouse, reader }: Sandbox): Promise<void> {
  say(`
Batch API     ${batch.url}/
ClickHouse    ${clickhouse.url}/play (${reader.name} / ${reader.password})

Press Ctrl-C to stop both servers and delete their data.`);
  await waitForAbort(AbortSignal.any([interrupted, clickhouse.crashed]));
}

/** The numbers of rows that a run reports. */
type Settled = { accepted: number; rejected: number };

/** Adds up the counts in the states that the destination echoed. */
function countSettled({ messages }: Finished): Settled {
  const stats = messages.flatMap(({ state }) => state?.destinationStats ?? []);
  return {
    accepted: sum(stats.map(({ recordCount }) => recordCount)),
    rejected: sum(stats.map(({ rejectedRecordCount }) => rejectedRecordCount)),
  };
}

/** Reads the counts in the summary of `sync`. */
function readSummary({ stdout }: Finished): Settled {
  const [, accepted, rejected] = / read, ([\d,]+) accepted, ([\d,]+) rejected\./.exec(stdout) ?? [];
  const toNumber = (text = ''): number => Number(text.replaceAll(',', ''));
  return { accepted: toNumber(accepted), rejected: toNumber(rejected) };
}

/** Compares the rows in ClickHouse, the counts of the connectors and the events that Batch received. */
async function verify(
  box: Sandbox,
  { accepted, rejected }: Settled,
  done: Finished,
  before: Received,
  expected: { rows: number; rejected: number },
): Promise<void> {
  const now = await countReceived(box);
  say(
    [
      `rows read           ${accepted + rejected}`,
      `events accepted     ${now.events - before.events}`,
      `rows rejected       ${rejected}`,
      `requests            ${now.requests - before.requests}`,
      `updates             ${now.updates - before.updates}  (an update has up to 15 events of a profile)`,
    ].join('\n'),
  );
  expectEqual('the exit code', done.code, 0);
  expectEqual('the rows read', accepted + rejected, expected.rows);
  expectEqual('the rows rejected', rejected, expected.rejected);
  expectEqual('the events accepted by Batch', now.events - before.events, expected.rows - expected.rejected);
}

async function countReceived({ batch, clickhouse }: Sandbox): Promise<Received> {
  const { requests, updates_accepted, events_accepted } = batch.stats;
  const [table] = await clickhouse.query<{ rows: string }>(`SELECT count() AS rows FROM ${DATABASE}.${TABLE}`);
  return { rows: Number(table?.rows), events: events_accepted, requests, updates: updates_accepted };
}

/** Prints the logs of the destination, which are between the states on its stdout, in the short form of `sync`. */
function printLogs({ messages, stderr }: Finished): void {
  for (const { log, trace } of messages) {
    if (log !== undefined) say(`${log.level.padEnd(5)} ${shortenMessage(log.message)}`);
    if (trace?.error !== undefined) say(`ERROR ${trace.error.message}`);
  }
  if (stderr !== '') say(stderr);
  say('');
}

function toConfiguredCatalog(streams: PrintedStream[]): Record<string, unknown> {
  return { streams: streams.map((stream) => ({ stream, sync_mode: 'incremental', destination_sync_mode: 'append' })) };
}

function findLastState({ messages }: Finished): PrintedMessage['state'] {
  return messages.findLast(({ type }) => type === 'STATE')?.state;
}

function printHeading(text: string): void {
  interrupted.throwIfAborted();
  say(`\n--- ${text} ---`);
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function expectEqual(what: string, actual: unknown, expected: unknown): void {
  interrupted.throwIfAborted();
  if (actual !== expected) throw new Error(`${what} should be ${expected}, but is ${actual}.`);
}
