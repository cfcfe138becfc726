import { isDeepStrictEqual } from 'node:util';
import { intro, log, outro } from '@clack/prompts';
import type { DestinationObject } from '../destination-batch/config/mapping.ts';
import type { CommandContext } from '../protocol/command-context.ts';
import { buildCatalog, chooseStreams } from '../runner/catalog.ts';
import { syncError } from '../runner/errors.ts';
import { quoteForShell } from '../shared/statement.ts';
import { type Answers, readAnswers } from './answers.ts';
import { createDestinationSteps } from './destination-steps.ts';
import { FILES, findExistingFiles, listFiles, readOptions, writeFiles } from './files.ts';
import { questionOutput } from './output.ts';
import { AnswersEndedError, Questions, showMessage } from './prompts.ts';
import { SourceSteps } from './source-steps.ts';
import { askForStart } from './start.ts';
import { runSteps } from './steps.ts';

/**
 * Asks for the source and the destination, tests the answers, and writes the files that the other commands need. The files are
 * written into the working folder.
 *
 * @param launcher the launcher, in the form in which the user can type it in a shell.
 * @param apiUrl the address of a test server that replaces Batch.
 * @returns false if the user or a signal ended the questions early.
 * @throws ConnectorError if there is no terminal, or if the files can't be written.
 */
export async function init(context: CommandContext, launcher: string, apiUrl: string | undefined): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw syncError(
      'command_invalid',
      'init needs a terminal to ask its questions. Run it in a terminal, or write the configuration files by hand: `spec` prints their options.',
    );
  }
  const output = questionOutput();
  intro('From ClickHouse to Batch', { output });
  const questions = new Questions(context.stop);
  const before = await readAnswers('.');
  if (apiUrl !== undefined) before.destination.api_url = apiUrl;
  const answers = structuredClone(before);
  try {
    await askAndWrite(context, questions, answers, launcher);
    return true;
  } catch (error) {
    if (!(error instanceof AnswersEndedError)) throw error;
    const kept = context.stop.aborted ? [] : await offerToKeep(questions, answers, before);
    outro(
      kept.length === 0 ? 'Stopped: nothing was written.' : `Wrote ${kept.join(' and ')}. Run init again to continue.`,
      { output },
    );
    return false;
  }
}

async function askAndWrite(
  context: CommandContext,
  questions: Questions,
  answers: Answers,
  launcher: string,
): Promise<void> {
  const present = await findExistingFiles('.');
  if (present.length > 0) {
    showMessage(
      'info',
      `Your answers will replace ${present.join(', ')} in this folder. The defaults are from these files.`,
    );
    if (!(await questions.confirm('Continue?', false))) throw new AnswersEndedError();
  }
  const source = new SourceSteps(context, questions, answers);
  await runSteps(questions, launcher, source.list());
  const isEvents = answers.kind === 'event';
  const start = isEvents ? await askForStart(context, questions, answers.source, source.tables) : {};
  await runSteps(questions, launcher, createDestinationSteps(context, questions, answers.destination));
  const [table] = source.tables.length === 1 ? source.tables : [];
  const written = await writeFiles('.', {
    source: { ...answers.source, ...(table === undefined ? {} : { table }), ...start },
    destination: { ...answers.destination, ...(isEvents ? {} : { streams: asProfiles(source.tables) }) },
    catalog: buildCatalog(chooseStreams(source.streams, source.tables), 'incremental'),
  });
  const output = questionOutput();
  log.success(`Wrote ${written.join(', ')}, readable only by you.`, { output });
  outro(`No ${isEvents ? 'event' : 'attribute'} was sent to Batch. Next steps:`, { output });
  // Users copy these commands, so they are printed without the frame, which would break them into lines.
  process.stdout.write(`${formatNextCommands(launcher, source.tables)}\n`);
}

/** Returns the settings of streams whose rows become attributes of profiles. */
function asProfiles(streams: readonly string[]): Record<string, { object: DestinationObject }> {
  return Object.fromEntries(streams.map((stream) => [stream, { object: 'profile_attributes' }]));
}

/** Offers to keep the answers of a user who leaves. Returns the names of the files that were written. */
async function offerToKeep(questions: Questions, { source, destination }: Answers, before: Answers): Promise<string[]> {
  const kept = {
    ...(isDeepStrictEqual(source, before.source) ? {} : { source: await addToFile(FILES.source, source) }),
    ...(isDeepStrictEqual(destination, before.destination)
      ? {}
      : { destination: await addToFile(FILES.destination, destination) }),
  };
  const names = listFiles(kept).join(' and ');
  if (names === '') return [];
  try {
    if (!(await questions.confirm(`Keep your answers in ${names}?`, true))) return [];
  } catch (error) {
    if (error instanceof AnswersEndedError) return [];
    throw error;
  }
  return writeFiles('.', kept);
}

/**
 * Adds answers to the options that a file already contains. These must be kept: without `table`, for example, the source would
 * read every table.
 */
async function addToFile(name: string, answers: object): Promise<object> {
  return { ...(await readOptions('.', name)), ...answers };
}

/** Formats the commands to run next. @param launcher the launcher as the user can type it. */
function formatNextCommands(launcher: string, tables: readonly string[]): string {
  const files = `--source ${FILES.source} --destination ${FILES.destination}`;
  // A single table is named in source.json. Several tables are named here, even if the user chose every table of the source.
  // Otherwise, a view that is created later would be sent, although the user never chose it.
  const streams = tables.length === 1 ? [] : tables.map((table) => ` --stream ${quoteForShell(table)}`);
  return [
    'Preview what would be sent:',
    `  ${launcher} preview ${files}${streams[0] ?? ''}`,
    'Sync now, and then every five minutes:',
    `  ${launcher} sync ${files} --state state.json${streams.join('')} --every 5m`,
  ].join('\n');
}
