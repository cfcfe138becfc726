import { Writable } from 'node:stream';
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

/** What was printed to two pipes. */
export type Piped = Printed & { stdout: string; stderr: string };

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
  if (output === 'pipe') return typeIntoPipes(args, environment);
  const screen = new Screen(output.columns);
  const code = await runCommand(args, { stdout: screen, stderr: screen }, environment);
  const printed = { code, text: (await screen.lines()).join('\n') };
  expectNoSecrets(args, printed);
  return printed;
}

/** Like `typeCommand`, with a pipe for stdout and another one for stderr. */
export async function typeIntoPipes(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>> = {},
): Promise<Piped> {
  const printed = { stdout: '', stderr: '', text: '' };
  const pipe = (name: 'stdout' | 'stderr'): Writable =>
    new Writable({
      decodeStrings: false,
      write(chunk: string | Buffer, _, done) {
        printed[name] += chunk;
        printed.text += chunk;
        done();
      },
    });
  const code = await runCommand(args, { stdout: pipe('stdout'), stderr: pipe('stderr') }, environment);
  expectNoSecrets(args, printed);
  return { code, ...printed, text: printed.text.trimEnd() };
}

/** Returns the exit code. */
async function runCommand(
  args: readonly string[],
  streams: { stdout: Writable; stderr: Writable },
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  const restore = [
    replaceProperty(process, 'argv', [process.execPath, launcherPath(NAME), ...args]),
    ...Object.entries(environment).map(([name, value]) => replaceProperty(process.env, name, value)),
    () => {
      process.exitCode = undefined;
    },
    forgetSecrets,
  ];
  restore.push(
    ...Object.entries(streams).map(([name, stream]) => replaceProperty(process, name, stream)),
    // yargs prints the version with it.
    replaceProperty(console, 'log', (line: string) => streams.stdout.write(`${line}\n`)),
  );
  try {
    await runCommandLine({ name: NAME, role: undefined });
    return Number(process.exitCode ?? 0);
  } finally {
    for (const undo of restore) undo();
  }
}

function expectNoSecrets(args: readonly string[], { text }: { text: string }): void {
  const secrets = findShownSecrets(args, text);
  if (secrets.length > 0) throw new Error(`The output of ${args.join(' ')} contains its ${secrets.join(' and ')}.`);
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
