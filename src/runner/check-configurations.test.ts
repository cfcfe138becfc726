import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { forgetSecrets } from '../protocol/secrets.ts';
import { checkConfiguration, checkConfigurations } from './check-configurations.ts';

const SOURCE = { host: 'localhost', password: '${PASSWORD}' };
const DESTINATION = { project_key: 'project_1', rest_api_key: 'k', retry_minutes: 5 };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'check-configurations-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(forgetSecrets);

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

/** Returns the message with which the check fails, without the folder, and the warnings before it. */
async function problemsOf(source: unknown, destination: unknown): Promise<string[]> {
  const warnings: string[] = [];
  const warn = (role: string, message: string): void => void warnings.push(`${role}: ${message}`);
  const paths = { source: file('s.json', source), destination: file('d.json', destination) };
  const message = await checkConfigurations(paths, { environment: { PASSWORD: 'hunter2' }, warn }).then(
    () => 'none',
    (error: Error) => error.message,
  );
  return [...warnings, message].map((text) => text.replaceAll(`${folder}/`, ''));
}

test('accepts configurations that their specifications allow, also with keys of a platform', async () => {
  expect(await problemsOf(SOURCE, { ...DESTINATION, __injected: {} })).toEqual(['none']);
});

describe('reports in the words of the connector', () => {
  test.each<[string, unknown, unknown, string]>([
    [
      'an option of another type',
      { ...SOURCE, port: '8123' },
      DESTINATION,
      'The configuration in s.json is not usable: port must be a number, without quotes: 8123.',
    ],
    [
      'the mistakes of both configurations',
      { ...SOURCE, ssl: 'yes' },
      { project_key: 'p' },
      'The configuration in s.json is not usable: ssl must be true or false. The configuration in d.json is not usable: rest_api_key is missing.',
    ],
    [
      'a contradiction that no specification can express',
      SOURCE,
      { ...DESTINATION, mapping: { constant_event_name: 'a', event_name_column: 'b' } },
      'The configuration in d.json is not usable: mapping.constant_event_name contradicts event_name_column. Set only one of the two: a name for all rows, or a column.',
    ],
    ['what is not an object', [], DESTINATION, 'The configuration in s.json is not usable: it must be an object.'],
    [
      'a variable that is not set',
      { host: '${HOST}' },
      DESTINATION,
      'The configuration in s.json is not usable: host refers to the environment variable HOST, which is not set. Set each variable in the environment of this command, for example with export NAME=….',
    ],
  ])('%s', async (_, source, destination, message) => {
    expect(await problemsOf(source, destination)).toEqual([message]);
  });

  test('a misspelt option, if the check fails', async () => {
    expect(await problemsOf(SOURCE, { project_key: 'p', rest_api_kye: 'hunter2' })).toEqual([
      'The configuration in d.json is not usable: it has no option "rest_api_kye" (did you mean "rest_api_key"?); rest_api_key is missing.',
    ]);
  });

  test('a configuration of the other connector', async () => {
    const [message] = await problemsOf(DESTINATION, SOURCE);
    expect(message).toMatch(
      /^d\.json|^s\.json is the configuration of a destination\. --source needs .* with "host"\./,
    );
    expect(message).toMatch(/d\.json is the configuration of a source\. --destination needs .*"project_key" and /);
  });
});

test('checks a configuration that is not in a file, and uses its name in messages', async () => {
  const checking = (host: unknown): Promise<void> =>
    checkConfiguration('source', { name: 'your answers', value: { host } }, { environment: {}, warn: () => {} });
  // The specification can't say that a host has no spaces; the source checks that itself.
  await expect(checking('a b')).resolves.toBeUndefined();
  await expect(checking(7)).rejects.toMatchObject({
    failureType: 'config_error',
    message: 'The configuration in your answers is not usable: host must be a string.',
  });
});
