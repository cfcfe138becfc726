import {
  addConfigOptions,
  type ConnectorCommand,
  describeJsonFile,
  readConfigOption,
  reportMetrics,
  resolveEnvironment,
} from '../arguments.ts';
import { openStdin } from '../stdin.ts';

export const writeCommand: ConnectorCommand = {
  name: 'write',
  role: 'destination',
  addTo: (parser, launcher, context) =>
    parser.command(
      'write',
      'send the rows from stdin (Airbyte messages) to Batch',
      (args) =>
        addConfigOptions(args, launcher)
          .option('catalog', describeJsonFile('the configured catalog'))
          .option('report-metrics', reportMetrics),
      async (args) => {
        const destination = await import('../../destination-batch/commands.ts');
        const extended = { ...resolveEnvironment(context, args), reportMetrics: args.reportMetrics };
        const isComplete = await destination.write(extended, { ...args, config: readConfigOption(args) }, openStdin());
        if (!isComplete) process.exitCode = 1;
      },
    ),
};
