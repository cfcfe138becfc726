import {
  addConfigOptions,
  type ConnectorCommand,
  describeJsonFile,
  REQUEST_LOG_OPTIONS,
  readConfigOption,
  readRequestLogOptions,
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
          .options(REQUEST_LOG_OPTIONS)
          .option('report-metrics', reportMetrics),
      async (args) => {
        const requestLog = readRequestLogOptions(`${launcher.name} write`, args);
        const destination = await import('../../destination-batch/commands.ts');
        const extended = { ...resolveEnvironment(context, args), reportMetrics: args.reportMetrics };
        const isComplete = await destination.write(
          extended,
          { ...args, config: readConfigOption(args), requestLog },
          openStdin(),
        );
        if (!isComplete) process.exitCode = 1;
      },
    ),
};
