import { type ChildProcess, spawn } from 'node:child_process';
import { dirname } from 'node:path';
import { watchForSecrets } from '../sandbox/shown-secrets.ts';
import { type Pod, ROOT } from './kubernetes_manifest.ts';

/** Where the image has what stands in this checkout: WORKDIR in the Dockerfile. */
const IMAGE_FOLDER = '/airbyte/integration_code';

/**
 * Runs what a pod's container would, as processes of this machine, which are a group: its command with its variables and
 * no others, and folders of this machine for its volumes and for what is in the image.
 *
 * @param volumes the folder of each volume, by name.
 * @param annotations those that Kubernetes gives the pod.
 */
export function startPod(
  { containers: [{ command, env, volumeMounts }] }: Pod,
  volumes: Readonly<Record<string, string>>,
  annotations: Readonly<Record<string, string>> = {},
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
  for (const variable of env) {
    const value =
      'value' in variable ? variable.value : annotationAt(variable.valueFrom.fieldRef.fieldPath, annotations);
    // As Kubernetes does it: with the variables before this one, and untouched where there is none of that name.
    const whole = value.replace(/\$\((\w+)\)/g, (reference, name) => variables[name] ?? reference);
    variables[variable.name] = onThisMachine(whole);
  }
  const [program, ...args] = command.map(onThisMachine);
  const pod = spawn(program ?? '', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, TMPDIR: onThisMachine('/tmp'), ...variables },
    detached: true,
  });
  watchForSecrets(pod);
  return pod;
}

function annotationAt(fieldPath: string, annotations: Readonly<Record<string, string>>): string {
  const [, name = ''] = /^metadata\.annotations\['(.+)'\]$/.exec(fieldPath) ?? [];
  return required(annotations, name);
}

function required(values: Readonly<Record<string, string>>, name: string): string {
  const value = values[name];
  if (value === undefined) throw new Error(`There is no "${name}" among ${Object.keys(values).join(', ')}.`);
  return value;
}
