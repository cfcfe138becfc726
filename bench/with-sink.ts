import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Runs a sink (see sink.ts) while a function uses it. */
export async function withSink<T>(silentSeconds: number, use: (url: string) => Promise<T>): Promise<T> {
  const sink = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('sink.ts', import.meta.url)), String(silentSeconds)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const [address] = await once(sink.stdout, 'data');
    return await use(String(address).trim());
  } finally {
    sink.kill();
  }
}
