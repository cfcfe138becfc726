import { intro, log, outro } from '@clack/prompts';
import { check as checkDestination } from '../destination-batch/commands.ts';
import type { CommandContext } from '../protocol/command-context.ts';
import type { GivenConfiguration } from '../protocol/configuration.ts';
import { ConnectorError, isUnexpectedError } from '../protocol/errors.ts';
import { isWarningOrWorse } from '../protocol/messages.ts';
import { buildCatalog, chooseStreams } from '../runner/catalog.ts';
import { checkConfiguration } from '../runner/check-configurations.ts';
import { type DescribedStream, describeStreams } from '../runner/describe-streams.ts';
import { syncError } from '../runner/errors.ts';
import { runInProcess } from '../runner/in-process.ts';
import { printable } from '../shared/printable.ts';
import { checkConnection, check as checkSource } from '../source-clickhouse/commands.ts';
import { FILES, findExistingFiles, writeFiles } from './files.ts';
import { AnswersEndedError, Questions, wrapForFrame } from './prompts.ts';
import {
  asConfiguration,
  askForDestination,
  askForSource,
  type DestinationAnswers,
  type SourceAnswers,
} from './questions.ts';
import { askForStart } from './start.ts';

/** A source configuration that works, and the streams of that source. */
type WorkingSource = { configuration: SourceAnswers; streams: DescribedStream[] };

/** The result of testing a configuration: what was found, or the reason why the configuration doesn't work. */
type Attempt<Found> = { kind: 'works'; found: Found } | { kind: 'fails'; reason: string };

/** The role of a connector, and a command that tests a configuration of it. */
type Check = {
  role: 'source' | 'destination';
  run: (context: CommandContext, configuration: GivenConfiguration) => Promise<void>;
};

const CHECK_CONNECTION: Check = { role: 'source', run: checkConnection };
const CHECK_SOURCE: Check = { role: 'source', run: checkSource };
const CHECK_DESTINATION: Check = { role: 'destination', run: checkDestination };

/**
 * Asks for the source and the destination, tests the answers, and writes the files that the other commands need. The files are
 * written into the working folder.
 *
 * @param launcher the launcher, in the form in which the user can type it in a shell.
 * @param apiUrl the address of a test server that replaces Batch.
 * @returns false if the user or a signal ended the questions early. Nothing is written in that case.
 * @throws ConnectorError if there is no terminal, or if the files can't be written.
 */
export async function init(context: CommandContext, launcher: string, apiUrl: string | undefined): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw syncError(
      'command_invalid',
      'init needs a terminal to ask its questions. Run it in a terminal, or write the configuration files by hand: `spec` prints their options.',
    );
  }
  intro('From ClickHouse to Batch');
  try {
    await askAndWrite(context, launcher, apiUrl);
    return true;
  } catch (error) {
    if (!(error instanceof AnswersEndedError)) throw error;
    outro('Stopped: nothing was written.');
    return false;
  }
}

async function askAndWrite(context: CommandContext, launcher: string, apiUrl: string | undefined): Promise<void> {
  const questions = new Questions(context.stop);
  const present = await findExistingFiles('.');
  if (present.length > 0 && !(await questions.confirm(`Overwrite ${present.join(', ')} in this folder?`, false))) {
    throw new AnswersEndedError();
  }
  const { configuration, streams } = await askUntilSourceWorks(context, questions);
  const tables = await askUntilTablesWork(context, questions, configuration, streams);
  const start = await askForStart(context, questions, configuration, tables);
  const destination = await askUntilDestinationWorks(
    context,
    questions,
    apiUrl === undefined ? {} : { api_url: apiUrl },
  );
  const [table] = tables.length === 1 ? tables : [];
  await writeFiles('.', {
    source: { ...configuration, ...(table === undefined ? {} : { table }), ...start },
    destination,
    catalog: buildCatalog(chooseStreams(streams, tables), 'incremental'),
  });
  log.success(`Wrote ${Object.values(FILES).join(', ')}, readable only by you.`);
  outro('No event was sent to Batch. Next steps:');
  // Users copy these commands, so they are printed without the frame, which would break them into lines.
  process.stdout.write(`${formatNextCommands(launcher, tables)}\n`);
}

async function askUntilSourceWorks(context: CommandContext, questions: Questions): Promise<WorkingSource> {
  let answers: SourceAnswers | undefined;
  for (;;) {
    answers = await askForSource(questions, answers);
    const configuration = answers;
    const result = await showAttempt(questions, 'ClickHouse', () =>
      tryConfiguration(async () => {
        // `discover` also warns about streams that contain the same rows. The user sees this before choosing streams.
        const warnings = await collectWarnings(CHECK_CONNECTION, context, configuration);
        const warn = (message: string): void => void (warnings.includes(message) || warnings.push(message));
        return { streams: await describeStreams(context, asConfiguration(configuration), warn), warnings };
      }),
    );
    if (result !== undefined) return { configuration, streams: result.streams };
  }
}

