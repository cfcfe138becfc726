import { defineConfig } from 'vitest/config';

/** Apart from the other tests: these need Python, and install hundreds of megabytes. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    globalSetup: '../support/global-setup.ts',
    // Importing Airbyte's tools takes seconds; the first time, when nothing is compiled, it takes a minute.
    hookTimeout: 600_000,
    testTimeout: 600_000,
  },
});
