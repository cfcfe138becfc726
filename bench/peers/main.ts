import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BatchApi } from '../../sandbox/batch-api/server.ts';
import type { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { READER_WITH_SETTINGS } from '../../sandbox/clickhouse/users.ts';
import { say } from '../../sandbox/say.ts';
import { DATABASE, makeEventsTable } from '../events-table.ts';
import { atLeast, atMost, type Figure, table as figuresTable, markdownTable } from '../figures.ts';
import { median } from '../measure.ts';
import type { WriteFile } from '../temporary-folder.ts';
import { withSink } from '../with-sink.ts';
import { type Contender, contenders, type Job, naive, ours } from './contenders.ts';
import { makeNumberedTable } from './numbered-table.ts';
import { type GroupMeasured, startGroup } from './process-group.ts';
import { SCENARIOS, type Scenario } from './scenarios.ts';

const ROWS = 300_000;

/** How often each contender's speed is measured; the median of each figure counts. */
const ROUNDS = 3;

const UNLIMITED = 1_000_000_000;
const KEYS = { project_key: 'project_bench', rest_api_key: 'rest-key-bench' };

type Speed = GroupMeasured & { requests: number };
/** The result of a scenario: the calls to Batch, how many of them got HTTP 429, and each of its runs. */
type Account = { lost: number; doubled: number; requests: number; refusals: number; runs: string[] };

/** Each contender's speed and account as a table in Markdown, and why the others are missing. */
export async function comparePeers(server: ClickHouseServer, file: WriteFile): Promise<string> {
  const { contenders: present, absent } = await contenders();
  const bench = new PeersBench(server, dirname(await file('peers', '')));
  const speeds = await bench.speeds(present);
  const rows: string[][] = [];
  for (const contender of present) {
    const accounts = await bench.accounts(contender);
    rows.push(rowOf(contender, speeds.get(contender.name) ?? [], accounts));
  }
  return [markdownTable([HEAD, ...rows]), figuresTable(compareWithNaive(speeds)), ...absent].join('\n\n');
}

/** Our speed and CPU, compared with the naive loop. */
function compareWithNaive(speeds: ReadonlyMap<string, readonly Speed[]>): Figure[] {
  const ratio = (of: (speed: Speed) => number): number =>
    median((speeds.get(ours.name) ?? []).map(of)) / median((speeds.get(naive.name) ?? []).map(of));
  return [
    atLeast('rows per second ÷ those of the naive loop', 1 / ratio(({ seconds }) => seconds), 1.5),
    atMost(
      'CPU ÷ that of the naive loop',
      ratio(({ cpuSeconds }) => cpuSeconds),
      0.9,
    ),
  ];
}

const HEAD = ['', 'rows/s', 'CPU s', 'peak MB', 'requests', '429s', 'ties', 'late rows', 'kill', 'exception', 'stall'];

function rowOf(contender: Contender, speeds: readonly Speed[], accounts: ReadonlyMap<string, Account>): string[] {
  const middle = (of: (speed: Speed) => number): number => median(speeds.map(of));
  const account = (name: string): string => {
    const found = accounts.get(name);
    return found === undefined ? '–' : `${shown(found.lost)} / ${shown(found.doubled)}`;
  };
  const paced = accounts.get('paced');
  return [
    contender.name,
    shown(ROWS / middle(({ seconds }) => seconds)),
    middle(({ cpuSeconds }) => cpuSeconds).toFixed(1),
    shown(middle(({ peakMegabytes }) => peakMegabytes)),
    contender.delivers ? shown(middle(({ requests }) => requests)) : '–',
    paced === undefined ? '–' : shown(paced.refusals),
    account('ties'),
    contender.hasLag ? `${account('late')}, with its lag ${account('late_lag')}` : account('late'),
    account('kill'),
    account('exception'),
    account('stall'),
  ];
}

async function endOf(log: string): Promise<string> {
  return (await readFile(log, 'utf8')).slice(-2_000);
}

function shown(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: 0 });
}

class PeersBench {
  readonly #server: ClickHouseServer;
  readonly #folder: string;
  #trials = 0;

  constructor(server: ClickHouseServer, folder: string) {
    this.#server = server;
    this.#folder = folder;
  }

