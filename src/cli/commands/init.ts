import { init } from '../../init/init.ts';
import { EXIT_CODES } from '../../runner/exit-codes.ts';
import { type Command, type CommandHelp, commandParser, resolveLauncher } from '../command.ts';
import { runInteractive } from '../run-interactive.ts';

const HELP: CommandHelp = {
  usage: `$0

Asks for your settings, tests the connections, and writes source.json, destination.json and catalog.json into this folder, readable only by you. It sends no events.`,
  examples: ['$0', '$0 --api-url http://127.0.0.1:8124'],
};

const OPTIONS = {
  'api-url': {
    type: 'string',
    requiresArg: true,
    describe: 'the address of a test server to use instead of Batch',
  },
} as const;

export const initCommand: Command = {
  options: () => OPTIONS,
  run: (launcher, args) =>
    runInteractive(async (context) => {
      const parsed = await commandParser(launcher.name, 'init', args, HELP, OPTIONS).parseAsync();
      if (parsed.help === true) return EXIT_CODES.allAccepted;
      const isWritten = await init(context, resolveLauncher(), parsed.apiUrl);
      return isWritten ? EXIT_CODES.allAccepted : EXIT_CODES.failed;
    }),
};
