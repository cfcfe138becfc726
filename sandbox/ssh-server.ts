import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';

const execute = promisify(execFile);

const HOST = '127.0.0.1';

/** Where OpenSSH's server is on Linux and macOS. It must be started by its absolute path. */
const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/sbin/sshd'].find((path) => existsSync(path));

/** The folder that sshd needs for privilege separation when it runs as root. Debian's package creates it when the system starts. */
const PRIVILEGE_SEPARATION = '/run/sshd';

/** How long sshd may take to listen after its start, in milliseconds. It takes some tenths of a second. */
const START_TIMEOUT_MS = 20_000;

/**
 * A real OpenSSH server on this machine: a separate process with its configuration, host key and user keys in a folder
 * that is removed when it stops. It accepts the user who runs it, with the key that it generated.
 */
export class SshServer {
  /** Whether there is an sshd to start. */
  static readonly isInstalled = SSHD !== undefined;

  readonly host = HOST;
  readonly port: number;
  readonly user = userInfo().username;
  /** The private key that the server accepts, in OpenSSH's format. */
  readonly userKey: string;
  /** The fingerprint of the server's key, as `ssh-keygen -l` prints it. */
  readonly hostKeyFingerprint: string;
  readonly #folder: string;
  #process: ChildProcess | undefined;

  private constructor(folder: string, port: number, userKey: string, hostKeyFingerprint: string) {
    this.#folder = folder;
    this.port = port;
    this.userKey = userKey;
    this.hostKeyFingerprint = hostKeyFingerprint;
  }

  /** @param settings more lines for sshd_config. They come first, and sshd uses the first value of a setting. */
  static async start(settings: readonly string[] = []): Promise<SshServer> {
    const folder = await mkdtemp(join(tmpdir(), 'ssh-sandbox-'));
    const port = await freePort();
    const file = (name: string): string => join(folder, name);
    for (const name of ['host_key', 'user_key']) await makeKey(file(name));
    await writeFile(
      file('sshd_config'),
      [
        ...settings,
        `Port ${port}`,
        `ListenAddress ${HOST}`,
        `HostKey ${file('host_key')}`,
        `AuthorizedKeysFile ${file('user_key.pub')}`,
        `PidFile ${file('sshd.pid')}`,
        'PermitRootLogin yes',
        // The folders of the sandbox are in /tmp, which every user may write to.
        'StrictModes no',
        'UsePAM no',
        'PasswordAuthentication no',
        'KbdInteractiveAuthentication no',
        'LogLevel FATAL',
        '',
      ].join('\n'),
    );
    const { stdout } = await execute('ssh-keygen', ['-l', '-f', file('host_key.pub')]);
    const server = new SshServer(folder, port, await readFile(file('user_key'), 'utf8'), stdout.split(' ')[1] ?? '');
    await server.restart();
    return server;
  }

  /** Starts the process again, on the same port and with the same keys. */
  async restart(): Promise<void> {
    if (SSHD === undefined) throw new Error('There is no sshd on this machine.');
    if (process.getuid?.() === 0) await mkdir(PRIVILEGE_SEPARATION, { recursive: true, mode: 0o755 });
    const sshd = spawn(SSHD, ['-D', '-e', '-f', join(this.#folder, 'sshd_config')], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#process = sshd;
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await sendsData(this.port, START_TIMEOUT_MS))) {
      if (sshd.exitCode !== null) throw new Error('sshd ended while it started; see its messages above.');
      if (Date.now() > deadline) throw new Error(`sshd did not listen on port ${this.port}.`);
      await sleep(20);
    }
  }

  /** Kills the process and those that serve its connections, as a crash of the machine would. */
  async kill(): Promise<void> {
    const sshd = this.#process;
    this.#process = undefined;
    if (sshd?.pid === undefined || sshd.exitCode !== null) return;
    const family = [sshd.pid, ...(await listDescendants(sshd.pid))];
    for (const pid of family) killProcess(pid);
    if (sshd.signalCode === null) await once(sshd, 'exit');
  }

  /** Ends the process and removes its files. */
  async stop(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Generates an ed25519 key pair: the private key at the path, the public one at the path with .pub. */
export async function makeKey(path: string, passphrase = ''): Promise<void> {
  await execute('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-C', 'sandbox', '-f', path]);
}

/** Lists the child processes of a process, and theirs. */
async function listDescendants(pid: number): Promise<number[]> {
  const { stdout } = await execute('ps', ['-A', '-o', 'pid=,ppid=']);
  const pairs = stdout.split('\n').map((line) => line.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] =>
    pairs.flatMap(([child = 0, itsParent]) => (itsParent === parent ? [child, ...below(child)] : []));
  return below(pid);
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has already ended.
  }
}

/** Whether a server at a port sends data within a time limit. */
export async function sendsData(port: number, limitMs: number): Promise<boolean> {
  const socket = connect(port, HOST);
  const signal = AbortSignal.timeout(limitMs);
  try {
    return await Promise.race([
      once(socket, 'data', { signal }).then(() => true),
      once(socket, 'close', { signal }).then(() => false),
    ]);
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
