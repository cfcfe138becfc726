import { addConfigOptions, type ConnectorCommand, describeJsonFile, resolveEnvironment } from '../arguments.ts';

export const writeCommand: ConnectorCommand = {
  name: 'write',
  role: 'destination',
  addTo: (parser, launcher, context) =>
    parser.command(
      'write',
      'send the rows from stdin (Airbyte messages) to Batch',
      (args) => addConfigOptions(args, launcher).option('catalog', describeJsonFile('the configured catalog')),
      async (args) => {
        const destination = await import('../../destination-batch/commands.ts');
        const isComplete = await destination.write(resolveEnvironment(context, args), args, process.stdin);
        if (!isComplete) process.exitCode = 1;
      },
    ),
};