  /** First reads of one table into one sink, in turn. */
  async speeds(contenders: readonly Contender[]): Promise<Map<string, Speed[]>> {
    const table = 'speed';
    await makeEventsTable(this.#server, table, 'by_cursor', ROWS);
    const speeds = new Map<string, Speed[]>(contenders.map(({ name }) => [name, []]));
    for (let round = 0; round < ROUNDS; round++) {
      for (const contender of contenders) {
        const speed = await withSink(0, async (url) => {
          const { folder, log } = await this.#newFolder();
          const command = contender.command({ ...this.#job(table, url), rate_limit: UNLIMITED }, folder);
          const measured = await startGroup(command, log).ended;
          if (measured.code !== 0) {
            throw new Error(`${contender.name} ended with ${measured.code}:\n${await endOf(log)}`);
          }
          const requests = Number(await (await fetch(url)).text());
          return { ...measured, requests };
        });
        say(`${contender.name}: ${speed.seconds.toFixed(1)} s, ${speed.cpuSeconds.toFixed(1)} s of CPU.`);
        speeds.get(contender.name)?.push(speed);
      }
    }
    return speeds;
  }

  /** What a contender lost and duplicated in each scenario that applies to it. */
  async accounts(contender: Contender): Promise<Map<string, Account>> {
    const accounts = new Map<string, Account>();
    for (const scenario of SCENARIOS) {
      if (scenario.needsBatch && !contender.delivers) continue;
      if (scenario.lag !== undefined && !contender.hasLag) continue;
      const account = await this.#account(contender, scenario);
      const { lost, doubled, requests, runs } = account;
      say(`${contender.name}, ${scenario.name}: ${lost} lost, ${doubled} doubled, ${requests} requests`);
      say(`  ${runs.join(', ')}`);
      accounts.set(scenario.name, account);
    }
    return accounts;
  }

  async #account(contender: Contender, scenario: Scenario): Promise<Account> {
    const { folder, log, trial } = await this.#newFolder();
    const table = `${scenario.name}_${trial}`;
    await makeNumberedTable(this.#server, table);
    const batch = await BatchApi.start({
      projectKey: KEYS.project_key,
      restApiKey: KEYS.rest_api_key,
      limits: scenario.limits ?? { updateRate: UNLIMITED, updateBurst: UNLIMITED },
    });
    try {
      const job: Job = {
        ...this.#job(table, batch.url, scenario.user),
        ...(scenario.limits === undefined && { rate_limit: UNLIMITED }),
        ...(scenario.lag !== undefined && { lag_seconds: scenario.lag }),
      };
      const numbers = (): number[] =>
        contender.cached?.(folder, table) ??
        Array.from(batch.store.events(), ({ json }) => Number(JSON.parse(json).attributes.n));
      const runs: string[] = [];
      const run = async (onCall: (call: number, kill: () => void) => void = () => {}): Promise<GroupMeasured> => {
        await appendFile(log, `--- ${contender.name}, ${scenario.name}, run ${runs.length + 1}\n`);
        let calls = 0;
        const group = startGroup(contender.command(job, folder), log);
        batch.onCall = () => onCall(++calls, group.kill);
        const measured = await group.ended;
        contender.afterRun?.(folder);
        runs.push(`${numbers().length} rows by the exit with ${measured.code ?? 'a signal'}`);
        return measured;
      };
      const expected = await scenario.play({ server: this.#server, table, batch, run });
      // Once more, with nothing new: a contender that reads the last timestamp again shows it here.
      const { code } = await run();
      // Nothing went wrong on purpose in this run, so the bench itself failed, and the account would be unfair to the contender.
      if (code !== 0) throw new Error(`${contender.name} ended with ${code}:\n${await endOf(log)}`);
      const delivered = numbers();
      const distinct = new Set(delivered).size;
      return {
        lost: expected - distinct,
        doubled: delivered.length - distinct,
        requests: batch.stats.requests,
        refusals: batch.stats.answers['429'] ?? 0,
        runs,
      };
    } finally {
      await batch.close();
    }
  }

  #job(table: string, url: string, user = READER_WITH_SETTINGS): Job {
    const clickhouse = { ...this.#server.connection(user), database: DATABASE, table };
    return { clickhouse, batch: { url, ...KEYS } };
  }

  async #newFolder(): Promise<{ folder: string; log: string; trial: number }> {
    const trial = ++this.#trials;
    const folder = join(this.#folder, `trial-${trial}`);
    await mkdir(folder);
    return { folder, log: join(folder, 'log'), trial };
  }
}
