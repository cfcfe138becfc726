import { join } from 'node:path';
import { defineConfig } from 'rolldown';
import license from 'rollup-plugin-license';

/** See build/string-width.js. What is required, not imported, stays what it is: by that file, and an older one by cli-progress. */
const quickStringWidth = {
  name: 'quick-string-width',
  resolveId(source, _importer, { kind }) {
    if (source === 'string-width' && kind === 'import-statement') {
      return join(import.meta.dirname, 'build/string-width.js');
    }
  },
};

/** Of http-proxy-agent. With DEBUG in the environment it would print the headers of requests, and the password in them. */
const silentDebug = {
  name: 'silent-debug',
  resolveId: (source) => (source === 'debug' ? '\0silent-debug' : undefined),
  load: (id) => (id === '\0silent-debug' ? 'export default () => () => {};' : undefined),
};

/** One file a command instead of some hundreds: what Node spends on finding and reading modules is most of a start. */
export default defineConfig({
  input: 'src/cli/main.ts',
  platform: 'node',
  // The parts of ssh2 in C++ would have to be compiled on each machine: without them it asks Node's own cryptography.
  // kerberos is for proxies that ask for it, which http-proxy-agent does only when it is asked to.
  external: ['cpu-features', 'kerberos', /\.node$/],
  // The main file of jsonc-parser requires its parts in a way that can't be bundled.
  resolve: { alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' } },
  output: { dir: 'dist/cli', format: 'esm' },
  // What others wrote is in the bundle, and asks for its licence to be handed on with it.
  plugins: [quickStringWidth, silentDebug, license({ thirdParty: { output: 'dist/third-party-licences.txt' } })],
  logLevel: 'warn',
});
