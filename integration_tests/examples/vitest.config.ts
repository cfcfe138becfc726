import { defineConfig } from 'vitest/config';

/** Apart from the other tests: these install Airflow and Dagster, hundreds of megabytes. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    hookTimeout: 600_000,
    testTimeout: 300_000,
    // It imports JSON in a way that Node doesn't support.
    server: { deps: { inline: ['@actions/workflow-parser', '@actions/expressions'] } },
  },
});
