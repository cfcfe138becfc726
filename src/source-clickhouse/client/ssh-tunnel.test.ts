import { EventEmitter, once } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { ClingingRelay } from '../../../sandbox/clinging-relay.ts';
import { type OnForward, SmallSshServer } from '../../../sandbox/small-ssh-server.ts';
import { createSocketPair } from './socket-pair.ts';
import { SshTunnel } from './ssh-tunnel.ts';

vi.mock(import('./socket-pair.ts'), async (original) => ({
  createSocketPair: vi.fn((await original()).createSocketPair),
}));

const stops: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** An SSH server that handles each request like this, and a tunnel through it. */
async function tunnelTo(onForward: OnForward): Promise<{ tunnel: SshTunnel; ssh: SmallSshServer }> {
  const ssh = await SmallSshServer.start(onForward);
  stops.push(() => ssh.stop());
  return { tunnel: tunnelAt(ssh, ssh.port), ssh };
}

function tunnelAt(ssh: SmallSshServer, port: number): SshTunnel {
  const tunnel = new SshTunnel(ssh.tunnel(port), () => {});
  stops.push(() => tunnel.close());
  return tunnel;
}

const echo: OnForward = (accept) => {
  const channel = accept();
  channel.pipe(channel);
};

test('forwards data of several connections over a single SSH connection', async () => {
  const { tunnel, ssh } = await tunnelTo(echo);
  const [one, two] = await Promise.all([tunnel.connect('ch', 8123), tunnel.connect('ch', 8123)]);
  one.write('one');
  two.write('two');
  expect(String((await once(one, 'data'))[0])).toBe('one');
  expect(String((await once(two, 'data'))[0])).toBe('two');
  expect(ssh.connections).toBe(1);
});

test('opens a new SSH connection after a protocol error, even if the server does not close the old one', async () => {
  const { ssh } = await tunnelTo(echo);
  const relay = await ClingingRelay.start(ssh);
  stops.push(() => relay.stop());
  const tunnel = tunnelAt(ssh, relay.port);
  const socket = await tunnel.connect('ch', 8123);
  const closed = once(socket, 'close');
  relay.say('nonsense '.repeat(100));
  await closed;
  await tunnel.connect('ch', 8123);
  expect(ssh.connections).toBe(2);
});

test('does not open the SSH connection if the tunnel is closed first', async () => {
  const { tunnel, ssh } = await tunnelTo(echo);
  const connecting = tunnel.connect('ch', 8123);
  await Promise.all([expect(connecting).rejects.toThrow(), tunnel.close()]);
  expect(ssh.connections).toBe(0);
});

test('closes the SSH channel if no socket pair can be created', async () => {
  const opened = new EventEmitter();
  const { tunnel } = await tunnelTo((accept) =>
    accept()
      .once('close', () => opened.emit('close'))
      .resume(),
  );
  vi.mocked(createSocketPair).mockRejectedValueOnce(new Error('no more files'));
  const closed = once(opened, 'close');
  await expect(tunnel.connect('ch', 8123)).rejects.toThrow('no more files');
  await closed;
});
