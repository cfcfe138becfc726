import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Client, ClientChannel } from 'ssh2';
import type { ConnectorError } from '../../protocol/errors.ts';
import type { TunnelOptions } from '../config/ssh-tunnel.ts';
import { explainHostKeyMismatch, explainKeyError, explainSshError } from '../errors/ssh-errors.ts';
import { createSocketPair } from './socket-pair.ts';
import { openChannel } from './ssh-channel.ts';

/** How long the SSH server may take to let us in, in milliseconds. It is seldom more than one or two seconds. */
const READY_TIMEOUT_MS = 20_000;

/** How often the SSH server is asked whether it is still there, in milliseconds, and how often in vain at most. */
const KEEPALIVE_INTERVAL_MS = 15_000;
const KEEPALIVE_ATTEMPTS = 3;

/** How long the SSH server may take to close the connection after our farewell, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * A way to ClickHouse through an SSH server. It is opened by the first connection that needs it, shared by all, and
 * opened again by the next one after it broke.
 */
export class SshTunnel {
  readonly #options: TunnelOptions;
  readonly #warn: (message: string) => void;
  /** Its socket is our own, as the library only ever asks the server to close it, and a stuck one never does. */
  #connection: { client: Client; socket: Socket } | undefined;
  #opening: Promise<Client> | undefined;
  #isClosed = false;
  #warnedOf: string | undefined;

  /** @param warn is told of a host key that nothing was given to verify. */
  constructor(options: TunnelOptions, warn: (message: string) => void) {
    this.#options = options;
    this.#warn = warn;
  }

  /**
   * A connection from the SSH server to a host and port as it sees them.
   *
   * @throws ConnectorError that says which part of the way is closed and what to do about it.
   */
  async connect(host: string, port: number): Promise<Socket> {
    const client = await this.#ensureOpen();
    const channel = await openChannel(client, this.#options, { host, port });
    try {
      const [near, far] = await createSocketPair();
      connectChannel(channel, far);
      return near;
    } catch (error) {
      channel.destroy();
      throw error;
    }
  }

  /** Ends the SSH connection, if there is one, also one that is not open yet. What was connected through it is cut. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#connection === undefined) return;
    const { client, socket } = this.#connection;
    await new Promise<void>((resolve) => {
      const deadline = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS);
      socket.once('close', () => {
        clearTimeout(deadline);
        resolve();
      });
      client.end();
    });
  }

  #ensureOpen(): Promise<Client> {
    if (this.#opening === undefined) {
      const opening = this.#open(() => {
        if (this.#opening !== opening) return;
        this.#opening = undefined;
        this.#connection = undefined;
      });
      this.#opening = opening;
    }
    return this.#opening;
  }

  /** @param onEnd is called when nothing more can go through, also when it was never opened. */
  async #open(onEnd: () => void): Promise<Client> {
    try {
      // Loaded here alone: most configurations have no tunnel.
      const { default: ssh2 } = await import('ssh2');
      if (this.#isClosed) throw new Error('The SSH tunnel was closed before it was open.');
      const credentials = this.#readCredentials(ssh2);
      const client = new ssh2.Client();
      const socket = connect(this.#options.tunnel_port, this.#options.tunnel_host);
      this.#connection = { client, socket };
      client.on('close', onEnd);
      let refused: ConnectorError | undefined;
      await new Promise<void>((resolve, reject) => {
        const fail = (error: Error): void => {
          reject(refused ?? explainSshError(error, this.#options));
          socket.destroy();
        };
        client.once('ready', resolve);
        // It stays: a failure after the opening shows in what is connected through it.
        client.on('error', fail);
        client.once('close', () => fail(new Error('It hung up')));
        client.connect({
          sock: socket,
          username: this.#options.tunnel_user,
          ...credentials,
          readyTimeout: READY_TIMEOUT_MS,
          keepaliveInterval: KEEPALIVE_INTERVAL_MS,
          keepaliveCountMax: KEEPALIVE_ATTEMPTS,
          hostVerifier: (key: Buffer): boolean => {
            refused = this.#verifyHostKey(computeFingerprint(key));
            return refused === undefined;
          },
        });
      });
      return client;
    } catch (error) {
      this.#connection?.socket.destroy();
      onEnd();
      throw error;
    }
  }

  #readCredentials(ssh2: typeof import('ssh2')): { password: string } | { privateKey: string; passphrase?: string } {
    if (this.#options.tunnel_method === 'SSH_PASSWORD_AUTH') return { password: this.#options.tunnel_user_password };
    const { ssh_key, ssh_key_passphrase } = this.#options;
    const passphrase = ssh_key_passphrase === undefined ? {} : { passphrase: ssh_key_passphrase };
    const parsed = ssh2.utils.parseKey(ssh_key, ssh_key_passphrase);
    if (parsed instanceof Error) throw explainKeyError(parsed, ssh_key_passphrase !== undefined);
    if (!parsed.isPrivateKey()) throw explainKeyError(new Error('It is a public key'), false);
    return { privateKey: ssh_key, ...passphrase };
  }

  #verifyHostKey(seen: string): ConnectorError | undefined {
    const { tunnel_host, tunnel_port, tunnel_host_key } = this.#options;
    if (tunnel_host_key === seen) return undefined;
    if (tunnel_host_key !== undefined) return explainHostKeyMismatch(this.#options, tunnel_host_key, seen);
    if (this.#warnedOf !== seen) {
      this.#warnedOf = seen;
      this.#warn(
        `The SSH server ${tunnel_host}:${tunnel_port} has the host key ${seen}, which was not verified: whoever is on the way to it may pose as it. If this is its key, set tunnel_host_key to ${seen}.`,
      );
    }
    return undefined;
  }
}

/** A SHA-256 of the key, as `ssh-keygen -l` prints it. */
function computeFingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** Passes on what comes at either side, as fast as the other takes it, until either is closed. */
function connectChannel(channel: ClientChannel, socket: Socket): void {
  channel.pipe(socket).pipe(channel);
  channel.on('error', () => socket.destroy());
  channel.on('close', () => socket.destroySoon());
  socket.on('error', () => channel.destroy());
  socket.on('close', () => channel.destroy());
}
