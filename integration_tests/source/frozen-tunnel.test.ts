import { afterEach, describe, expect, test } from 'vitest';
import { ClingingRelay } from '../../sandbox/clinging-relay.ts';
import { SmallSshServer } from '../../sandbox/small-ssh-server.ts';
import { checkStatus, temporaryFiles } from '../support/support.ts';

/** How long a whole `check` may take, in milliseconds. It is less than the timeout for the login to the SSH server. */
const END_MS = 15_000;

const file = temporaryFiles();
const started: { stop: () => void }[] = [];

afterEach(() => {
  for (const server of started.splice(0)) server.stop();
});

function stoppedLater<T extends { stop: () => void }>(server: T): T {
  started.push(server);
  return server;
}

/** An SSH server that refuses every connection to ClickHouse, and a relay in front of it that never closes. */
async function frozenServer(): Promise<{ ssh: SmallSshServer; relay: ClingingRelay }> {
  const ssh = stoppedLater(await SmallSshServer.start((_, reject) => reject()));
  return { ssh, relay: stoppedLater(await ClingingRelay.start(ssh)) };
}

function check(tunnel_method: Record<string, unknown>): ReturnType<typeof checkStatus> {
  return checkStatus('source-clickhouse', file('source.json', { host: 'clickhouse.internal', tunnel_method }));
}

describe('check ends by itself although an SSH server never closes its connection,', { timeout: END_MS }, () => {
  test('after its result', async () => {
    const { ssh, relay } = await frozenServer();
    const { message } = await check(ssh.tunnel(relay.port));
    expect(message).toMatch(/could not connect to ClickHouse at clickhouse\.internal:8123/);
  });

  test('when its host key is refused', async () => {
    const { ssh, relay } = await frozenServer();
    const { message } = await check({ ...ssh.tunnel(relay.port), tunnel_host_key: `SHA256:${'A'.repeat(43)}` });
    expect(message).toMatch(/has the host key SHA256:.+, but tunnel_host_key is SHA256:A+\./);
  });

  test("when the server doesn't speak SSH", async () => {
    const { ssh } = await frozenServer();
    const relay = stoppedLater(await ClingingRelay.start({ greeting: 'x'.repeat(10_000) }));
    const { message } = await check(ssh.tunnel(relay.port));
    expect(message).toMatch(/^The server at 127\.0\.0\.1:\d+ does not speak SSH 2/);
  });
});
