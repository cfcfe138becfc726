import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { finished, type LauncherName, launcherPath, run } from '../../sandbox/launcher.ts';
import { VERSION } from '../../src/shared/package.ts';
import { errors, temporaryFiles } from '../support/support.ts';

const file = temporaryFiles();
const source = (): string => file('source.json', { host: '127.0.0.1', port: 1 });
const destination = (): string =>
  file('destination.json', { project_key: 'p', rest_api_key: 'k', api_url: 'http://127.0.0.1:1' });

function documentation(spec: unknown): string {
  return JSON.stringify(spec);
}

describe('the launcher for both connectors', () => {
  test.each([
    ['--role source', ['--role', 'source'], {}, 'source-clickhouse.md'],
    ['--role destination', ['--role', 'destination'], {}, 'destination-batch.md'],
    ['--role, with --debug and --config', ['--role', 'source', '--debug', '--config', 'x'], {}, 'source-clickhouse.md'],
    ['CONNECTOR_ROLE=source', [], { CONNECTOR_ROLE: 'source' }, 'source-clickhouse.md'],
    ['CONNECTOR_ROLE=destination', [], { CONNECTOR_ROLE: 'destination' }, 'destination-batch.md'],
    [
      '--role, which takes precedence over CONNECTOR_ROLE',
      ['--role', 'source'],
      { CONNECTOR_ROLE: 'destination' },
      'source-clickhouse.md',
    ],
  ])('spec takes the role from %s', async (_, args, env, expected) => {
    const { code, messages } = await run('connector', ['spec', ...args], { env });
    expect(code).toBe(0);
    expect(documentation(messages[0]?.spec)).toContain(expected);
  });

  test.each([
    ['no role', {}, /no role was given.*--role.*CONNECTOR_ROLE/],
    ['an unknown role', { CONNECTOR_ROLE: 'both' }, /CONNECTOR_ROLE is "both"/],
  ])('spec reports a config_error when it is given %s', async (_, env, expected) => {
    const result = await run('connector', ['spec'], { env });
    expect(result.code).toBe(2);
    expect(errors(result)).toMatchObject([{ failure_type: 'config_error', message: expect.stringMatching(expected) }]);
  });

  test('check chooses the connector by the keys of the configuration', async () => {
    const [ofSource, ofDestination] = await Promise.all(
      [source(), destination()].map((config) => run('connector', ['check', '--config', config])),
    );
    expect(ofSource?.messages[0]?.connectionStatus?.message).toContain('HTTP is 8123');
    expect(ofDestination?.messages[0]?.connectionStatus?.message).toContain('api_url');
  });

  test('check replaces references, unless a platform starts it', async () => {
    const config = file('destination.json', {
      project_key: 'p',
      rest_api_key: '${file:/no/such/key}',
      api_url: 'http://127.0.0.1:1',
    });
    const check = async (name: LauncherName, env: Record<string, string> = {}): Promise<string> =>
      JSON.stringify((await run(name, ['check', '--config', config], { env })).messages);
    expect(await check('connector')).toContain('rest_api_key refers to the file /no/such/key, which can');
    expect(await check('connector', { CONNECTOR_ROLE: 'destination' })).toContain('Check api_url');
    expect(await check('destination-batch')).toContain('Check api_url');
  });

  test.each([
    ['of neither', { user: 'x' }, /for neither connector/],
    ['of both', { host: 'h', project_key: 'p' }, /for both connectors/],
  ])('a configuration %s is refused', async (_, content, expected) => {
    const result = await run('connector', ['check', '--config', file('odd.json', content)]);
    expect(JSON.stringify(result.messages)).toMatch(expected);
  });

  test('has both read and write', async () => {
    const { stdout } = await run('connector', ['--help']);
    expect(stdout).toMatch(/^ {2}read .*\n {2}write /m);
  });
});

