import { defineConfig } from 'vitest/config'

// End-to-end tests run the built programs as a user has them, one file after the other: they start whole worlds on a machine of two cores.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['src/**/*.e2e.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 180_000,
  },
})
