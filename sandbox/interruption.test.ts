import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';

const program = `
  import { waitForAbort, abortOnInterrupt } from ${JSON.stringify(new URL('./interruption.ts', import.meta.url).href)};
  const interrupted = abortOnInterrupt();
  process.stdin.resume();
  console.log('runs');
  await waitForAbort(interrupted);
  await waitForAbort(interrupted);
  console.log('cleans up');
  process.stdin.once('end', () => console.log('is clean'));
`;

test.each(['SIGINT', 'SIGTERM'] as const)(
  '%s aborts the signal, and a second one does not interrupt the cleanup',
  async (signal) => {
    const args = ['--import', import.meta.resolve('tsx'), '--input-type=module', '--eval', program];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('runs');
    child.kill(signal);
    expect((await lines.next()).value).toBe('cleans up');
    child.kill(signal);
    child.stdin.end();
    expect((await lines.next()).value).toBe('is clean');
    if (child.exitCode === null) await once(child, 'exit');
    expect(child.exitCode).toBe(0);
  },
);
