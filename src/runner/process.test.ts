import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ConnectorProcess } from './process.ts';

const SEEN = `Can't start the process for "read": `;

/** Runs code with `start` in another process, after a command of the shell. Returns what it prints. */
function runApart(shell: string, code: string): string {
  const program = `
    import childProcess from 'node:child_process';
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    import { ConnectorProcess } from ${JSON.stringify(new URL('./process.ts', import.meta.url).href)};
    const start = () =>
      ConnectorProcess.start([process.execPath, '--eval', '1', '--'], { args: ['read'] }).then(
        (started) => started.ended,
        ({ code, failureType, message }) => ({ code, failureType, message }),
      );
    ${code}
  `;
  const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '--eval', program];
  return execFileSync('/bin/sh', ['-c', `${shell}; exec "$@"`, 'sh', process.execPath, ...args], { encoding: 'utf8' });
}

test('explains a process without pipes: the limit on open files is too low', () => {
  const printed = runApart(
    'ulimit -n 64',
    `
    const opened = [];
    try {
      for (;;) opened.push(fs.openSync('/dev/null'));
    } catch {}
    const failed = await start();
    for (const descriptor of opened) fs.closeSync(descriptor);
    console.log(JSON.stringify([failed, await start()]));
    `,
  );
  const message = `${SEEN}too many open files. The limit on open files is likely too low. Raise it (ulimit -n), and try again.`;
  expect(JSON.parse(printed)).toEqual([
    { code: 'connector_not_started', failureType: 'transient_error', message },
    { code: 0, signal: null },
  ]);
});

test('explains an error that spawn throws: there is too little memory', () => {
  const printed = runApart(
    ':',
    `
    childProcess.spawn = () => {
      throw Object.assign(new Error('spawn ENOMEM'), { errno: -12, code: 'ENOMEM' });
    };
    syncBuiltinESMExports();
    console.log(JSON.stringify(await start()));
    `,
  );
  const message = `${SEEN}not enough memory. The machine may have too little memory or too many processes. Stop other programs, and try again.`;
  expect(JSON.parse(printed)).toEqual({ code: 'connector_not_started', failureType: 'transient_error', message });
  const page = new URL('../../docs/troubleshooting/connector_not_started.md', import.meta.url);
  expect(readFileSync(page, 'utf8').replaceAll('\n> ', ' ')).toContain(message);
});

test('explains that the program was removed', async () => {
  const started = ConnectorProcess.start(['/nowhere/node'], { args: ['read'] });
  const message = `${SEEN}no such file or directory. An update may have removed the program. Start the sync again.`;
  await expect(started).rejects.toMatchObject({ code: 'connector_not_started', message });
});
