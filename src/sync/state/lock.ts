import { readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { lock } from 'proper-lockfile';
import { z } from 'zod';
import { type ConnectorError, codeOf, describeSystemError } from '../../protocol/errors.ts';
import { syncError } from '../../runner/errors.ts';
import { type Wait, waitByTimer } from '../../shared/abort.ts';

/** A lock that was not renewed for this long, in milliseconds, is free. The library renews it after half of that. */
const STALE_MS = 10_000;

/** How long a lock is waited for whose process may have died: until it is stale, and a bit longer. */
const ATTEMPT_INTERVAL_MS = 1_000;
const ATTEMPTS_UNTIL_STALE = STALE_MS / ATTEMPT_INTERVAL_MS + 3;

const ownerSchema = z.object({ pid: z.int(), host: z.string(), since: z.string() });

/** The process that has a lock; `since` is a time in ISO 8601. */
export type LockOwner = z.output<typeof ownerSchema>;

export type LockOptions = {
  /** Ends the wait for the lock. */
  stop: AbortSignal;
  wait?: Wait;
  /** Called once, before a wait: the lock is either released, or becomes stale because its process died. */
  onWaiting: (owner: string) => void;
  /** Called when another process took the lock over: this run must end. */
  onLost: (error: ConnectorError) => void;
};

/** What came of an attempt to get the lock. */
type LockAttempt =
  | { kind: 'acquired'; release: () => Promise<void> }
  /** `owner` is undefined when nothing says who has the lock. */
  | { kind: 'locked'; owner: LockOwner | undefined };

/**
 * Locks a state file, which need not exist yet, for this process. If the process that has the lock is known to be alive, the
 * lock is refused at once. Otherwise it is waited for, as that process may have died: the pod that replaces a killed one has
 * another name.
 *
 * @param self this process.
 * @returns the function that releases the lock; undefined when it was stopped before it had the lock.
 * @throws ConnectorError when another process has it (transient_error), or when the folder can't be written to.
 */
export async function lockStateFile(
  path: string,
  self: LockOwner,
  { stop, wait = waitByTimer, onWaiting, onLost }: LockOptions,
): Promise<(() => Promise<void>) | undefined> {
  const file = await resolveRealPath(path);
  const ownerPath = `${file}.lock.json`;
  const tryLock = async (): Promise<LockAttempt> => {
    try {
      const onCompromised = (cause: Error): void => onLost(explainLostLock(path, cause));
      return { kind: 'acquired', release: await lock(file, { realpath: false, stale: STALE_MS, onCompromised }) };
    } catch (error) {
      if (codeOf(error) !== 'ELOCKED') throw explainUnusableFile(path, error);
      return { kind: 'locked', owner: await readOwner(ownerPath) };
    }
  };

  let attempt = await tryLock();
  if (attempt.kind === 'locked') {
    if (attempt.owner !== undefined && isAlive(attempt.owner, self)) throw explainLocked(path, attempt.owner);
    onWaiting(attempt.owner === undefined ? 'another run' : describeOwner(attempt.owner));
  }
  for (let left = ATTEMPTS_UNTIL_STALE; attempt.kind === 'locked'; left -= 1) {
    if (left === 0) throw explainLocked(path, attempt.owner);
    // The library can wait as well, but ignores signals meanwhile.
    await wait(ATTEMPT_INTERVAL_MS, stop);
    if (stop.aborted) return undefined;
    attempt = await tryLock();
  }
  return recordOwner(path, ownerPath, self, attempt.release);
}

/** Writes who has the lock beside it, for the messages of other runs. Returns the function that removes both. */
async function recordOwner(
  path: string,
  ownerPath: string,
  self: LockOwner,
  release: () => Promise<void>,
): Promise<() => Promise<void>> {
  const unlock = async (): Promise<void> => {
    // If it can't be removed, it does no harm: it is not the lock.
    await rm(ownerPath, { force: true }).catch(() => {});
    // A lock that was lost is not ours to release.
    await release().catch(() => {});
  };
  try {
    await writeFile(ownerPath, JSON.stringify(self), { mode: 0o600 });
    return unlock;
  } catch (error) {
    await unlock();
    throw explainUnusableFile(path, error);
  }
}

/** The real path of a file, by which a second run finds the lock, whatever it calls the file. */
async function resolveRealPath(path: string): Promise<string> {
  try {
    const real = await realpath(path);
    // A device, too, would be replaced by the file that is renamed to it.
    if (!(await stat(real)).isFile()) throw new Error('it is not a regular file');
    return real;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw explainUnusableFile(path, error);
  }
  try {
    return join(await realpath(dirname(resolve(path))), basename(path));
  } catch (error) {
    throw explainUnusableFile(path, error);
  }
}

function explainLocked(path: string, owner: LockOwner | undefined): ConnectorError {
  return syncError(
    'state_file_locked',
    `Another run is using the state file ${path}${owner === undefined ? '' : `: ${describeOwner(owner)}`}. Two runs from one state would send the same rows twice. Wait until it has ended, or stop it. To sync other tables at the same time, use another state file.`,
  );
}

function explainUnusableFile(path: string, error: unknown): ConnectorError {
  return syncError(
    'state_file_unusable',
    `Can't use the state file ${path}: ${describeSystemError(error)}. Choose a file in a folder that exists, has free space, and that you can write to.`,
  );
}

function explainLostLock(path: string, cause: Error): ConnectorError {
  return syncError(
    'state_file_changed',
    `This run lost its lock on the state file ${path}. Another run may have started while this one was suspended. Use a state file for only one run at a time.`,
    { cause },
  );
}

async function readOwner(path: string): Promise<LockOwner | undefined> {
  try {
    return ownerSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    // It is only for messages.
    return undefined;
  }
}

function describeOwner({ pid, host, since }: LockOwner): string {
  return `process ${pid} on ${host}, since ${since}`;
}

/** Whether the owner is known to be alive. Nothing is known of processes on other machines. */
function isAlive({ pid, host }: LockOwner, self: LockOwner): boolean {
  // A container that is restarted has the same host name and process ids as before.
  if (host !== self.host || pid === self.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) !== 'ESRCH';
  }
}
