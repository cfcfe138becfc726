import yargs, { type Argv, type InferredOptionTypes, type Options } from 'yargs';
import { type ConnectorError, protocolError } from '../protocol/errors.ts';
import { suggestName } from '../shared/suggest.ts';

/** What may be given several times, and what is given without a name. */
const LISTS: ReadonlySet<string> = new Set(['stream', '_']);

/** What yargs gives beside the options. */
const NAMES_OF_YARGS = ['_', '$0', 'help'];

/** What is on or off. yargs takes every other word for off. */
const WORDS_OF_SWITCHES: ReadonlySet<string> = new Set(['true', 'false']);

/**
 * What the commands for a person have in common on the command line.
 *
 * @param name as it is typed, with that of the launcher.
 * @param args those behind it.
 * @param usage how it is used and what it does, beginning with `$0` for its name.
 * @throws ConnectorError (command_invalid), from parseAsync, when the arguments are wrong. Help that is asked for is printed.
 */
export function interactiveParser<Given extends Record<string, Options>>(
  name: string,
  args: readonly string[],
  usage: string,
  options: Given,
): Argv<InferredOptionTypes<Given>> {
  return yargs([...args])
    .scriptName(name)
    .usage(usage)
    .strict()
    .version(false)
    .exitProcess(false)
    .options(options)
    .middleware((given) => {
      // Before yargs looks for what is missing: that may be the option that is misspelt.
      const problem = findUnknownOption(Object.keys(given), Object.keys(options)) ?? findOddSwitch(args, options);
      if (problem !== undefined) throw explainInvalid(name, problem);
    }, true)
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
      throw explainInvalid(name, (message ?? error.message).replace(/\.?$/, '.'));
    });
}

function explainInvalid(name: string, problem: string): ConnectorError {
  return protocolError('command_invalid', `${problem} ${name} --help tells what it takes.`);
}

/** @param given the names of yargs, which has those of two words in two forms. */
function findUnknownOption(given: readonly string[], options: readonly string[]): string | undefined {
  const known = new Set([...options, ...options.map(toCamelCase), ...NAMES_OF_YARGS]);
  const unknown = given.find((each) => !known.has(each));
  if (unknown === undefined) return undefined;
  const near = suggestName(unknown, options);
  return `There is no option --${unknown}.${near === undefined ? '' : ` It may be misspelt: there is --${near}.`}`;
}

function toCamelCase(name: string): string {
  return name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
}

function findOddSwitch(args: readonly string[], options: Readonly<Record<string, Options>>): string | undefined {
  const switches = Object.keys(options).filter((name) => options[name]?.type === 'boolean');
  const odd = switches.find((name) =>
    args.some((arg) => arg.startsWith(`--${name}=`) && !WORDS_OF_SWITCHES.has(arg.slice(name.length + 3))),
  );
  return odd === undefined ? undefined : `--${odd} takes no value, or true or false.`;
}
