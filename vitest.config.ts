import { availableParallelism } from 'node:os';
import { relative } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Node reads it at each start, which doubles the time of a start: 40 ms, hundreds of times.
// No test leaves this machine.
delete process.env.NODE_EXTRA_CA_CERTS;

/** The slowest files, slowest first. One that started last would run by itself at the end, on one core. */
const LONGEST = [
  'source/faults',
  'source/late-rows',
  'sync/command',
  'sync/pipe',
  'sync/init-preview',
  'packaging/kubernetes-pods',
  'source/ssh-tunnel',
  'docs/blocks',
  'source/server-limits',
  'destination/random-rows',
  'destination/rejected-rows',
  'destination/batch-rules',
  'chaos/rounds',
  'source/large-table',
  'source/streams',
  'protocol/destination',
  'protocol/source',
  'messages/usual-mistakes',
  'types/cursor-types',
  'source/check',
  'destination/fuzz-input',
  'source/queries',
  'source/tie-group',
  'sync/proxy',
  'source/tls',
  'sync/state-in-s3',
  'packaging/npm',
  'source/resume',
  'cli/fuzz-files',
  'cli/command-line',
  'destination/write',
  'types/any-type',
  'destination/retry',
  'source/full-refresh',
  'source/settings',
  'source/cancel',
  'docs/troubleshooting',
  'source/names',
  'types/column-types',
].map((name) => `integration_tests/${name}.test.ts`);

/** Not by what the last run has measured, as the default is: after a fresh checkout there is none. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId, project }: TestSpecification): number => {
      const index = LONGEST.indexOf(relative(this.ctx.config.root, moduleId));
      if (index !== -1) return index;
      // Vitest ends a worker before a file of another project. The next worker has to load all modules and start a ClickHouse again.
      return project.name === 'integration' ? LONGEST.length : LONGEST.length + 1;
    };
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b));
  }
}

/** Tests that need their own process: they mock a module, measure the garbage collector, or must not start last. */
const APART = [
  'src/source-clickhouse/client/ssh-tunnel.test.ts',
  'src/source-clickhouse/pages/fetch-pages.test.ts',
  'src/source-clickhouse/read/stream-reader.test.ts',
];

export default defineConfig({
  test: {
    // The integration tests mostly wait for other processes: on two cores, six of them at a time keep both busy.
    maxWorkers: Math.max(6, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['src/**/*.test.ts', 'sandbox/**/*.test.ts'],
          exclude: APART,
          setupFiles: 'integration_tests/support/forget-secrets.ts',
          // A process for each of these small files would spend more on loading modules than on the tests.
          isolate: false,
          testTimeout: 30_000,
        },
      },
      { test: { name: 'apart', include: APART, testTimeout: 30_000 } },
      {
        test: {
          name: 'integration',
          include: ['integration_tests/**/*.test.ts'],
          exclude: [
            'integration_tests/{airbyte,examples,images,pyairbyte}/**',
            // The other tests of the source cover what these ask of the default version, in more detail.
            ...(process.env.CLICKHOUSE_ENGINE === undefined ? ['integration_tests/versions/**'] : []),
          ],
          globalSetup: 'integration_tests/support/global-setup.ts',
          isolate: false,
          // A ClickHouse server takes seconds to start, and a launcher some tenths of one.
          hookTimeout: 120_000,
          testTimeout: 120_000,
        },
      },
    ],
  },
});
