import { expect, test } from 'vitest';
import { asConnectorError } from '../../protocol/errors.ts';
import { syncError } from '../../runner/errors.ts';
import { JsonReporter } from './json-reporter.ts';

test('reports the stack of an unexpected error, but not of a config_error', () => {
  const written: string[] = [];
  const events = new JsonReporter(
    (text) => written.push(text),
    () => 0,
  );
  events.failed(asConnectorError(new TypeError('x is not a function')));
  events.failed(syncError('stream_unknown', 'There is no such stream.'));
  const [fault, mistake] = written.map((line): Record<string, unknown> => JSON.parse(line));
  expect(fault).toMatchObject({
    code: 'unexpected_fault',
    stack_trace: expect.stringMatching(/^TypeError: .*\n {4}at /),
  });
  expect(Object.keys(mistake ?? {})).toEqual(['event', 'at', 'code', 'failure_type', 'message', 'help']);
});
