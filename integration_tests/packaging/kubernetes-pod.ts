import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { watchForSecrets } from '../../sandbox/shown-secrets.ts';
import { type Pod, ROOT } from './kubernetes-manifest.ts';

/** The folder of this checkout in the image: WORKDIR in the Dockerfile. */
const IMAGE_FOLDER = '/airbyte/integration_code';

/** What the image starts: ENTRYPOINT of the last target, which is the default. */
const [, ENTRY_POINT = ''] =
  /.*^ENTRYPOINT \["([^"]+)"\]$/ms.exec(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')) ?? [];

/** What a pod finds in its cluster: the folder of each volume, and the variables of each Secret, by name. */
export type Cluster = {
  volumes: Readonly<Record<string, string>>;
  secrets: Readonly<Record<string, Readonly<Record<string, string>>>>;
};

/**
 * Runs what a pod's container would run, as processes of this machine: its arguments with only its variables, and
 * folders of this machine for its volumes and for what is in the image.
 *
 * @param index that of a pod of an Indexed Job.
 */
export function startPod(
  { containers: [{ args, envFrom, volumeMounts }] }: Pod,
  { volumes, secrets }: Cluster,
  index?: number,
): ChildProcess {
  const folders = new Map([[IMAGE_FOLDER, ROOT]]);
  for (const { name, mountPath } of volumeMounts) folders.set(mountPath, required(volumes, name));
  const onThisMachine = (text: string): string => {
    for (const [path, folder] of folders) {
      if (text === path || text.startsWith(`${path}/`)) return folder + text.slice(path.length);
    }
    return text;
  };

  const variables: Record<string, string> = {};
  for (const { secretRef } of envFrom) {
    Object.assign(variables, secretRef.optional ? secrets[secretRef.name] : required(secrets, secretRef.name));
  }
  // Kubernetes adds it by itself.
  if (index !== undefined) variables.JOB_COMPLETION_INDEX = String(index);
  // As Kubernetes does: unchanged if there is no variable of that name.
  const expanded = (text: string): string =>
    text.replace(/\$\((\w+)\)/g, (reference, name) => variables[name] ?? reference);

  const pod = spawn(
    onThisMachine(ENTRY_POINT),
    args.map((arg) => onThisMachine(expanded(arg))),
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, TMPDIR: onThisMachine('/tmp'), ...variables },
    },
  );
  watchForSecrets(pod);
  return pod;
}

/** Kills all processes of a pod, as the kubelet does after the grace period, or as a power failure of a node does. */
export function endAtOnce({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  const started = lines.map((line) => line.trim().split(/\s+/).map(Number)).filter(([, parent]) => parent === pid);
  for (const each of [pid, ...started.map(([child = 0]) => child)]) killIfThere(each);
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

function required<Value>(values: Readonly<Record<string, Value>>, name: string): Value {
  const value = values[name];
  if (value === undefined) throw new Error(`There is no "${name}" among ${Object.keys(values).join(', ')}.`);
  return value;
}