/** Asks until the first row of each chosen table can be read. */
async function askUntilTablesWork(
  context: CommandContext,
  questions: Questions,
  configuration: SourceAnswers,
  streams: readonly DescribedStream[],
): Promise<string[]> {
  for (;;) {
    const tables = await chooseTables(questions, streams);
    const tableWarnings = async (table: string): Promise<string[]> =>
      collectWarnings(CHECK_SOURCE, context, { ...configuration, table });
    const result = await showAttempt(questions, tables.map(printable).join(', '), () =>
      tryConfiguration(async () => {
        const warnings: string[] = [];
        for (const table of tables) warnings.push(...(await tableWarnings(table)));
        return { warnings: [...new Set(warnings)] };
      }),
    );
    if (result !== undefined) return tables;
  }
}

async function askUntilDestinationWorks(
  context: CommandContext,
  questions: Questions,
  given: { api_url?: string },
): Promise<DestinationAnswers> {
  let answers: DestinationAnswers | undefined;
  for (;;) {
    answers = await askForDestination(questions, answers);
    const configuration = { ...given, ...answers };
    const result = await showAttempt(questions, 'Batch', () =>
      tryConfiguration(async () => ({ warnings: await collectWarnings(CHECK_DESTINATION, context, configuration) })),
    );
    if (result !== undefined) return configuration;
  }
}

/** Runs a test and shows its result. Returns undefined if the test failed and the user wants to change the answers. */
async function showAttempt<Found extends { warnings: string[] }>(
  questions: Questions,
  what: string,
  attempt: () => Promise<Attempt<Found>>,
): Promise<Found | undefined> {
  // The library's spinner is not used: it handles Ctrl-C itself, and ends the process with exit code 0.
  log.step(`Testing ${what} …`);
  const result = await questions.runUnlessEnded(attempt());
  if (result.kind === 'fails') {
    log.error(wrapForFrame(`${what}: ${result.reason}`, process.stdout.columns));
    const next = await questions.select('What now?', [
      { value: 'again', label: 'Change the answers' },
      { value: 'quit', label: 'Quit, and write nothing' },
    ]);
    if (next === 'quit') throw new AnswersEndedError();
    return undefined;
  }
  log.success(`${what} works`);
  for (const warning of result.found.warnings) log.warn(wrapForFrame(warning, process.stdout.columns));
  return result.found;
}

/** Runs a test of a configuration that is not in a file yet. Its secrets are written to a file only after the test has succeeded. */
async function tryConfiguration<Found>(attempt: () => Promise<Found>): Promise<Attempt<Found>> {
  try {
    return { kind: 'works', found: await attempt() };
  } catch (error) {
    if (!(error instanceof ConnectorError) || isUnexpectedError(error)) throw error;
    return { kind: 'fails', reason: error.message };
  }
}

/** Checks a configuration against the specification, runs the `check` of its connector, and returns the warnings. */
async function collectWarnings({ role, run }: Check, context: CommandContext, answers: object): Promise<string[]> {
  const configuration = asConfiguration(answers);
  const warnings: string[] = [];
  const warn = (_: string, message: string): void => void warnings.push(message);
  await checkConfiguration(role, configuration, { environment: context.environment, warn });
  await runInProcess((output) => run({ ...context, output }, configuration), {
    message: (message) => {
      if (message.kind === 'log' && isWarningOrWorse(message.level)) warnings.push(message.message);
    },
  });
  return warnings;
}

async function chooseTables(questions: Questions, streams: readonly DescribedStream[]): Promise<string[]> {
  const choices = streams.map(({ name, json_schema: { properties } }) => ({
    value: name,
    label: printable(name),
    hint: printable(Object.keys(properties).join(', ')),
  }));
  const [only] = choices;
  if (choices.length === 1 && only !== undefined) {
    log.info(
      wrapForFrame(`Using the only suitable table or view: ${only.label} (${only.hint})`, process.stdout.columns),
    );
    return [only.value];
  }
  return questions.multiselect('Tables and views to sync: select with space, confirm with enter', choices);
}

/** Formats the commands to run next. @param launcher the launcher as the user can type it. */
function formatNextCommands(launcher: string, tables: readonly string[]): string {
  const files = `--source ${FILES.source} --destination ${FILES.destination}`;
  // A single table is named in source.json. Several tables are named here, even if the user chose every table of the source: otherwise, a view that is
  // created later would be sent, although the user never chose it.
  const streams = tables.length === 1 ? [] : tables.map((table) => ` --stream ${quoteForShell(table)}`);
  return [
    'Preview what would be sent:',
    `  ${launcher} preview ${files}${streams[0] ?? ''}`,
    'Sync now, and then every five minutes:',
    `  ${launcher} sync ${files} --state state.json${streams.join('')} --every 5m`,
  ].join('\n');
}

function quoteForShell(word: string): string {
  return /^[\w.-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
