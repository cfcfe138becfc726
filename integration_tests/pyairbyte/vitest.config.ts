import { defineConfig } from 'vitest/config';

/** Apart from the other tests: these need Python, and install hundreds of megabytes. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    globalSetup: '../support/global-setup.ts',
    // To import PyAirbyte takes seconds, and the first time, when nothing is compiled, some tens of them.
    hookTimeout: 600_000,
    testTimeout: 600_000,
    // Each test waits for a Python of its own.
    maxConcurrency: 3,
  },
});