describe('wrong arguments are a config_error with exit code 2', () => {
  test.each<[LauncherName, string[], RegExp]>([
    ['source-clickhouse', ['raed'], /Unknown command raed. Did you mean read\?/],
    ['connector', ['syn'], /Unknown command syn. Did you mean sync\?/],
    ['source-clickhouse', ['write'], /Unknown command write. Run `source-clickhouse --help`/],
    ['source-clickhouse', ['intermezzo'], /Unknown command intermezzo. Run/],
    ['destination-batch', ['read'], /Unknown command read. Run/],
    ['destination-batch', ['--verison'], /Unknown option --verison. Run/],
    ['source-clickhouse', ['check'], /Missing required argument: config/],
    ['source-clickhouse', ['check', '--config'], /config/],
    ['source-clickhouse', ['check', '--config', 'x', '--password', 'hunter2'], /Unknown option --password/],
    ['source-clickhouse', ['read', '--confg', 'x'], /Unknown option --confg. Did you mean --config\?/],
    ['connector', ['spec'], /no role was given/],
    ['connector', ['explain', 'table_missing', 'x'], /Too many arguments: pass only one code\. Run/],
    ['destination-batch', ['write', '--config', 'x'], /Missing required argument: catalog/],
  ])('%s %j', async (name, args, expected) => {
    const result = await run(name, args);
    expect(result.code).toBe(2);
    expect(errors(result)).toMatchObject([{ failure_type: 'config_error', message: expect.stringMatching(expected) }]);
    expect(result.stderr).toBe('');
    expect(result.stdout).not.toContain('hunter2');
  });
});

// From util-linux: runs a command in its own terminal. The one of macOS accepts different arguments.
test.runIf(process.platform === 'linux' && existsSync('/usr/bin/script'))(
  'wrong arguments in a terminal are reported in plain text on stderr',
  async () => {
    const stderr = file('stderr', '');
    const command = `'${launcherPath('connector')}' snyc 2> '${stderr}'`;
    const { code, stdout } = await finished(spawn('/usr/bin/script', ['-qec', command, '/dev/null']));
    expect([code, stdout]).toEqual([2, '']);
    expect(readFileSync(stderr, 'utf8')).toMatch(
      /^Unknown command snyc\. Did you mean sync\? Run `connector --help`\. See \S+\n$/,
    );
  },
);

test.each<LauncherName>(['source-clickhouse', 'destination-batch', 'connector'])(
  '%s --help lists its commands',
  async (name) => {
    const { code, stdout } = await run(name, ['--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/check[\s\S]*spec[\s\S]*discover/);
  },
);

test('prints the help on stderr when there are no arguments, with exit code 2', async () => {
  const [bare, asked] = await Promise.all([run('destination-batch', []), run('destination-batch', ['--help'])]);
  expect(bare).toMatchObject({ code: 2, stdout: '', stderr: asked.stdout });
});

test('prints the version', async () => {
  const { code, stdout } = await run('source-clickhouse', ['-v']);
  expect([code, stdout]).toEqual([0, `${VERSION}\n`]);
});

test('prints a script for shell completion, and completes commands for it', async () => {
  const { stdout: script } = await run('clickhouse-to-batch', ['completion'], { env: { SHELL: '/bin/bash' } });
  expect(script).toContain('clickhouse-to-batch --get-yargs-completions');
  const typed = ['--get-yargs-completions', 'clickhouse-to-batch', 'sta'];
  const { code, stdout } = await run('clickhouse-to-batch', typed);
  expect([code, stdout.split('\n')]).toEqual([0, expect.arrayContaining(['status'])]);
});

describe('explain', () => {
  test.each<LauncherName>(['connector', 'source-clickhouse', 'destination-batch'])(
    '%s prints the page of a code',
    async (name) => {
      const page = readFileSync(new URL('../../docs/troubleshooting/table_missing.md', import.meta.url), 'utf8');
      const { code, stdout, stderr } = await run(name, ['explain', 'table_missing']);
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: page, stderr: '' });
    },
  );

  test('lists all codes', async () => {
    const { code, stdout } = await run('connector', ['explain']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^## Errors of Batch\n\n {2}batch_address_wrong /m);
  });

  test('suggests similar codes for an unknown code, and fails', async () => {
    const { code, stdout, stderr } = await run('connector', ['explain', 'tabel_missing']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Unknown code "tabel_missing"\..+: table_missing, /);
  });
});

test("no command loads ICU's tables at its start", async () => {
  const costly = 'Intl.Segmenter = Intl.NumberFormat = function () { throw new Error("ICU was loaded"); };';
  const result = await run('source-clickhouse', ['spec'], {
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(costly)}` },
  });
  expect(result.stderr).toBe('');
  expect(result.code).toBe(0);
});
