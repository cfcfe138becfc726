import { afterEach, expect, test, vi } from 'vitest';
import { protocolError } from '../protocol/errors.ts';
import { forgetSecrets, registerSecrets } from '../protocol/secrets.ts';
import { runInteractive } from './run-interactive.ts';

afterEach(() => {
  forgetSecrets();
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

const SECRET = 'key-of-mine';

/** What stands on stderr after a command that failed. */
async function told(failure: Error): Promise<string> {
  let text = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  await runInteractive(async () => {
    throw failure;
  });
  return text;
}

test('a fault of ours is told with its stack, for who reports it, and without secrets', async () => {
  registerSecrets([SECRET]);
  expect(await told(new TypeError(`${SECRET} is odd`))).toMatch(
    /^Unexpected fault .*: \*{4} is odd\. See .*unexpected_fault\.md\nTypeError: \*{4} is odd\n {4}at /,
  );
  expect(process.exitCode).toBe(1);
});

test('what a person did is told in a sentence', async () => {
  expect(await told(protocolError('command_invalid', 'That is no command.'))).toMatch(
    /^That is no command\. See \S+\n$/,
  );
  expect(process.exitCode).toBe(2);
});
