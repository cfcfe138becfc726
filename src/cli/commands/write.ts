import { EXIT_CODES } from '../../runner/exit-codes.ts';
import {
  configOptions,
  describeJsonFile,
  REQUEST_LOG_OPTIONS,
  readConfigOption,
  readRequestLogOptions,
  reportMetrics,
  resolveEnvironment,
} from '../arguments.ts';
import { type Command, type CommandHelp, commandParser, type Launcher } from '../command.ts';
import { runConnector } from '../run-connector.ts';
import { openStdin } from '../stdin.ts';

const HELP: CommandHelp = {
  usage: `$0 --config FILE --catalog FILE

Sends the rows from stdin (Airbyte messages) to Batch. It writes each state to stdout after all rows before it were accepted or rejected.`,
  examples: ['$0 --config destination.json --catalog catalog.json \\\n      < rows.jsonl'],
};

function writeOptions(launcher: Launcher) {
  return {
    ...configOptions(launcher),
    catalog: describeJsonFile('the configured catalog'),
    ...REQUEST_LOG_OPTIONS,
    'report-metrics': reportMetrics,
  } as const;
}

export const writeCommand: Command = {
  options: writeOptions,
  run: (launcher, args) =>
    runConnector(async (context) => {
      const parsed = await commandParser(launcher.name, 'write', args, HELP, writeOptions(launcher)).parseAsync();
      if (parsed.help === true) return;
      const requestLog = readRequestLogOptions(`${launcher.name} write`, parsed);
      const destination = await import('../../destination-batch/commands.ts');
      const extended = { ...resolveEnvironment(context, parsed), reportMetrics: parsed.reportMetrics };
      const { catalog } = parsed;
      const isComplete = await destination.write(
        extended,
        { config: readConfigOption(parsed), catalog, requestLog },
        openStdin(),
      );
      if (!isComplete) process.exitCode = EXIT_CODES.failed;
    }),
};
