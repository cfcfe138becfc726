import { readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { check, lock } from 'proper-lockfile';
import { type ConnectorError, codeOf } from '../../protocol/errors.ts';
import { explainFileError } from '../../protocol/file-errors.ts';
import { syncError } from '../../runner/errors.ts';
import { waitByTimer } from '../../shared/abort.ts';
import { findLiveness, type ProcessOwner, processOwnerSchema } from '../../shared/process-owner.ts';
import { describeHolder, explainLocked, explainLostLock } from './conflicts.ts';
import type { LockOptions, LockStatus } from './store.ts';

/**
 * A lock that was not renewed for this time, in milliseconds, is stale: another process may acquire it. The library renews a lock
 * after half of this time.
 */
const STALE_MS = 10_000;

/** The interval between attempts to get a lock, in milliseconds. */
const ATTEMPT_INTERVAL_MS = 1_000;

/**
 * The number of attempts to get a lock. Together, the attempts take a bit longer than a lock takes to become stale, because the
 * process that holds the lock may have died.
 */
const ATTEMPTS_UNTIL_STALE = STALE_MS / ATTEMPT_INTERVAL_MS + 3;

/** The result of an attempt to get the lock. */
type LockAttempt = { kind: 'acquired'; release: () => Promise<void> } | Extract<LockStatus, { kind: 'locked' }>;

/**
 * Locks a state file for this process. The file need not exist yet. If another process holds the lock and is known to be alive,
 * this fails immediately. Otherwise it waits for the lock, because that process may have died without releasing the lock. For
 * example, when Kubernetes replaces a killed pod, the new pod has a different host name, and can't check the old process.
 *
 * @param self this process.
 * @returns a function that releases the lock; undefined if `stop` was aborted before this process had the lock.
 * @throws ConnectorError if another process holds the lock (transient_error), or if the state file or its folder is unusable.
 */
export async function lockStateFile(
  path: string,
  self: ProcessOwner,
  { stop, wait = waitByTimer, onWaiting, onLost }: LockOptions,
): Promise<(() => Promise<void>) | undefined> {
  const file = await resolveRealPath(path);
  const ownerPath = ownerPathOf(file);
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
    if (attempt.owner !== undefined && findLiveness(attempt.owner, self) === 'alive')
      throw explainLocked(path, attempt.owner);
    onWaiting(describeHolder(attempt.owner), STALE_MS);
  }
  for (let left = ATTEMPTS_UNTIL_STALE; attempt.kind === 'locked'; left -= 1) {
    if (left === 0) throw explainLocked(path, attempt.owner);
    // The library could also wait, but a signal would not interrupt it.
    await wait(ATTEMPT_INTERVAL_MS, stop);
    if (stop.aborted) return undefined;
    attempt = await tryLock();
  }
  return recordOwner(path, ownerPath, self, attempt.release);
}

/** Returns which process holds the lock of a state file. */
export async function readLockOfFile(path: string): Promise<LockStatus> {
  const file = await resolveRealPath(path);
  const isLocked = await check(file, { realpath: false, stale: STALE_MS });
  return isLocked ? { kind: 'locked', owner: await readOwner(ownerPathOf(file)) } : { kind: 'unlocked' };
}

/** The path of the file with the owner of a lock. @param file the real path of the state file. */
function ownerPathOf(file: string): string {
  return `${file}.lock.json`;
}

/**
 * Writes the owner of the lock to a file next to the lock, for the messages of other runs. Returns a function that removes this
 * file and releases the lock.
 */
async function recordOwner(
  path: string,
  ownerPath: string,
  self: ProcessOwner,
  release: () => Promise<void>,
): Promise<() => Promise<void>> {
  const unlock = async (): Promise<void> => {
    // If this file can't be removed, it does no harm: it is not the lock.
    await rm(ownerPath, { force: true }).catch(() => {});
    // If the lock was lost, it belongs to another process now, and releasing it fails.
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

/** Resolves the real path of a file, so that another run finds the same lock, whatever path it uses for the file. */
export async function resolveRealPath(path: string): Promise<string> {
  try {
    const real = await realpath(path);
    // A save replaces the file. It must not replace something else, such as a device.
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

const ADVICE = 'Choose a file in a folder that has free space, and that you can write to';

function explainUnusableFile(path: string, error: unknown): ConnectorError {
  return syncError(
    'state_file_unusable',
    `Can't use the state file ${path}: ${explainFileError(path, error, ADVICE)}.`,
  );
}

async function readOwner(path: string): Promise<ProcessOwner | undefined> {
  try {
    return processOwnerSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    // The lock works without this file. If the owner is unknown, this run waits for the lock.
    return undefined;
  }
}
