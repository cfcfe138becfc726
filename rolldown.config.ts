import { defineConfig } from 'rolldown';

/** One file a command instead of some hundreds: what Node spends on finding and reading modules is most of a start. */
export default defineConfig({
  input: 'src/cli/command-line.ts',
  platform: 'node',
  // It has a part in C++, is large, and is loaded only when a tunnel is asked for.
  external: ['ssh2'],
  output: { dir: 'dist/cli', format: 'esm' },
  logLevel: 'warn',
});
