import type { ConnectorError } from '../../protocol/errors.ts';
import { syncError } from '../../runner/errors.ts';
import { describeOwner, type ProcessOwner } from '../../shared/process-owner.ts';

export function describeHolder(owner: ProcessOwner | undefined): string {
  return owner === undefined ? 'another run' : describeOwner(owner);
}

/** Explains that another run holds the lock. @param location the state, as the user wrote it. */
export function explainLocked(location: string, owner: ProcessOwner | undefined): ConnectorError {
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
