import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { launcherPath } from '../../sandbox/launcher.ts';
import { findShownSecrets } from '../../sandbox/shown-secrets.ts';
import { runCommandLine } from '../../src/cli/main.ts';
import { forgetSecrets } from '../../src/protocol/secrets.ts';
import { Screen } from './screen.ts';

const NAME = 'clickhouse-to-batch';

/** Where a command writes: to a terminal without colours and with this number of columns, or to a pipe. */
type Output = { columns: number } | 'pipe';

/** What was printed to stdout and stderr, as it is shown in a terminal or arrives from a pipe. */
export type Printed = { code: number; text: string };

/**
 * Runs a command of `clickhouse-to-batch` as a person types it, in this process: nothing has to be loaded. Only `sync` starts
 * processes, for its connectors. Throws if the output contains a secret. Only one command can run at a time.
 *
 * @param environment replaces variables of this process; undefined removes one.
 */
export async function typeCommand(
  args: readonly string[],
  output: Output,
  environment: Readonly<Record<string, string | undefined>> = {},
): Promise<Printed> {
  const restore = [
    replaceProperty(process, 'argv', [process.execPath, launcherPath(NAME), ...args]),
    ...Object.entries(environment).map(([name, value]) => replaceProperty(process.env, name, value)),
    () => {
      process.exitCode = undefined;
    },
    forgetSecrets,
  ];
  const stream = output === 'pipe' ? new PassThrough() : new Screen(output.columns);
  const shown = stream instanceof Screen ? undefined : text(stream);
  restore.push(
    ...['stdout', 'stderr'].map((name) => replaceProperty(process, name, stream)),
    // yargs prints the version with it.
    replaceProperty(console, 'log', (line: string) => stream.write(`${line}\n`)),
  );
  try {
    await runCommandLine({ name: NAME, role: undefined });
    const printed = stream instanceof Screen ? (await stream.lines()).join('\n') : await endOf(stream, shown);
    const secrets = findShownSecrets(args, printed);
    if (secrets.length > 0) throw new Error(`The output of ${args.join(' ')} contains its ${secrets.join(' and ')}.`);
    return { code: Number(process.exitCode ?? 0), text: printed };
  } finally {
    for (const undo of restore) undo();
  }
}

async function endOf(stream: PassThrough, shown: Promise<string> | undefined): Promise<string> {
  stream.end();
  return ((await shown) ?? '').trimEnd();
}

/** Replaces a property, whether it is a value or a getter, and returns a function that restores it. */
function replaceProperty(target: object, name: string, value: unknown): () => void {
  const before = Object.getOwnPropertyDescriptor(target, name);
  Reflect.deleteProperty(target, name);
  if (value !== undefined) {
    Object.defineProperty(target, name, { value, configurable: true, enumerable: true, writable: true });
  }
  return () => {
    Reflect.deleteProperty(target, name);
    if (before !== undefined) Object.defineProperty(target, name, before);
  };
}
