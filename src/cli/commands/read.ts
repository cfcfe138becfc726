import { EXIT_CODES } from '../../runner/exit-codes.ts';
import {
  configOptions,
  describeJsonFile,
  readConfigOption,
  reportMetrics,
  resolveEnvironment,
  rowLimit,
} from '../arguments.ts';
import { type Command, type CommandHelp, commandParser, type Launcher } from '../command.ts';
import { runConnector } from '../run-connector.ts';

const HELP: CommandHelp = {
  usage: `$0 --config FILE --catalog FILE [--state FILE]

Reads the rows of ClickHouse after the state, and writes them to stdout as Airbyte messages.`,
  examples: [
    '$0 --config source.json --catalog catalog.json',
    '$0 --config source.json --catalog catalog.json \\\n      --state state.json --limit 10',
  ],
};

function readOptions(launcher: Launcher) {
  return {
    ...configOptions(launcher),
    catalog: describeJsonFile('the configured catalog'),
    state: { ...describeJsonFile('the state of the last run'), demandOption: false },
    limit: rowLimit,
    'report-metrics': reportMetrics,
  } as const;
}

export const readCommand: Command = {
  options: readOptions,
  run: (launcher, args) =>
    runConnector(async (context) => {
      const parsed = await commandParser(launcher.name, 'read', args, HELP, readOptions(launcher)).parseAsync();
      if (parsed.help === true) return;
      const { catalog, state, limit } = parsed;
      const source = await import('../../source-clickhouse/commands.ts');
      const extended = { ...resolveEnvironment(context, parsed), reportMetrics: parsed.reportMetrics };
      const isComplete = await source.read(extended, { config: readConfigOption(parsed), catalog, state }, limit);
      if (!isComplete) process.exitCode = EXIT_CODES.failed;
    }),
};
