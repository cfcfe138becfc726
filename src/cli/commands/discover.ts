import { addConfigOptions, type ConnectorCommand, resolveEnvironment } from '../arguments.ts';

export const discoverCommand: ConnectorCommand = {
  name: 'discover',
  addTo: (parser, launcher, context) =>
    parser.command(
      'discover',
      'list the streams that can be read or written',
      (args) => addConfigOptions(args, launcher),
      async (args) => {
        const { loadConnector } = await import('../load-connector.ts');
        const connector = await loadConnector(launcher.role, args.config);
        await connector.discover(resolveEnvironment(context, args), args.config);
      },
    ),
};
