import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/** Packages whose tests leave nothing behind in their process, so that one process runs many files. */
const shared = ['otlp', 'trace', 'ui'].map((name) => `packages/${name}/src/**/*.test.{ts,tsx}`)

// Tests run on the sources: the `@spoor/source` condition points every package at its src/. The worker threads and child
// processes that a test starts follow the same condition through NODE_OPTIONS (see scripts/unit.mjs).
export default defineConfig({
  resolve: { conditions: ['@spoor/source'] },
  ssr: { resolve: { conditions: ['@spoor/source', 'node'], externalConditions: ['@spoor/source', 'node', 'import'] } },
  test: {
    pool: 'forks',
    // One more than there are cores, beside the end-to-end tests: tests wait for disks, threads, sockets and time-outs half of their time.
    maxWorkers: availableParallelism() + 1,
    // Some take ten seconds; a busy machine takes ten times as long.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
    projects: [
      { extends: true, test: { name: 'shared', include: shared, isolate: false } },
      {
        extends: true,
        test: {
          name: 'isolated',
          setupFiles: 'scripts/patience.mjs',
          include: [
            'packages/*/src/**/*.test.{ts,tsx}',
            'examples/*/src/**/*.test.ts',
            'bench/src/**/*.test.ts',
            'scripts/*.test.mjs',
          ],
          exclude: shared,
        },
      },
    ],
  },
})
