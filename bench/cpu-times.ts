/** A command that runs another one, and writes its CPU time to a file. See `readCpuSeconds`. */
export function withCpuTimes(file: string, path: string, args: readonly string[]): [path: string, args: string[]] {
  // The shell's `times` includes all of its child processes that have ended.
  return ['/bin/sh', ['-c', '"$@"; code=$?; times > "$0"; exit $code', file, path, ...args]];
}

/** Returns the user and system time of a command in seconds, from the output of the shell's `times`. */
export function readCpuSeconds(times: string): number {
  // The second line is about the children of the shell, such as `1m2.340000s 0m0.560000s`.
  const [, children = ''] = times.split('\n');
  return [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + Number(m) * 60 + Number(s), 0);
}
