import { configOptions, readConfigOption, resolveEnvironment } from '../arguments.ts';
import { type Command, type CommandHelp, commandParser } from '../command.ts';
import { runConnector } from '../run-connector.ts';

const HELP: CommandHelp = {
  usage: `$0 --config FILE

Prints the streams that can be read or written, with their columns, as an Airbyte message.`,
  examples: ['$0 --config source.json'],
};

/** The options that `sync` passes. */
const HIDDEN_OPTIONS = {
  'fail-fast': {
    type: 'boolean',
    default: false,
    hidden: true,
    describe: 'fail at once if no ClickHouse listens at the address',
  },
  'require-streams': {
    type: 'boolean',
    default: false,
    hidden: true,
    describe: 'fail if there are no streams',
  },
} as const;

export const discoverCommand: Command = {
  options: configOptions,
  run: (launcher, args) =>
    runConnector(async (context) => {
      const options = { ...configOptions(launcher), ...HIDDEN_OPTIONS };
      const parsed = await commandParser(launcher.name, 'discover', args, HELP, options).parseAsync();
      if (parsed.help === true) return;
      const { loadConnector } = await import('../load-connector.ts');
      const config = readConfigOption(parsed);
      const connector = await loadConnector(launcher.role, config);
      await connector.discover(resolveEnvironment(context, parsed), config, parsed);
    }),
};
