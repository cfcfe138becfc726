import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { READER } from '../../sandbox/clickhouse/users.ts';
import { RETRY_MINUTES_WHEN_AWAY } from './faults.ts';
import { DATABASE, type Lab, PROJECT_KEY, REST_API_KEY } from './lab.ts';
import type { Plan } from './plan.ts';
import type { StateFile } from './state-file.ts';

/** Long enough for any run that can succeed. */
const RETRY_MINUTES = 1;

/** The files of a round: the configurations and the catalog and, on the small disk, the state and the rejected rows. */
export class RoundFiles {
  readonly rejectedFolder: string;
  readonly statePath: string;
  readonly #folder: string;
  readonly #diskFolder: string;
  readonly #lab: Lab;
  readonly #plan: Plan;
  readonly #table: string;

  constructor(lab: Lab, plan: Plan, table: string) {
    this.#lab = lab;
    this.#plan = plan;
    this.#table = table;
    this.#folder = mkdtempSync(join(tmpdir(), 'chaos-round-'));
    this.#diskFolder = join(lab.disk.folder, table);
    this.rejectedFolder = join(this.#diskFolder, 'rejected');
    this.statePath = join(this.#diskFolder, 'state.json');
    mkdirSync(this.rejectedFolder, { recursive: true });
  }

  /** @param proxyPort the port of the proxy between the source and ClickHouse, if there is one. */
  readArguments(proxyPort: number | undefined, stateFile: StateFile): string[] {
    const { server } = this.#lab.clickhouse;
    const connection = server.connection(READER);
    const config = this.#write('source.json', {
      ...connection,
      port: proxyPort ?? connection.port,
      database: DATABASE,
      lookback_seconds: this.#plan.table.lookbackSeconds,
    });
    const state = existsSync(stateFile.path) ? ['--state', stateFile.path] : [];
    return ['read', '--config', config, '--catalog', this.#catalog(), ...state];
  }

  /** @param isBatchAway whether Batch becomes unreachable. The destination then gives up soon. */
  writeArguments(isBatchAway: boolean): string[] {
    const { endpoint, eventsPerUpdate, flushSeconds } = this.#plan.destination;
    const config = this.#write('destination.json', {
      project_key: PROJECT_KEY,
      rest_api_key: REST_API_KEY,
      api_url: this.#lab.batch.url,
      endpoint,
      rate_limit: 100_000,
      flush_interval_seconds: flushSeconds,
      retry_minutes: isBatchAway ? RETRY_MINUTES_WHEN_AWAY : RETRY_MINUTES,
      limits: { events_per_update: eventsPerUpdate },
      mapping: { exclude_columns: ['padding'] },
      rejected_rows: { storage_type: 'Local', path: this.rejectedFolder },
    });
    return ['write', '--config', config, '--catalog', this.#catalog()];
  }

  remove(): void {
    for (const folder of [this.#folder, this.#diskFolder]) rmSync(folder, { recursive: true, force: true });
  }

  #catalog(): string {
    const stream = { name: this.#table, json_schema: {}, supported_sync_modes: ['full_refresh', 'incremental'] };
    return this.#write('catalog.json', {
      streams: [{ stream, sync_mode: 'incremental', destination_sync_mode: 'append' }],
    });
  }

  #write(name: string, content: unknown): string {
    const path = join(this.#folder, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  }
}
