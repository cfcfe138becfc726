import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { findShownSecrets, watchForSecrets } from './shown-secrets.ts';

/** The launchers of a single connector. */
export type ConnectorName = 'source-clickhouse' | 'destination-batch';

export type LauncherName = 'clickhouse-to-batch' | 'connector' | ConnectorName;

/** How a process ended and what it printed. `messages` are its lines on stdout, parsed when first read: there can be many. */
export type Finished = {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
  readonly messages: PrintedMessage[];
};

/** A message on stdout: the fields that tests and the demo read. */
export type PrintedMessage = {
  type: string;
  record?: { stream: string; namespace?: string; emitted_at: number; data: Record<string, unknown> };
  state?: {
    type: string;
    stream: { stream_descriptor: { name: string; namespace?: string }; stream_state: Record<string, unknown> };
    sourceStats?: { recordCount: number };
    destinationStats?: { recordCount: number; rejectedRecordCount: number };
  };
  log?: { level: string; message: string };
  trace?: {
    type: string;
    error?: { message: string; failure_type: string; internal_message?: string; stack_trace?: string };
    estimate?: { type: string; name: string; namespace?: string; row_estimate: number; byte_estimate?: number };
    analytics?: { type: string; value: string };
    stream_status?: { stream_descriptor: { name: string; namespace?: string }; status: string };
  };
  connectionStatus?: { status: string; message?: string };
  catalog?: { streams: PrintedStream[] };
  destination_catalog?: { operations: { object_name: string; sync_mode: string }[] };
  spec?: { connectionSpecification: Record<string, unknown> };
};

export type PrintedStream = {
  name: string;
  namespace: string;
  json_schema: { properties: Record<string, Record<string, unknown>> };
  supported_sync_modes: string[];
};

/** The path of a launcher, as a user of this checkout types it. */
export function launcherPath(name: LauncherName): string {
  return fileURLToPath(new URL(`../bin/${name}`, import.meta.url));
}

/** Starts a launcher as a separate process. Throws if its piped output contains a secret of its configuration. */
export function start(name: LauncherName, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const child = spawn(launcherPath(name), [...args], options);
  watchForSecrets(child);
  return child;
}

/** Runs a launcher to its end, with `input` on its stdin. */
export async function run(
  name: LauncherName,
  args: readonly string[],
  { input = '', env }: { input?: string | Uint8Array; env?: Record<string, string> } = {},
): Promise<Finished> {
  const child = spawn(launcherPath(name), [...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  // A command that does not read its input closes it early.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return finished(child);
}

/** Waits for a process that was started with its stdout and stderr piped to us. Rejects if it printed a secret of its configuration. */
export async function finished(child: ChildProcess): Promise<Finished> {
  const [stdout, stderr] = await Promise.all([
    child.stdout === null ? '' : text(child.stdout),
    child.stderr === null ? '' : text(child.stderr),
    child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined,
  ]);
  return describeEnd(child.spawnargs, { code: child.exitCode, signal: child.signalCode, stdout, stderr });
}

/** Describes how a command ended. Throws if it printed a secret of its configuration. @param command with its arguments. */
export function describeEnd(command: readonly string[], end: Omit<Finished, 'messages'>): Finished {
  const { signal, stdout, stderr } = end;
  const shown = findShownSecrets(command, stdout + stderr);
  if (shown.length > 0) throw new Error(`The output of ${command.join(' ')} contains its ${shown.join(' and ')}.`);
  let messages: PrintedMessage[] | undefined;
  return {
    ...end,
    get messages() {
      messages ??= parseMessages(signal === 'SIGKILL' ? wholeLines(stdout) : stdout);
      return messages;
    },
  };
}

/** Drops an unfinished last line: a killed process may have been writing it. */
function wholeLines(stdout: string): string {
  return stdout.slice(0, stdout.lastIndexOf('\n') + 1);
}

/** Parses each line as a message. Any other line is an error: stdout may only contain messages. */
function parseMessages(stdout: string): PrintedMessage[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

export type SyncPaths = { source: string; destination: string; catalog: string; state?: string };

/**
 * Runs `source-clickhouse read … | destination-batch write …` in a shell. The exit code is the destination's; stderr has
 * the output of both.
 */
export async function sync({ source, destination, catalog, state }: SyncPaths): Promise<Finished> {
  const read = [
    launcherPath('source-clickhouse'),
    'read',
    '--config',
    source,
    '--catalog',
    catalog,
    ...(state === undefined ? [] : ['--state', state]),
  ];
  const write = [launcherPath('destination-batch'), 'write', '--config', destination, '--catalog', catalog];
  const child = spawn('/bin/sh', ['-c', `${read.map(quote).join(' ')} | ${write.map(quote).join(' ')}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return finished(child);
}

function quote(argument: string): string {
  return `'${argument.replaceAll("'", "'\\''")}'`;
}
