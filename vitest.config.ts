import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'sandbox/**/*.test.ts', 'integration_tests/**/*.test.ts'],
    passWithNoTests: false,
  },
});
