import { once } from 'node:events';
import ssh2 from 'ssh2';
import { afterEach, describe, expect, test } from 'vitest';
import { type OnForward, SmallSshServer } from '../../../sandbox/small-ssh-server.ts';
import { openChannel } from './ssh-channel.ts';

const CLICKHOUSE = { host: 'clickhouse.internal', port: 8123 };

const stops: (() => void)[] = [];

afterEach(() => {
  for (const stop of stops.splice(0).reverse()) stop();
});

/** A client that is connected to a server which handles each request like this. */
async function connected(onForward: OnForward): Promise<{ client: ssh2.Client; server: SmallSshServer }> {
  const server = await SmallSshServer.start(onForward);
  const client = new ssh2.Client();
  stops.push(
    () => server.stop(),
    () => client.end(),
  );
  client.connect({ host: server.host, port: server.port, username: 'tunnel', password: 'open sesame' });
  await once(client, 'ready');
  return { client, server };
}

describe('an SSH channel', () => {
  test('forwards data', async () => {
    const { client, server } = await connected((accept) => accept().end('hello'));
    const channel = await openChannel(client, server.tunnel(), CLICKHOUSE);
    expect(String((await once(channel, 'data'))[0])).toBe('hello');
  });

  test('explains the refusal of the server', async () => {
    const { client, server } = await connected((_, reject) => reject());
    await expect(openChannel(client, server.tunnel(), CLICKHOUSE)).rejects.toMatchObject({
      name: 'ConnectorError',
      failureType: 'transient_error',
      message: expect.stringMatching(
        /could not connect to ClickHouse at clickhouse\.internal:8123 \(no reason given\)/,
      ),
    });
  });

  test('explains that the SSH connection has ended', async () => {
    const { client, server } = await connected((accept) => accept());
    client.end();
    await expect(openChannel(client, server.tunnel(), CLICKHOUSE)).rejects.toMatchObject({
      name: 'ConnectorError',
      failureType: 'transient_error',
      message: expect.stringMatching(
        /did not open a connection to clickhouse\.internal:8123 \(Not connected\).+If this continues/,
      ),
    });
  });

  test('times out, and is closed if it is opened too late', async () => {
    const wishes: Parameters<OnForward>[0][] = [];
    const { client, server } = await connected((accept) => wishes.push(accept));
    await expect(openChannel(client, server.tunnel(), CLICKHOUSE, 500)).rejects.toMatchObject({
      name: 'ConnectorError',
      failureType: 'transient_error',
      message: expect.stringMatching(
        /did not open a connection to clickhouse\.internal:8123 \(no answer within 0\.5 seconds\).+firewall/,
      ),
    });
    const channel = wishes[0]?.();
    if (channel === undefined) throw new Error('The server was not asked.');
    await once(channel.resume(), 'close');
  });
});
