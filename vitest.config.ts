import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // The integration tests mostly wait for other processes: on two cores, two of them at a time take half as long.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts', 'sandbox/**/*.test.ts'] } },
      {
        test: {
          name: 'integration',
          include: ['integration_tests/**/*.test.ts'],
          globalSetup: 'integration_tests/global_setup.ts',
          // A ClickHouse server takes seconds to start, and a launcher some tenths of one.
          hookTimeout: 120_000,
          testTimeout: 120_000,
        },
      },
    ],
  },
});
