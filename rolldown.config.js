import { join } from 'node:path';
import { defineConfig } from 'rolldown';
import license from 'rollup-plugin-license';
import { compiledValidators } from './build/compiled-validators.js';

/** See build/string-width.js. A require() still gets the package: that of build/string-width.js. */
const quickStringWidth = {
  name: 'quick-string-width',
  resolveId(source, _importer, { kind }) {
    if (source === 'string-width' && kind === 'import-statement') {
      return join(import.meta.dirname, 'build/string-width.js');
    }
  },
};

/** See build/undici.js. */
const smallUndici = {
  name: 'small-undici',
  resolveId: (source) => (source === 'undici' ? join(import.meta.dirname, 'build/undici.js') : undefined),
};

/** A dependency of http-proxy-agent. With DEBUG in the environment, it would print the headers of requests, including passwords. */
const silentDebug = {
  name: 'silent-debug',
  resolveId: (source) => (source === 'debug' ? '\0silent-debug' : undefined),
  load: (id) => (id === '\0silent-debug' ? 'export default () => () => {};' : undefined),
};

/** Bundles hundreds of modules into a few files: finding and reading modules is most of the time of a start. */
export default defineConfig({
  input: 'src/cli/main.ts',
  platform: 'node',
  // The C++ parts of ssh2 would have to be compiled on each machine; without them it uses Node's cryptography. http-proxy-agent
  // needs kerberos only for an option that is not used here.
  external: ['cpu-features', 'kerberos', /\.node$/],
  // The main file of jsonc-parser requires its parts in a way that can't be bundled.
  resolve: { alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' } },
  output: { dir: 'dist/cli', format: 'esm' },
  // The licences of the packages in the bundle, which they require to be distributed with it.
  plugins: [
    quickStringWidth,
    smallUndici,
    silentDebug,
    compiledValidators,
    license({ thirdParty: { output: 'dist/third-party-licences.txt' } }),
  ],
  logLevel: 'warn',
});
