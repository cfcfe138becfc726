import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

/** What a process took: seconds from start to end, and its peak memory in megabytes (0 where it can't be had). */
export type Measured = { seconds: number; peakMegabytes: number };

/** How often the peak is looked at, in milliseconds. The kernel keeps it, so only the last look before the end counts. */
const LOOK_INTERVAL_MS = 20;

/** Runs a command to its end. Rejects when it fails. */
export async function measure(
  command: string,
  args: readonly string[],
  options: SpawnOptions = { stdio: 'ignore' },
): Promise<Measured> {
  const start = performance.now();
  return watch(spawn(command, [...args], options), start);
}

/** Watches a process that runs already, to its end. Rejects when it fails. */
export async function watch(child: ChildProcess, start = performance.now()): Promise<Measured> {
  let peakMegabytes = 0;
  const look = setInterval(() => {
    peakMegabytes = peakOf(child.pid) ?? peakMegabytes;
  }, LOOK_INTERVAL_MS);
  const [code] = await once(child, 'exit');
  clearInterval(look);
  if (code !== 0) throw new Error(`${child.spawnargs.join(' ')} ended with ${code}.`);
  return { seconds: (performance.now() - start) / 1000, peakMegabytes };
}

/** The peak memory of a process in megabytes, as Linux counts it (VmHWM). */
function peakOf(pid: number | undefined): number | undefined {
  try {
    const kilobytes = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) / 1024;
  } catch {
    return undefined;
  }
}

/** The middle one of several values. */
function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Runs of each command that count. */
const RUNS = 3;

/** Runs each command once to warm up and then in turn, so that a machine whose speed drifts drifts for all; medians. */
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
    peakMegabytes: Math.max(...(runs.get(name) ?? []).map(({ peakMegabytes }) => peakMegabytes)),
  });
  return Object.fromEntries(names.map((name) => [name, middle(name)])) as Record<Name, Measured>;
}
