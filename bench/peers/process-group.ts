import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readCpuSeconds, withCpuTimes } from '../cpu-times.ts';

/** What to run, and what to add to its environment. */
export type Command = { path: string; args: readonly string[]; environment?: Readonly<Record<string, string>> };

export type GroupMeasured = {
  /** The exit code of the command; null when it was killed. */
  code: number | null;
  seconds: number;
  /** User and system time of the command and all child processes that it waited for. */
  cpuSeconds: number;
  /** The peak memory of all its processes together (VmRSS), in megabytes. */
  peakMegabytes: number;
};

/** A running command, in its own process group. */
export type RunningGroup = { ended: Promise<GroupMeasured>; kill: () => void };

const LOOK_INTERVAL_MS = 100;

/** Starts a command; what it prints goes to `log`, and its times to `${log}.times`. */
export function startGroup({ path, args, environment = {} }: Command, log: string): RunningGroup {
  const output = openSync(log, 'a');
  const start = performance.now();
  const times = `${log}.times`;
  const child = spawn(...withCpuTimes(times, path, args), {
    detached: true,
    stdio: ['ignore', output, output],
    env: { ...process.env, ...environment },
  });
  const group = child.pid ?? 0;
  const exited = once(child, 'exit');
  let isRunning = true;
  const watching = (async () => {
    let peak = 0;
    for (; isRunning; await sleep(LOOK_INTERVAL_MS)) peak = Math.max(peak, residentMegabytes(group));
    return peak;
  })();
  const ended = (async () => {
    const [code] = await exited;
    isRunning = false;
    const seconds = (performance.now() - start) / 1000;
    return {
      code,
      seconds,
      cpuSeconds: code === null ? 0 : readCpuSeconds(readFileSync(times, 'utf8')),
      peakMegabytes: await watching,
    };
  })();
  const kill = (): void => {
    if (isRunning) process.kill(-group, 'SIGKILL');
  };
  return { ended, kill };
}

function residentMegabytes(group: number): number {
  let kilobytes = 0;
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      // The fields after the name, which may contain anything: state, parent, group.
      const [, , of] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
      if (Number(of) !== group) continue;
      kilobytes += Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
    } catch {
      // It ended between the two reads.
    }
  }
  return kilobytes / 1024;
}
