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

/** Runs a command that fails, and returns its stderr. */
async function readStderr(failure: Error): Promise<string> {
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

test('prints an unexpected error with its stack and without secrets', async () => {
  registerSecrets([SECRET]);
  expect(await readStderr(new TypeError(`${SECRET} is odd`))).toMatch(
    /^Unexpected error .*: \*{4} is odd\. See .*unexpected_fault\.md\nTypeError: \*{4} is odd\n {4}at /,
  );
  expect(process.exitCode).toBe(1);
});

test('prints a config_error as one sentence', async () => {
  expect(await readStderr(protocolError('command_invalid', 'That is not a command.'))).toMatch(
    /^That is not a command\. See \S+\n$/,
  );
  expect(process.exitCode).toBe(2);
});
