import { BatchApi } from '../../sandbox/batch-api/server.ts';
import { ClickHouseServer } from '../../sandbox/clickhouse/server.ts';
import { CrashingClickHouse } from './clickhouse.ts';
import { SmallDisk } from './small-disk.ts';

/** The database of the tables of all rounds. */
export const DATABASE = 'chaos';

export const PROJECT_KEY = 'project_chaos';
export const REST_API_KEY = 'rest_chaos';

const NO_LIMIT = 1_000_000_000;

/** The servers and the disk for rounds, which run one after the other. */
export type Lab = { clickhouse: CrashingClickHouse; batch: BatchApi; disk: SmallDisk; close: () => Promise<void> };

/** Starts both servers, and mounts a small disk. */
export async function openLab(): Promise<Lab> {
  const server = await ClickHouseServer.start();
  await server.execute(`CREATE DATABASE ${DATABASE}`);
  const batch = await BatchApi.start({
    projectKey: PROJECT_KEY,
    restApiKey: REST_API_KEY,
    limits: { updateRate: NO_LIMIT, updateBurst: NO_LIMIT, massUpdateRate: NO_LIMIT, massUpdateBurst: NO_LIMIT },
  });
  const disk = SmallDisk.open();
  return {
    clickhouse: new CrashingClickHouse(server),
    batch,
    disk,
    close: async () => {
      disk.close();
      await batch.close();
      await server.stop();
    },
  };
}
