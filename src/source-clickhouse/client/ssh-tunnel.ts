import { createHash } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Client, ClientChannel } from 'ssh2';
import type { ConnectorError } from '../../protocol/errors.ts';
import type { TunnelOptions } from '../config/ssh-tunnel.ts';
import { explainHostKeyMismatch, explainKeyError, explainSshError } from '../errors/ssh-errors.ts';
import { createSocketPair } from './socket-pair.ts';
import { openChannel } from './ssh-channel.ts';

/** How long the SSH login may take, in milliseconds. It rarely takes more than one or two seconds. */
const READY_TIMEOUT_MS = 20_000;

/** The interval of keepalive messages to the SSH server, in milliseconds. */
const KEEPALIVE_INTERVAL_MS = 15_000;

/** How many keepalive messages in a row may go unanswered before the tunnel is closed. */
const KEEPALIVE_ATTEMPTS = 3;

/** How long the SSH server may take to close the connection, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000;

/**
 * A tunnel to ClickHouse through an SSH server. The first connection opens the tunnel, and all connections share it. If the
 * tunnel breaks, the next connection opens it again.
 */
export class SshTunnel {
  readonly #options: TunnelOptions;
  readonly #warn: (message: string) => void;
  /**
   * The socket is created in this class, so that this class can close it. The SSH library only asks the server to close the
   * connection, and a server that hangs never does.
   */
  #connection: { client: Client; socket: Socket } | undefined;
  #opening: Promise<Client> | undefined;
  #isClosed = false;
  #warnedOf: string | undefined;

  /** @param warn receives a warning when the host key can't be verified. */
  constructor(options: TunnelOptions, warn: (message: string) => void) {
    this.#options = options;
    this.#warn = warn;
  }

  /**
   * Opens a connection through the SSH server to a host and port as the SSH server sees them.
   *
   * @throws ConnectorError that says which part of the connection failed and what to do.
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

  /** Closes the SSH connection, even if it is still being opened. Connections through it are cut off. */
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

  /** @param onEnd called when the connection has ended or could not be opened. */
  async #open(onEnd: () => void): Promise<Client> {
    try {
      // Loaded on demand: most configurations have no tunnel.
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
        // This listener is never removed, because without one, an error would end the process. Once the tunnel is open, the
        // connections through it report errors.
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
        `The SSH server ${tunnel_host}:${tunnel_port} has the host key ${seen}, which was not verified: another server could impersonate it. If this is its key, set tunnel_host_key to ${seen}.`,
      );
    }
    return undefined;
  }
}

/** Computes the SHA-256 of a key, in the form that `ssh-keygen -l` prints. */
function computeFingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

/** Pipes in both directions, with backpressure, until either side is closed. */
function connectChannel(channel: ClientChannel, socket: Socket): void {
  channel.pipe(socket).pipe(channel);
  channel.on('error', () => socket.destroy());
  channel.on('close', () => socket.destroySoon());
  socket.on('error', () => channel.destroy());
  socket.on('close', () => channel.destroy());
}
