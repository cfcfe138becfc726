import { type ConnectorError, protocolError } from '../protocol/errors.ts';
import { suggestName } from '../shared/suggest.ts';
import type { Launcher } from './main.ts';

const COMMANDS_OF_BOTH = ['explain', 'spec', 'check', 'discover'];

/**
 * What is wrong with the arguments of a launcher.
 *
 * @param problem in the words of yargs.
 * @param first of the arguments: the command, if it is one.
 * @param isForPerson whether a person is told, and not a platform, whose words stay as they are.
 */
export function explainWrongArguments(
  { name, role }: Launcher,
  problem: string,
  first: string | undefined,
  isForPerson: boolean,
): ConnectorError {
  const sentence = problem.replace(/\.?$/, '.');
  if (!isForPerson) return protocolError('command_invalid', `${sentence} See ${name} --help.`);
  const commands = listCommands(role);
  if (first !== undefined && commands.includes(first)) {
    return protocolError('command_invalid', `${sentence} ${name} ${first} --help tells what it takes.`);
  }
  const near = first === undefined ? undefined : suggestName(first, commands);
  const proposal = near === undefined ? '' : ` It may be misspelt: there is "${near}".`;
  return protocolError('command_invalid', `${sentence}${proposal} ${name} --help lists all.`);
}

function listCommands(role: Launcher['role']): string[] {
  switch (role) {
    case 'source':
      return ['read', ...COMMANDS_OF_BOTH];
    case 'destination':
      return ['write', ...COMMANDS_OF_BOTH];
    default:
      return ['init', 'preview', 'sync', 'read', 'write', ...COMMANDS_OF_BOTH];
  }
}
