import { z } from 'zod';
import type { ConnectorError } from '../../protocol/errors.ts';
import { syncError } from '../../runner/errors.ts';
import type { LockOwner } from './store.ts';

/** The owner of a lock, as it is stored next to the state. */
export const ownerSchema = z.object({
  pid: z.int(),
  host: z.string(),
  since: z.string(),
}) satisfies z.ZodType<LockOwner>;

export function describeOwner(owner: LockOwner | undefined): string {
  if (owner === undefined) return 'another run';
  const { pid, host, since } = owner;
  return `process ${pid} on ${host}, since ${since}`;
}

/** Explains that another run holds the lock. @param location the state, as the user wrote it. */
export function explainLocked(location: string, owner: LockOwner | undefined): ConnectorError {
  return syncError(
    'state_file_locked',
    `Another run is using the state file ${location}${owner === undefined ? '' : `: ${describeOwner(owner)}`}. Two runs from the same state would send the same rows twice. Wait until the other run has ended, or stop it. To sync other tables at the same time, use another state file.`,
  );
}

/** Explains that another run has acquired the lock of this run. */
export function explainLostLock(location: string, cause?: unknown): ConnectorError {
  return syncError(
    'state_file_changed',
    `This run lost its lock on the state file ${location}. Another run may have started while this one was suspended. Use a state file for only one run at a time.`,
    { cause },
  );
}

/** Explains that another process has changed the state during a run. */
export function explainChangedState(location: string): ConnectorError {
  return syncError(
    'state_file_changed',
    `The state file ${location} was changed by another process during this run. The file was left as the other process wrote it, because there is no way to know which state is right. Use a state file for only one run at a time.`,
  );
}
