import {
  addConfigOptions,
  type ConnectorCommand,
  describeJsonFile,
  readConfigOption,
  reportMetrics,
  resolveEnvironment,
  rowLimit,
} from '../arguments.ts';

export const readCommand: ConnectorCommand = {
  name: 'read',
  role: 'source',
  addTo: (parser, launcher, context) =>
    parser.command(
      'read',
      'write the rows to stdout as Airbyte messages',
      (args) =>
        addConfigOptions(args, launcher)
          .option('catalog', describeJsonFile('the configured catalog'))
          .option('state', { ...describeJsonFile('the state of the last run'), demandOption: false })
          .option('limit', rowLimit)
          .option('report-metrics', reportMetrics),
      async (args) => {
        const source = await import('../../source-clickhouse/commands.ts');
        const extended = { ...resolveEnvironment(context, args), reportMetrics: args.reportMetrics };
        const isComplete = await source.read(extended, { ...args, config: readConfigOption(args) }, args.limit);
        if (!isComplete) process.exitCode = 1;
      },
    ),
};
