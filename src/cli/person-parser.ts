import yargs, { type Argv } from 'yargs';
import { protocolError } from '../protocol/failure.ts';

/** What may be given several times, and what is given without a name. */
const LISTS: ReadonlySet<string> = new Set(['stream', '_']);

/**
 * What the commands for a person have in common on the command line.
 *
 * @param name as it is typed, with that of the launcher.
 * @param args those behind it.
 * @param usage how it is used and what it does, beginning with `$0` for its name.
 * @throws ConnectorError (command_invalid), from parseAsync, when the arguments are wrong. Help that is asked for is printed.
 */
export function personParser(name: string, args: readonly string[], usage: string): Argv {
  return yargs([...args])
    .scriptName(name)
    .usage(usage)
    .strict()
    .version(false)
    .exitProcess(false)
    .check((given) => {
      // yargs makes a list of what is given twice.
      const twice = Object.entries(given).find(([name, value]) => Array.isArray(value) && !LISTS.has(name));
      if (twice !== undefined) throw new Error(`--${twice[0]} is given twice.`);
      // As of a variable of the shell that is not set. Taken for a path, it is the working folder.
      const empty = Object.entries(given).find(([, value]) => [value].flat().includes(''));
      if (empty !== undefined) throw new Error(`--${empty[0]} is empty.`);
      return true;
    })
    .fail((message, error) => {
      const words = (message ?? error.message).replace(/\.?$/, '.');
      throw protocolError('command_invalid', `${words} See ${name} --help.`);
    });
}
