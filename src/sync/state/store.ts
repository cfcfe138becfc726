import type { ConnectorError } from '../../protocol/errors.ts';
import type { Wait } from '../../shared/abort.ts';
import type { ProcessOwner } from '../../shared/process-owner.ts';

export type LockOptions = {
  /** Aborting it ends the wait for the lock. */
  stop: AbortSignal;
  wait?: Wait;
  /**
   * Called once, before this process waits for the lock. If the owner has died, its lock expires within `expiresInMs`
   * milliseconds.
   */
  onWaiting: (owner: string, expiresInMs: number) => void;
  /** Called when this process has lost the lock to another one: the run must then end. */
  onLost: (error: ConnectorError) => void;
  /**
   * Called, maybe several times, while the lock can't be renewed and another process may acquire it: a run in progress must end.
   * When the store can be reached again, this process either has the lock as before, or `onLost` is called.
   */
  onUncertain: (error: ConnectorError) => void;
};

/** Whether a process holds the lock. `owner` is undefined if it is not known which one. */
export type LockStatus = { kind: 'unlocked' } | { kind: 'locked'; owner: ProcessOwner | undefined };

/** Where a sync keeps its state, and next to it the records of its runs. All methods throw ConnectorErrors. */
export type StateStore = {
  /** As the user wrote it, for messages. */
  readonly location: string;
  /** Reads the text of the state. Returns undefined if there is no state yet. */
  readState: () => Promise<string | undefined>;
  /**
   * Replaces the state. A write is atomic: whatever happens, the store has either the old text or the new one.
   *
   * @throws ConnectorError (state_file_changed) if the state is not what this store read or wrote last.
   */
  writeState: (text: string) => Promise<void>;
  /** Reads the records of the runs, as JSON (see RunHistory). Returns undefined if there are none yet. */
  readRuns: () => Promise<string | undefined>;
  /** Replaces the records of the runs, also atomically. Only the process that holds the lock may call it. */
  writeRuns: (text: string) => Promise<void>;
  /**
   * Locks the state for this process. The state need not exist yet. If another process holds the lock and is known to be alive,
   * this fails immediately. Otherwise it waits for the lock, because that process may have died without releasing the lock.
   *
   * @param self this process.
   * @returns a function that releases the lock; undefined if `stop` was aborted before this process had the lock.
   * @throws ConnectorError if another process holds the lock (transient_error), or if the store is unusable.
   */
  lock: (self: ProcessOwner, options: LockOptions) => Promise<(() => Promise<void>) | undefined>;
  /** Returns who holds the lock now. */
  readLock: () => Promise<LockStatus>;
};
