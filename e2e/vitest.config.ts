import { defineConfig } from 'vitest/config'

// End-to-end tests run the built programs as a user has them, two files at a time: they start whole worlds, and wait for them much of their time.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['src/**/*.e2e.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 30_000 } },
  },
})
