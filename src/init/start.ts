import type { CommandContext } from '../protocol/command-context.ts';
import { ConnectorError } from '../protocol/errors.ts';
import { runInProcess } from '../runner/in-process.ts';
import type { StartProposal } from '../source-clickhouse/check/propose-start.ts';
import { proposeStart } from '../source-clickhouse/commands.ts';
import { formatRowCount } from '../source-clickhouse/query/count-rows.ts';
import { asConfiguration, type SourceAnswers } from './answers.ts';
import type { Questions } from './prompts.ts';

/**
 * Asks where the first run begins, if the tables have rows that are older than Batch accepts.
 *
 * @returns the options for the configuration of the source.
 */
export async function askForStart(
  context: CommandContext,
  questions: Questions,
  configuration: SourceAnswers,
  tables: readonly string[],
): Promise<{ start_from?: string }> {
  const proposal = await questions.runUnlessEnded(findProposal(context, configuration, tables));
  if (proposal === undefined) return {};
  const { startFrom, sent, leftOut } = proposal;
  const choice = await questions.select('Where does the first run begin? Batch refuses events older than 24 hours.', [
    {
      value: startFrom,
      label: `${startFrom} ago: send ${formatRowCount(sent)}, and leave out ${formatRowCount(leftOut)} before them`,
    },
    { value: 'now', label: 'now: send only rows that are inserted after the first run begins' },
    { value: 'all', label: 'at the first row: send all rows' },
  ]);
  return choice === 'all' ? {} : { start_from: choice };
}

/**
 * Proposes a start, and counts the rows before and after it. If this fails, no start is proposed. The error isn't reported,
 * because the tables have already been tested.
 */
async function findProposal(
  context: CommandContext,
  configuration: SourceAnswers,
  tables: readonly string[],
): Promise<StartProposal | undefined> {
  try {
    return await runInProcess(
      (output) => proposeStart({ ...context, output }, asConfiguration(configuration), tables),
      {},
    );
  } catch (error) {
    if (error instanceof ConnectorError) return undefined;
    throw error;
  }
}
