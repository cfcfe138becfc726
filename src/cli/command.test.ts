import { join, relative } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { commandParser, explainWrongArguments, resolveLauncher } from './command.ts';

async function parsed(...args: string[]): Promise<unknown> {
  return commandParser(
    'clickhouse-to-batch',
    'sync',
    args,
    { usage: '$0', examples: [] },
    {
      source: { type: 'string', demandOption: args.includes('x') },
      state: { type: 'string' },
      stream: { type: 'string', array: true },
      'full-refresh': { type: 'boolean', default: false },
    },
  ).parseAsync();
}

test.each([
  [
    'an option that is given twice',
    ['--state', 'a', '--state', 'b'],
    /^--state is given twice\. Run `clickhouse-to-batch sync --help`\.$/,
  ],
  ['an empty value, as from an unset shell variable', ['--state', ''], /^--state is empty\. /],
  ['a misspelt option', ['--srouce', 'x'], /^Unknown option --srouce\. Did you mean --source\? /],
  [
    'an unknown option without a suggestion',
    ['--verbose', 'x'],
    /^Unknown option --verbose\. Run `clickhouse-to-batch sync/,
  ],
  ['a misspelt option of two words', ['--ful-refresh', 'x'], /^Unknown option --ful-refresh\. .* --full-refresh\? /],
  [
    'a boolean option with another value',
    ['--full-refresh=maybe'],
    /^--full-refresh accepts only true or false, or no value\. /,
  ],
  ['a boolean option with a separate value', ['--full-refresh', 'maybe'], /^Unknown argument: maybe\. /],
  ['a missing option', ['--state', 'x'], /^Missing required argument: source\. /],
  ['an empty value among others', ['--stream', 'a', ''], /^--stream is empty\./],
])('rejects %s', async (_, args, message) => {
  await expect(parsed(...args)).rejects.toMatchObject({
    code: 'command_invalid',
    message: expect.stringMatching(message),
  });
});

test('parses repeated --stream options into a list', async () => {
  await expect(parsed('--stream', 'a', '--stream', 'b')).resolves.toMatchObject({ stream: ['a', 'b'] });
});

test.each([
  [['--full-refresh'], true],
  [['--full-refresh=true'], true],
  [['--fullRefresh'], true],
  [['--full-refresh=false'], false],
  [['--no-full-refresh'], false],
  [[], false],
])('parses the boolean option %j', async (args, fullRefresh) => {
  await expect(parsed(...args)).resolves.toMatchObject({ fullRefresh });
});

test.each([
  ['Missing command.', 'Missing command. Run `clickhouse-to-batch --help`.'],
  ['Unknown command. Did you mean sync?', 'Unknown command. Did you mean sync? Run `clickhouse-to-batch --help`.'],
  ['Missing required argument: config', 'Missing required argument: config. Run `clickhouse-to-batch --help`.'],
])('suggests --help after wrong arguments: %s', (problem, expected) => {
  expect(explainWrongArguments('clickhouse-to-batch', problem)).toMatchObject({
    code: 'command_invalid',
    message: expected,
  });
});

describe('the launcher, as the user can type it, is', () => {
  const argv = process.argv;
  afterEach(() => {
    process.argv = argv;
    vi.unstubAllEnvs();
  });

  const here = (...path: string[]): string => join(process.cwd(), ...path);
  const inModules = '/app/node_modules/.bin/clickhouse-to-batch';
  const inCache = '/root/.npm/_npx/1a2b/node_modules/.bin/clickhouse-to-batch';

  test.each<[string, string, Record<string, string>, string]>([
    ['its name, if its folder is on the PATH', '/usr/bin/connector', { PATH: '/bin:/usr/bin' }, 'connector'],
    ['its path from here', here('bin', 'connector'), { PATH: '/bin' }, join('bin', 'connector')],
    ['its whole path, if that is shorter', '/x', {}, '/x'],
    ['a path with folders above', here('..', 'bin', 'connector'), {}, join('..', 'bin', 'connector')],
    [
      'npx and its name',
      inCache,
      { npm_command: 'exec', PATH: '/root/.npm/_npx/1a2b/node_modules/.bin' },
      'npx clickhouse-to-batch',
    ],
    ['its path in a script of npm', inModules, { npm_command: 'run-script' }, shorter(inModules)],
    [
      'its path in a checkout that npx runs',
      here('bin', 'connector'),
      { npm_command: 'exec' },
      join('bin', 'connector'),
    ],
  ])('%s', (_, path, environment, expected) => {
    vi.stubEnv('PATH', '');
    vi.stubEnv('npm_command', undefined);
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    process.argv = [process.execPath, path, 'sync'];
    expect(resolveLauncher()).toBe(expected);
  });
});

function shorter(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.length < path.length ? fromHere : path;
}
