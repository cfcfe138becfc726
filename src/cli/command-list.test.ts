import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import type { Launcher } from './command.ts';
import { listCommands } from './command-list.ts';
import { complete } from './completion.ts';

const LAUNCHER: Launcher = { name: 'clickhouse-to-batch', role: undefined };

let printed: string[];

// Each command listens for errors of stdout, and here all of them run in one process.
const listeners = process.stdout.getMaxListeners();
beforeAll(() => process.stdout.setMaxListeners(0));
afterAll(() => process.stdout.setMaxListeners(listeners));

beforeEach(() => {
  printed = [];
  // yargs prints with it.
  vi.spyOn(console, 'log').mockImplementation((text: string) => void printed.push(text));
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  process.exitCode = undefined;
});

test.each([
  [undefined, ['init', 'preview', 'sync', 'status', 'retry', 'read', 'write'], []],
  ['source', ['read'], ['sync', 'write']],
  ['destination', ['write'], ['sync', 'read']],
] as const)('lists the commands of the role %s', (role, offered, missing) => {
  const names = listCommands({ name: 'x', role }).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['spec', 'check', 'discover', 'explain', ...offered]));
  expect(names.filter((name) => missing.some((each) => each === name))).toEqual([]);
});

test.each(listCommands(LAUNCHER))('the help of $name has examples with options that it has', async ({ name, load }) => {
  const { options, run } = await load();
  await run(LAUNCHER, ['--help']);
  const [, examples = ''] = /^Examples:\n(.+?)\n\nExit codes:\n +0 /ms.exec(printed.join('\n')) ?? [];
  const known = Object.keys(options(LAUNCHER));
  for (const command of examples.replaceAll(/ \\\n +/g, ' ').split('\n')) {
    expect(command).toMatch(new RegExp(`^ {2}clickhouse-to-batch ${name}( |$)`));
    for (const [, option] of command.matchAll(/ --([\w-]+)/g)) expect(known).toContain(option);
  }
});

test.each(['spec', 'check', 'discover', 'read', 'write'])(
  '%s accepts --debug, as Airbyte’s own connectors do',
  async (name) => {
    const command = listCommands(LAUNCHER).find((each) => each.name === name);
    expect((await command?.load())?.options(LAUNCHER)).toHaveProperty('debug');
  },
);

test.each([
  ['a command', ['sta'], ['status']],
  ['the commands of the launcher', ['re'], ['retry', 'read']],
  ['an option', ['sync', '--cr'], ['--cron']],
  ['an option after others', ['sync', '--source', 'x', '--limit', '--desti'], ['--destination']],
  ['the values of an option', ['spec', '--role', 'd'], ['destination']],
  ['a code', ['explain', 'clickhouse_b'], ['clickhouse_busy']],
])('completes %s', async (_, typed, expected) => {
  await complete(LAUNCHER, ['--get-yargs-completions', LAUNCHER.name, ...typed]);
  expect(printed.filter((each) => each.startsWith(typed.at(-1) ?? ''))).toEqual(expected);
});

test.each([
  ['bash', 'complete -o bashdefault'],
  ['zsh', '#compdef clickhouse-to-batch'],
  ['fish', 'complete -f -c clickhouse-to-batch'],
])('prints a completion script for %s', async (shell, expected) => {
  vi.stubEnv('SHELL', `/bin/${shell}`);
  await complete(LAUNCHER, ['completion']);
  expect(printed.join('\n')).toContain(expected);
});
