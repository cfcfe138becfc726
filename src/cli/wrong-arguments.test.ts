import { expect, test } from 'vitest';
import { explainWrongArguments } from './wrong-arguments.ts';

test.each([
  [
    'connector',
    undefined,
    'snyc',
    'Unknown argument: snyc. It may be misspelt: there is "sync". connector --help lists all.',
  ],
  ['connector', undefined, 'intermezzo', 'Unknown argument: intermezzo. connector --help lists all.'],
  [
    'source-clickhouse',
    'source',
    'raed',
    'Unknown argument: raed. It may be misspelt: there is "read". source-clickhouse --help lists all.',
  ],
  ['source-clickhouse', 'source', 'wriet', 'Unknown argument: wriet. source-clickhouse --help lists all.'],
] as const)('%s (%s) %s, in a terminal', (name, role, first, expected) => {
  expect(explainWrongArguments({ name, role }, `Unknown argument: ${first}`, first, true)).toMatchObject({
    code: 'command_invalid',
    message: expected,
  });
});

test('without a command, or with a right one, no other is proposed', () => {
  const launcher = { name: 'connector', role: undefined };
  expect(explainWrongArguments(launcher, 'Name a command.', undefined, true).message).toBe(
    'Name a command. connector --help lists all.',
  );
  expect(explainWrongArguments(launcher, 'Missing required argument: config', 'check', true).message).toBe(
    'Missing required argument: config. connector check --help tells what it takes.',
  );
});

test('a platform is told as ever', () => {
  const failure = explainWrongArguments(
    { name: 'connector', role: undefined },
    'Unknown argument: snyc',
    'snyc',
    false,
  );
  expect(failure.message).toBe('Unknown argument: snyc. See connector --help.');
});
