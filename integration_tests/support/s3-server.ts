import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { lock } from 'proper-lockfile';
import { freePort } from '../../sandbox/free-port.ts';

/** An S3 server in Python with users, policies and roles (https://docs.getmoto.org). */
const PACKAGES = ['moto[s3]==5.2.5', 'flask==3.1.3', 'flask-cors==6.0.5'];

/** Kept between runs, and removed with node_modules. */
const FOLDER = fileURLToPath(new URL('../../node_modules/.cache/moto-5.2.5', import.meta.url));

/**
 * Starts the server with one request at a time. It has a thread for each request, and checks the condition of a write some time
 * before it writes, so that two conditional writes at once could both succeed.
 */
const PROGRAM = `
import threading
from moto import server

run, lock = server.run_simple, threading.Lock()

def run_in_turn(host, port, app, **options):
    def in_turn(environ, start_response):
        with lock:
            return app(environ, start_response)
    run(host, port, in_turn, **options)

server.run_simple = run_in_turn
server.main()
`;

const PIP_ARGUMENTS = ['install', '--quiet', '--disable-pip-version-check'];

const REGION = 'eu-west-1';
const POLICY = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: ['s3:*', 'sts:AssumeRole'], Resource: '*' }],
};
const ROLE = 'rejected-rows';

export type S3Credentials = { access_key_id: string; secret_access_key: string };

/** A running server with a user who may write, one who may not, and a role. */
export class S3Server {
  readonly url: string;
  readonly roleArn = `arn:aws:iam::123456789012:role/${ROLE}`;
  #writer: S3Credentials = { access_key_id: '', secret_access_key: '' };
  #stranger: S3Credentials = { access_key_id: '', secret_access_key: '' };
  readonly #process: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#process = child;
  }

  /** Starts a server. Returns a string with the reason if it can't run here. */
  static async start(): Promise<S3Server | string> {
    const problem = await install();
    if (problem !== undefined) return `no S3 server can be had here (${problem})`;
    const port = await freePort();
    const args = ['-c', PROGRAM, '--host', '127.0.0.1', '--port', String(port)];
    const child = spawn(join(FOLDER, 'bin/python'), args, { stdio: 'ignore' });
    const server = new S3Server(`http://127.0.0.1:${port}`, child);
    try {
      await server.#answers();
      await server.#prepare();
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  get writer(): S3Credentials {
    return this.#writer;
  }

  /** A user without any permission. */
  get stranger(): S3Credentials {
    return this.#stranger;
  }

  async createBucket(name: string): Promise<void> {
    await this.#withoutRights(async () => {
      const body = `<CreateBucketConfiguration><LocationConstraint>${REGION}</LocationConstraint></CreateBucketConfiguration>`;
      await this.#call(`/${name}`, { method: 'PUT', body, headers: signedFor('s3') });
    });
  }

  /** The objects of a bucket, by name. */
  async objects(bucket: string): Promise<Map<string, string>> {
    return this.#withoutRights(async () => {
      const list = await this.#call(`/${bucket}?list-type=2`, { headers: signedFor('s3') });
      const keys = [...list.matchAll(/<Key>([^<]+)<\/Key>/g)].map(([, key = '']) => key).toSorted();
      const objects = new Map<string, string>();
      for (const key of keys) objects.set(key, await this.#call(`/${bucket}/${key}`, { headers: signedFor('s3') }));
      return objects;
    });
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill('SIGKILL');
    await ended;
  }

  async #answers(): Promise<void> {
    for (let tries = 0; ; tries += 1) {
      try {
        await this.#call('/moto-api/data.json', {});
        return;
      } catch (error) {
        if (tries === 300 || this.#process.exitCode !== null) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  async #prepare(): Promise<void> {
    this.#writer = await this.#createUser('writer');
    this.#stranger = await this.#createUser('stranger');
    const policy = { PolicyName: 'all', PolicyDocument: JSON.stringify(POLICY) };
    await this.#iam('PutUserPolicy', { UserName: 'writer', ...policy });
    await this.#iam('CreateRole', { RoleName: ROLE, AssumeRolePolicyDocument: JSON.stringify(POLICY) });
    await this.#iam('PutRolePolicy', { RoleName: ROLE, ...policy });
    await this.#checkRights(true);
  }

  async #createUser(name: string): Promise<S3Credentials> {
    await this.#iam('CreateUser', { UserName: name });
    const key = await this.#iam('CreateAccessKey', { UserName: name });
    return {
      access_key_id: /<AccessKeyId>([^<]+)</.exec(key)?.[1] ?? '',
      secret_access_key: /<SecretAccessKey>([^<]+)</.exec(key)?.[1] ?? '',
    };
  }

  #iam(action: string, parameters: Record<string, string>): Promise<string> {
    const body = new URLSearchParams({ Action: action, Version: '2010-05-08', ...parameters });
    return this.#call('/', { method: 'POST', body, headers: signedFor('iam') });
  }

  async #withoutRights<T>(work: () => Promise<T>): Promise<T> {
    await this.#checkRights(false);
    try {
      return await work();
    } finally {
      await this.#checkRights(true);
    }
  }

  /** Whether keys and policies are checked from now on. The server's own setting is a number of calls. */
  async #checkRights(checked: boolean): Promise<void> {
    await this.#call('/moto-api/reset-auth', { method: 'POST', body: checked ? '0' : '1000000000' });
  }

  async #call(path: string, init: RequestInit): Promise<string> {
    const response = await fetch(`${this.url}${path}`, init);
    const body = await response.text();
    if (!response.ok) throw new Error(`${path}: HTTP ${response.status} ${body}`);
    return body;
  }
}

/** The server identifies services by the header of a signature, which it doesn't verify. */
function signedFor(service: string): Record<string, string> {
  return {
    authorization: `AWS4-HMAC-SHA256 Credential=x/20260101/${REGION}/${service}/aws4_request, SignedHeaders=host, Signature=x`,
  };
}

/**
 * Installs the server into a folder of its own, once, although several test files may ask for it at the same time. Returns why it
 * could not.
 */
async function install(): Promise<string | undefined> {
  mkdirSync(dirname(FOLDER), { recursive: true });
  const unlock = await lock(FOLDER, { realpath: false, retries: { retries: 600, factor: 1, minTimeout: 500 } });
  const unfinished = `${FOLDER}-unfinished`;
  try {
    if (existsSync(FOLDER)) return undefined;
    rmSync(unfinished, { recursive: true, force: true });
    const problem =
      (await failing('python3', ['-m', 'venv', unfinished])) ??
      (await failing(join(unfinished, 'bin/python'), ['-m', 'pip', ...PIP_ARGUMENTS, ...PACKAGES]));
    // The folder gets its name only when it is complete.
    if (problem === undefined) renameSync(unfinished, FOLDER);
    return problem;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
    await unlock();
  }
}

async function failing(command: string, args: readonly string[]): Promise<string | undefined> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const [code, said] = await Promise.all([
    new Promise<number | string | null>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', resolve);
    }),
    text(child.stderr).catch(() => ''),
  ]);
  return code === 0 ? undefined : `${command} ended with ${code}: ${said.trim().split('\n').at(-1)}`;
}
