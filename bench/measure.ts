import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readCpuSeconds, withCpuTimes } from './cpu-times.ts';

/**
 * The duration of a command in seconds, the seconds of CPU of all its processes, and the peak memory of one process in
 * megabytes (0 where it is unknown).
 */
export type Measured = { seconds: number; cpuSeconds: number; peakMegabytes: number };

/** How often the peak memory is read, in milliseconds. The kernel keeps it, so only the last read before the end counts. */
const READ_INTERVAL_MS = 20;

/** Runs a command to its end. Rejects if it fails. */
export async function measure(
  command: string,
  args: readonly string[],
  options: SpawnOptions = { stdio: 'ignore' },
): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  const times = join(folder, 'times');
  try {
    const start = performance.now();
    const shell = spawn(...withCpuTimes(times, command, args), options);
    const { seconds, peakMegabytes } = await watch(shell, () => childrenOf(shell.pid), start);
    return { seconds, cpuSeconds: readCpuSeconds(readFileSync(times, 'utf8')), peakMegabytes };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * Watches a running process to its end. Rejects if it fails.
 *
 * @param listProcesses returns the processes whose peak memory is read: by default, only this one.
 */
export async function watch(
  child: ChildProcess,
  listProcesses = () => [String(child.pid)],
  start = performance.now(),
): Promise<Omit<Measured, 'cpuSeconds'>> {
  let peakMegabytes = 0;
  const interval = setInterval(() => {
    peakMegabytes = Math.max(peakMegabytes, ...listProcesses().map(readPeakMegabytes));
  }, READ_INTERVAL_MS);
  const [code] = await once(child, 'exit');
  clearInterval(interval);
  if (code !== 0) throw new Error(`${child.spawnargs.join(' ')} ended with ${code}.`);
  return { seconds: (performance.now() - start) / 1000, peakMegabytes };
}

function childrenOf(pid: number | undefined): string[] {
  return readIfPresent(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean);
}

/** Returns the peak memory of a process in megabytes, as Linux counts it (VmHWM). */
function readPeakMegabytes(pid: string): number {
  const [, kilobytes = 0] = /VmHWM:\s+(\d+) kB/.exec(readIfPresent(`/proc/${pid}/status`)) ?? [];
  return Number(kilobytes) / 1024;
}

/** Returns an empty string if the process has ended. */
function readIfPresent(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** The median of several values. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** How often each command is measured. */
const RUNS = 3;

/** Runs each command once to warm up, and then all in turn, so that a drift in speed affects all. Returns medians. */
export async function inTurn<Name extends string>(
  commands: Record<Name, () => Promise<Measured>>,
): Promise<Record<Name, Measured>> {
  const names = Object.keys(commands) as Name[];
  const runs = new Map<Name, Measured[]>(names.map((name) => [name, []]));
  for (let run = 0; run <= RUNS; run++) {
    for (const name of names) {
      const measured = await commands[name]();
      if (run > 0) runs.get(name)?.push(measured);
    }
  }
  const middle = (name: Name): Measured => ({
    seconds: median((runs.get(name) ?? []).map(({ seconds }) => seconds)),
    cpuSeconds: median((runs.get(name) ?? []).map(({ cpuSeconds }) => cpuSeconds)),
    peakMegabytes: Math.max(...(runs.get(name) ?? []).map(({ peakMegabytes }) => peakMegabytes)),
  });
  return Object.fromEntries(names.map((name) => [name, middle(name)])) as Record<Name, Measured>;
}
