import type { CommandContext } from '../../protocol/command-context.ts';
import { log } from '../../protocol/messages.ts';
import { EXIT_CODES } from '../../runner/exit-codes.ts';
import { findExposedSecrets } from '../../runner/exposed-secrets.ts';
import { StreamUses } from '../../runner/stream-uses.ts';
import { wrapMessage } from '../../runner/terminal/message-layout.ts';
import { describeTerminal, type Terminal } from '../../runner/terminal/terminal.ts';
import { type Attempt, tryConnector } from '../../runner/try-connector.ts';
import { formatCount, formatList } from '../../shared/format.ts';
import { endsWithStatement, isOfStatement } from '../../shared/statement.ts';
import { checkOptions, REFERENCES_NOTE, resolveEnvironment } from '../arguments.ts';
import {
  type CommandHelp,
  commandParser,
  explainWrongArguments,
  type Launcher,
  type Role,
  resolveLauncher,
} from '../command.ts';
import { detectRole } from '../load-connector.ts';
import { runInteractive } from '../run-interactive.ts';

/** The maximum number of streams that are named in a result. */
const MAX_NAMED = 5;

/** The width of the mark before a message, plus one space. */
const MARK_WIDTH = 2;

const HELP: CommandHelp = {
  usage: `$0 --source FILE --destination FILE
       $0 --config FILE

Tests configurations: whether the servers can be reached, whether they accept the login and the key, and whether they have what a sync needs. With --config, the result is text in a terminal, and an Airbyte message in a pipe.`,
  examples: ['$0 --source source.json --destination destination.json', '$0 --config source.json'],
  notes: REFERENCES_NOTE,
};

/** Tests configurations, and prints each result as text. The exit code says whether all of them work. */
export async function runForPerson(launcher: Launcher, args: readonly string[]): Promise<void> {
  await runInteractive(async ({ output, stop, now }) => {
    const options = checkOptions(launcher);
    const parsed = await commandParser(launcher.name, 'check', args, HELP, options).parseAsync();
    if (parsed.help === true) return EXIT_CODES.allAccepted;
    const { config, source, destination } = parsed;
    if ((config === undefined) === (source === undefined && destination === undefined)) {
      const advice = 'Pass --source, --destination or both, or only --config.';
      throw explainWrongArguments(`${launcher.name} check`, advice);
    }
    const files: [role: Role, path: string | undefined][] =
      config === undefined
        ? [
            ['source', source],
            ['destination', destination],
          ]
        : [[await detectRole(config), config]];
    const context = resolveEnvironment({ output, stop, now }, parsed);
    const uses = destination === undefined ? undefined : await StreamUses.tryRead(context, destination);
    const terminal = describeTerminal(process.stdout);
    let exitCode: number = EXIT_CODES.allAccepted;
    for (const [role, path] of files) {
      if (path === undefined) continue;
      const attempt = await TESTS[role](context, path, uses);
      if (stop.aborted) return EXIT_CODES.failed;
      const exposed = attempt.kind === 'works' ? await findExposedSecrets({ [role]: path }) : undefined;
      if (exposed !== undefined) attempt.warnings.push(exposed);
      process.stdout.write(describeAttempt(role, attempt, resolveLauncher(), terminal));
      if (attempt.kind === 'fails') exitCode = EXIT_CODES.misconfigured;
    }
    return exitCode;
  });
}

const NAMES: Record<Role, string> = { source: 'ClickHouse', destination: 'Batch' };

/** Tests a configuration. `uses` is what the destination does with the streams of the source, if both are tested. */
type Test = (context: CommandContext, path: string, uses: StreamUses | undefined) => Promise<Attempt<string>>;

const TESTS: Record<Role, Test> = {
  source: async (context, path, uses) => {
    const { check: checkSource } = await import('../../source-clickhouse/commands.ts');
    return tryConnector(context, 'source', path, async (inner) => {
      const { version, username, streams } = await checkSource(inner, path, uses && ((stream) => uses.find(stream)));
      const problems = uses === undefined ? [] : [...uses.findUnknown(streams), ...uses.findErrors(streams)];
      for (const problem of problems) await inner.output.write(log('WARN', problem));
      const names = formatList(streams, MAX_NAMED);
      return `${version}, user ${username}, ${formatCount(streams.length, 'stream')}: ${names}`;
    });
  },
  destination: async (context, path) => {
    const { check: checkDestination } = await import('../../destination-batch/commands.ts');
    return tryConnector(context, 'destination', path, async (inner) => {
      const { host, projectKey } = await checkDestination(inner, path);
      return `${host}, project key ${projectKey}`;
    });
  },
};

/**
 * Describes the result of testing a configuration: whether it works, or why not and what to do, and warnings.
 *
 * @param launcher the launcher, in the form in which the user can type it.
 */
function describeAttempt(role: Role, attempt: Attempt<string>, launcher: string, terminal: Terminal): string {
  const { paint } = terminal;
  const name = NAMES[role];
  const result =
    attempt.kind === 'works'
      ? [layOutItem(paint('green', '✓'), `${name} works (${attempt.found})`, terminal)]
      : [
          layOutItem(paint('red', '✗'), startWith(name, attempt.error.message), terminal),
          ...(endsWithStatement(attempt.error.message) ? [] : ['']),
          layOutItem(' ', `More: ${launcher} explain ${attempt.error.page}`, terminal),
        ];
  const lines = [
    ...result,
    ...attempt.warnings.map((warning) => layOutItem(paint('yellow', '!'), warning, terminal)),
    ...attempt.notes.map((note) => layOutItem(' ', note, terminal)),
  ];
  return terminal.toCharset(`${lines.join('\n')}\n`);
}

/** Puts a name before a message that does not begin with it. */
function startWith(name: string, message: string): string {
  return message.startsWith(`${name} `) ? message : `${name}: ${message}`;
}

/** Lays out a message with a mark before it. The message is wrapped and indented, except for the lines of a statement. */
function layOutItem(mark: string, message: string, { width }: Terminal): string {
  const [first = '', ...others] = wrapMessage(message, width - MARK_WIDTH).split('\n');
  const indented = others.map((line) =>
    line === '' || isOfStatement(line) ? line : `${' '.repeat(MARK_WIDTH)}${line}`,
  );
  return [`${mark} ${first}`, ...indented, ...(endsWithStatement(message) ? [''] : [])].join('\n');
}
