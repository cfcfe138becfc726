import { expect, test } from 'vitest';
import { explainWrongArguments, interactiveParser, rowLimit } from './arguments.ts';

async function parsed(...args: string[]): Promise<unknown> {
  return interactiveParser('connector sync', args, '$0', {
    source: { type: 'string', demandOption: args.includes('x') },
    state: { type: 'string' },
    stream: { type: 'string', array: true },
    'full-refresh': { type: 'boolean', default: false },
  }).parseAsync();
}

test.each([
  ['an option twice', ['--state', 'a', '--state', 'b'], /^--state is given twice\. Run `connector sync --help`\.$/],
  ['an empty value, as of a variable that is not set', ['--state', ''], /^--state is empty\. /],
  [
    'an option that is misspelt',
    ['--srouce', 'x'],
    /^There is no option --srouce\. It may be misspelt: there is --source\. /,
  ],
  ['an option that is none, and like none', ['--verbose', 'x'], /^There is no option --verbose\. Run `connector sync/],
  [
    'a misspelt option of two words',
    ['--ful-refresh', 'x'],
    /^There is no option --ful-refresh\. .* --full-refresh\. /,
  ],
  [
    'a word that is neither yes nor no',
    ['--full-refresh=maybe'],
    /^--full-refresh takes no value, or true or false\. /,
  ],
  ['a value that stands apart', ['--full-refresh', 'maybe'], /^Unknown argument: maybe\. /],
  ['an option that is missing', ['--state', 'x'], /^Missing required argument: source\. /],
  ['an empty value among others', ['--stream', 'a', ''], /^--stream is empty\./],
])('%s is refused', async (_, args, message) => {
  await expect(parsed(...args)).rejects.toMatchObject({
    code: 'command_invalid',
    message: expect.stringMatching(message),
  });
});

test('several streams are a list', async () => {
  await expect(parsed('--stream', 'a', '--stream', 'b')).resolves.toMatchObject({ stream: ['a', 'b'] });
});

test.each([
  [['--full-refresh'], true],
  [['--full-refresh=true'], true],
  [['--fullRefresh'], true],
  [['--full-refresh=false'], false],
  [['--no-full-refresh'], false],
  [[], false],
])('%j sets what is on or off', async (args, fullRefresh) => {
  await expect(parsed(...args)).resolves.toMatchObject({ fullRefresh });
});

test.each([
  ['1', 1],
  ['250000', 250_000],
  ['999999999999999', 999_999_999_999_999],
  [undefined, undefined],
])('%s is a limit', (text, expected) => {
  expect(rowLimit.coerce(text)).toBe(expected);
});

// Given twice, it comes as a list.
test.each(['0', '-1', '1.5', '1e3', 'many', '', '9999999999999999', ['1', '2']])('%j is none', (text) => {
  expect(() => rowLimit.coerce(text)).toThrow(/--limit takes one whole number of rows/);
});

test.each([
  ['Missing command.', 'Missing command. Run `connector --help`.'],
  [
    'There is no such command. Did you mean sync?',
    'There is no such command. Did you mean sync? Run `connector --help`.',
  ],
  ['Missing required argument: config', 'Missing required argument: config. Run `connector --help`.'],
])('wrong arguments lead to the help: %s', (problem, expected) => {
  expect(explainWrongArguments('connector', problem)).toMatchObject({ code: 'command_invalid', message: expected });
});
