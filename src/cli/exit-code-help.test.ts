import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { listCommands } from './command-list.ts';
import { describeExitCodes, EXIT_CODE_MEANINGS } from './exit-code-help.ts';

const PAGE = readFileSync(new URL('../../docs/exit-codes.md', import.meta.url), 'utf8');

test('docs/exit-codes.md has the exit codes of every command', () => {
  const commands = listCommands({ name: 'clickhouse-to-batch', role: undefined }).map(({ name }) => name);
  const rows = commands.map((name) => {
    const { succeeded, failed, misconfigured, ...more } = EXIT_CODE_MEANINGS[name];
    const rejected = 'rowsRejected' in more ? ` ${more.rowsRejected}` : '';
    return `| \`${name}\` | ${succeeded} | ${failed} | ${misconfigured} |${rejected} |`;
  });
  expect(PAGE.split('\n').filter((line) => line.startsWith('| `'))).toEqual(rows);
});

test('describes the exit codes of a command for its help', () => {
  expect(describeExitCodes('sync')).toBe(`Exit codes:
    0  every row was accepted
    1  the run failed
    2  wrong arguments or configuration
    3  the run completed, but some rows were rejected
  130  stopped by Ctrl-C (143: by SIGTERM, 129: by SIGHUP)`);
});
