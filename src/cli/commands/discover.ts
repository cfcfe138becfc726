import { addConfigOptions, type ConnectorCommand, readConfigOption, resolveEnvironment } from '../arguments.ts';

export const discoverCommand: ConnectorCommand = {
  name: 'discover',
  addTo: (parser, launcher, context) =>
    parser.command(
      'discover',
      'list the streams that can be read or written',
      (args) => addConfigOptions(args, launcher),
      async (args) => {
        const { loadConnector } = await import('../load-connector.ts');
        const config = readConfigOption(args);
        const connector = await loadConnector(launcher.role, config);
        await connector.discover(resolveEnvironment(context, args), config);
      },
    ),
};
