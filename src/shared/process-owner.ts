import { hostname } from 'node:os';
import { z } from 'zod';

export const processOwnerSchema = z.object({ pid: z.int(), host: z.string(), since: z.string() });

/** The process that owns something. `since` is a time in ISO 8601. */
export type ProcessOwner = z.output<typeof processOwnerSchema>;

/** Describes this process. @param since milliseconds since the epoch. */
export function thisProcess(since: number): ProcessOwner {
  return { pid: process.pid, host: hostname(), since: new Date(since).toISOString() };
}

export function describeOwner({ pid, host, since }: ProcessOwner): string {
  return `process ${pid} on ${host}, since ${since}`;
}

/**
 * Returns whether a process is alive. For a process on another machine, or in another container, this is not known.
 *
 * @param self this process.
 */
export function findLiveness({ pid, host }: ProcessOwner, self: ProcessOwner): 'alive' | 'ended' | 'unknown' {
  if (host !== self.host) return 'unknown';
  // A restarted container has the same host name and process ids as before. So an owner with our process id is an earlier
  // process, which has ended.
  if (pid === self.pid) return 'ended';
  try {
    process.kill(pid, 0);
    return 'alive';
  } catch (error) {
    const isGone = error instanceof Error && 'code' in error && error.code === 'ESRCH';
    return isGone ? 'ended' : 'alive';
  }
}
