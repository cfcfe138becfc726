import { expect, test } from 'vitest';
import { personParser } from './person-parser.ts';

async function parsed(...args: string[]): Promise<unknown> {
  return personParser('connector sync', args, '$0')
    .option('state', { type: 'string' })
    .option('stream', { type: 'string', array: true })
    .parseAsync();
}

test.each([
  ['an option twice', ['--state', 'a', '--state', 'b'], /^--state is given twice\. See connector sync --help/],
  [
    'an empty value, as of a variable that is not set',
    ['--state', ''],
    /^--state is empty\. See connector sync --help/,
  ],
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
