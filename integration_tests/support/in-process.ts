import { Readable, Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import { type ConnectorName, describeEnd, type Finished } from '../../sandbox/launcher.ts';
import { check } from '../../src/cli/commands/check.ts';
import { loadConnector } from '../../src/cli/load-connector.ts';
import * as destination from '../../src/destination-batch/commands.ts';
import type { CommandContext } from '../../src/protocol/command-context.ts';
import { asConnectorError } from '../../src/protocol/errors.ts';
import { errorTrace } from '../../src/protocol/messages.ts';
import { MessageOutput } from '../../src/protocol/output.ts';
import { forgetSecrets } from '../../src/protocol/secrets.ts';
import * as source from '../../src/source-clickhouse/commands.ts';

/** How much of its input a command reads at a time, in bytes, as it does from a pipe. */
const PIPE_BYTES = 64 * 1024;

/** How many commands run in this process now. */
let running = 0;

/**
 * Runs a command of a connector in this process, and returns what `run` of sandbox/launcher.ts returns for a process of its own.
 * It takes a tenth of the CPU time, because nothing has to be loaded. Use it to test what a command does with its servers:
 * the other tests run the launchers, and thereby the arguments, the environment, signals, exit codes and the bundle.
 *
 * @param args the command and its options, as for the launcher.
 */
export async function runInProcess(
  name: ConnectorName,
  args: readonly string[],
  { input = '' }: { input?: string | Uint8Array } = {},
): Promise<Finished> {
  const chunks: Buffer[] = [];
  const stdout = new Writable({
    write(chunk: Buffer, _, done) {
      // A copy: the command may reuse the memory.
      chunks.push(Buffer.from(chunk));
      done();
    },
  });
  const output = new MessageOutput(stdout);
  let code = 0;
  running += 1;
  try {
    const isComplete = await runCommand(
      name,
      args,
      { output, stop: new AbortController().signal, now: Date.now },
      input,
    );
    if (!isComplete) code = 1;
  } catch (error) {
    code = 1;
    await output.write(errorTrace(asConnectorError(error), Date.now()));
  } finally {
    await output.flushed();
    running -= 1;
    // They would be masked in the output of later tests, where they may be ordinary words.
    if (running === 0) forgetSecrets();
  }
  return describeEnd([name, ...args], { code, signal: null, stdout: Buffer.concat(chunks).toString(), stderr: '' });
}

async function runCommand(
  name: ConnectorName,
  args: readonly string[],
  context: CommandContext,
  input: string | Uint8Array,
): Promise<boolean> {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      catalog: { type: 'string' },
      state: { type: 'string' },
      limit: { type: 'string' },
    },
  });
  const { config = '', catalog = '', state, limit } = values;
  const role = name === 'source-clickhouse' ? 'source' : 'destination';
  const [command] = positionals;
  switch (command) {
    case 'check':
      await check(context, role, config);
      return true;
    case 'discover':
      await (await loadConnector(role, config)).discover(context, config);
      return true;
    case 'read':
      return source.read(context, { config, catalog, state }, limit === undefined ? undefined : Number(limit));
    case 'write':
      return destination.write(context, { config, catalog }, Readable.from(pieces(Buffer.from(input))));
    default:
      throw new Error(`${command} is not a command that runs in this process.`);
  }
}

function* pieces(input: Buffer): Generator<Buffer> {
  // A copy of each: the command may write into it.
  for (let at = 0; at < input.length; at += PIPE_BYTES) yield Buffer.from(input.subarray(at, at + PIPE_BYTES));
}
