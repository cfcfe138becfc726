import { BatchApi } from './batch-api/server.ts';
import { ClickHouseServer } from './clickhouse/server.ts';
import { type SandboxUser, TYPED_READER } from './clickhouse/users.ts';
import { type Ports, requireFreePort } from './ports.ts';

/** The keys are the same in each sandbox, so that a configuration still works when the sandbox was started again. */
const PROJECT_KEY = 'project_sandbox';
const REST_API_KEY = 'sandbox-rest-key';

/** What is shown when ClickHouse has ended without being stopped. */
export const CRASHED = "The sandbox's ClickHouse has crashed, and its tables are gone.";

/** The two ends of a sync on this machine: a real ClickHouse server, and a Batch API that stores what it receives. */
export type Sandbox = {
  clickhouse: ClickHouseServer;
  /** The user for the source. */
  reader: SandboxUser;
  batch: BatchApi;
  projectKey: string;
  restApiKey: string;
  stop: () => Promise<void>;
};

export type SandboxOptions = {
  /** Free ones by default. */
  ports?: Ports;
  /** The reader has a password and the API a key that a person can type, unless others are given. */
  reader?: SandboxUser;
  restApiKey?: string;
};

/**
 * Starts both servers.
 *
 * @throws {PortNotFree} before it has started anything.
 */
export async function startSandbox({
  ports,
  reader = TYPED_READER,
  restApiKey = REST_API_KEY,
}: SandboxOptions = {}): Promise<Sandbox> {
  for (const port of ports === undefined ? [] : [ports.clickhouse, ports.batch]) await requireFreePort(port);
  const clickhouse = await ClickHouseServer.start(ports?.clickhouse, [reader]);
  const batch = await BatchApi.start({ projectKey: PROJECT_KEY, restApiKey, port: ports?.batch ?? 0 }).catch(
    async (error: unknown) => {
      await clickhouse.stop();
      throw error;
    },
  );
  return {
    clickhouse,
    reader,
    batch,
    projectKey: PROJECT_KEY,
    restApiKey,
    stop: async () => {
      await batch.close();
      await clickhouse.stop();
    },
  };
}
