import { readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { lock } from 'proper-lockfile';
import { z } from 'zod';
import { type ConnectorError, codeOf, messageOf } from '../protocol/failure.ts';
import { syncError } from './sync-error.ts';

/** A lock that was not renewed for so long, in milliseconds, belongs to nobody. The library renews it at half of that. */
const STALE_MS = 10_000;

/** How a lock of a process that died is waited for: until it is stale, and a bit. */
const UNTIL_STALE = { retries: STALE_MS / 1_000 + 3, factor: 1, minTimeout: 1_000, maxTimeout: 1_000 };

const ownerSchema = z.object({ pid: z.int(), host: z.string(), since: z.string() });

type Owner = z.output<typeof ownerSchema>;

export type LockListener = {
  /** The lock of a process that died is being waited for. */
  onWaiting: (owner: string) => void;
  /** Somebody took the lock away: what goes on must end. */
  onLost: (error: ConnectorError) => void;
};

/**
 * Locks a state file, which need not be there yet, for this process.
 *
 * @param since of this process, in milliseconds since the epoch.
 * @returns what gives the lock back.
 * @throws ConnectorError when another process has it (transient_error), or when the folder can't be written to.
 */
export async function lockStateFile(
  path: string,
  since: number,
  { onWaiting, onLost }: LockListener,
): Promise<() => Promise<void>> {
  const file = await realPathOf(path);
  const ownerPath = `${file}.lock.json`;
  const acquire = (retries: typeof UNTIL_STALE | number): Promise<() => Promise<void>> =>
    lock(file, { realpath: false, stale: STALE_MS, retries, onCompromised: (cause) => onLost(lostLock(path, cause)) });

  const release = await acquire(0).catch(async (error: unknown) => {
    const owner = codeOf(error) === 'ELOCKED' ? await ownerIn(ownerPath) : undefined;
    if (owner === undefined || isAlive(owner)) throw await refusal(path, ownerPath, error);
    onWaiting(words(owner));
    return acquire(UNTIL_STALE).catch(async (again: unknown) => {
      throw await refusal(path, ownerPath, again);
    });
  });
  const owner: Owner = { pid: process.pid, host: hostname(), since: new Date(since).toISOString() };
  await writeFile(ownerPath, JSON.stringify(owner), { mode: 0o600 });
  return async () => {
    await rm(ownerPath, { force: true });
    // A lock that was lost is not ours to give back.
    await release().catch(() => {});
  };
}

/** The one name that a file has, however it is written: by it a second run knows the lock. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw unusable(path, error);
  }
  try {
    return join(await realpath(dirname(resolve(path))), basename(path));
  } catch (error) {
    throw unusable(path, error);
  }
}

async function refusal(path: string, ownerPath: string, error: unknown): Promise<ConnectorError> {
  if (codeOf(error) !== 'ELOCKED') return unusable(path, error);
  const owner = await ownerIn(ownerPath);
  return syncError(
    'state_file_locked',
    `Another run has the state file ${path}${owner === undefined ? '' : `: ${words(owner)}`}. Two runs from one state would send the same rows twice. Wait until it has ended, or stop it; a run for other tables needs a state file of its own.`,
  );
}

function unusable(path: string, error: unknown): ConnectorError {
  return syncError(
    'state_file_unusable',
    `The state file ${path} can't be kept there: ${messageOf(error)}. Check that its folder exists and that you may write to it.`,
  );
}

function lostLock(path: string, cause: Error): ConnectorError {
  return syncError(
    'state_file_changed',
    `The lock of the state file ${path} was taken away: ${cause.message}. Another run may have begun while this one was held up. Let one run at a time use a state file.`,
    { cause },
  );
}

async function ownerIn(path: string): Promise<Owner | undefined> {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    // It is there to be told alone.
    return undefined;
  }
}

function words({ pid, host, since }: Owner): string {
  return `process ${pid} on ${host}, since ${since}`;
}

/** Whether a process may still be there. Of those of other machines nothing is known. */
function isAlive({ pid, host }: Owner): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}
