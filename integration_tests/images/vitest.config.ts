import { defineConfig } from 'vitest/config';

/** Apart from the other tests: these need Docker or Podman, and build three images. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    // The first build installs the packages.
    hookTimeout: 900_000,
    testTimeout: 120_000,
  },
});
