import { randomBytes } from 'node:crypto';
import { BatchApi } from './batch-api/server.ts';
import { ClickHouseServer } from './clickhouse/server.ts';

/** The two ends of a sync on this machine: a real ClickHouse server, and a Batch API that stores what it receives. */
export type Sandbox = {
  clickhouse: ClickHouseServer;
  batch: BatchApi;
  projectKey: string;
  restApiKey: string;
  stop: () => Promise<void>;
};

/** Starts both servers, on the given ports or on free ones. */
export async function startSandbox(ports: { clickhouse?: number; batch?: number } = {}): Promise<Sandbox> {
  const projectKey = 'project_sandbox';
  const restApiKey = randomBytes(16).toString('hex');
  const clickhouse = await ClickHouseServer.start(ports.clickhouse);
  const batch = await BatchApi.start({ projectKey, restApiKey, port: ports.batch ?? 0 });
  return {
    clickhouse,
    batch,
    projectKey,
    restApiKey,
    stop: async () => {
      await batch.close();
      await clickhouse.stop();
    },
  };
}
