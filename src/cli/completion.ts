import yargs, { type Options } from 'yargs';
import type { CommandOptions, Launcher } from './command.ts';
import { COMPLETION, listCommands } from './command-list.ts';

/**
 * Prints the script that completes commands and options in a shell, or, for that script, the possible completions. yargs does
 * both. For this, it must know the options of every command.
 *
 * @param args `completion`, or the arguments that the script passes.
 */
export async function complete(launcher: Launcher, args: readonly string[]): Promise<void> {
  const parser = yargs([...args])
    .scriptName(launcher.name)
    .version(false)
    .exitProcess(false)
    .completion(COMPLETION.name, COMPLETION.describe);
  for (const { name, positional, describe, load } of listCommands(launcher)) {
    const { options, values } = await load();
    const choices = await values?.();
    parser.command(positional === undefined ? name : `${name} [${positional}]`, describe, (command) => {
      command.options(withoutChecks(options(launcher)));
      if (positional !== undefined && choices !== undefined) command.positional(positional, { choices });
      return command;
    });
  }
  await parser.parseAsync();
}

/** Removes the checks of options, because a command that is still being typed is not complete. */
function withoutChecks(options: CommandOptions): Record<string, Options> {
  const unchecked = { demandOption: false, requiresArg: false, coerce: (value: unknown) => value };
  return Object.fromEntries(Object.entries(options).map(([name, option]) => [name, { ...option, ...unchecked }]));
}
