import type { Command, Launcher, Role } from './command.ts';
import type { CommandName } from './exit-code-help.ts';

type ListedCommand = {
  name: CommandName;
  /** Its positional argument, which is optional. */
  positional?: string;
  describe: string;
  /** The launcher that offers the command, if not all of them do. A launcher for people offers every command. */
  only?: Role | 'people';
  /** Loads the command. Only the one that is called is loaded; `completion` loads all. */
  load: () => Promise<Command>;
};

/** The command of yargs that prints a script for a shell. */
export const COMPLETION = {
  name: 'completion',
  describe: 'Print a script that completes commands and options in bash, zsh or fish',
} as const;

/** All commands, in the order in which --help lists them. */
const COMMANDS: readonly ListedCommand[] = [
  {
    name: 'init',
    describe: 'Ask for your settings, test them, and write the configuration files',
    only: 'people',
    load: async () => (await import('./commands/init.ts')).initCommand,
  },
  {
    name: 'check',
    describe: 'Test a configuration',
    load: async () => (await import('./commands/check.ts')).checkCommand,
  },
  {
    name: 'preview',
    describe: 'Show what a sync would send, without sending it',
    only: 'people',
    load: async () => (await import('./commands/preview.ts')).previewCommand,
  },
  {
    name: 'sync',
    describe: 'Send new rows to Batch, and save progress in a state file',
    only: 'people',
    load: async () => (await import('./commands/sync.ts')).syncCommand,
  },
  {
    name: 'status',
    describe: 'Show how the last run of a sync ended, and the cursor of each stream',
    only: 'people',
    load: async () => (await import('./commands/status.ts')).statusCommand,
  },
  {
    name: 'retry',
    describe: 'Send rejected rows again',
    only: 'people',
    load: async () => (await import('./commands/retry.ts')).retryCommand,
  },
  {
    name: 'explain',
    positional: 'code',
    describe: 'Explain an error or rejection code, or list all codes',
    load: async () => (await import('./commands/explain.ts')).explainCommand,
  },
  {
    name: 'spec',
    describe: 'Print the JSON Schema of a configuration (Airbyte)',
    load: async () => (await import('./commands/spec.ts')).specCommand,
  },
  {
    name: 'discover',
    describe: 'Print the streams that can be read or written (Airbyte)',
    load: async () => (await import('./commands/discover.ts')).discoverCommand,
  },
  {
    name: 'read',
    describe: 'Write the rows to stdout as messages (Airbyte)',
    only: 'source',
    load: async () => (await import('./commands/read.ts')).readCommand,
  },
  {
    name: 'write',
    describe: 'Send the rows from stdin to Batch (Airbyte)',
    only: 'destination',
    load: async () => (await import('./commands/write.ts')).writeCommand,
  },
];

/** Returns the commands of a launcher. */
export function listCommands({ role }: Launcher): readonly ListedCommand[] {
  return COMMANDS.filter(({ only }) => role === undefined || only === undefined || only === role);
}
