import { setTimeout as timer } from 'node:timers/promises';

/** What waits for so many milliseconds, or until a signal is aborted. */
export type Wait = (milliseconds: number, signal: AbortSignal) => Promise<void>;

export const waitByTimer: Wait = (milliseconds, signal) => timer(milliseconds, undefined, { signal }).catch(() => {});
