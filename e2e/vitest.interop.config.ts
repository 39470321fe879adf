import { defineConfig } from 'vitest/config'

// What needs other languages' tools (Python from PyPI). Not part of `npm test`; run with `npm run interop`.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['src/**/*.interop.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 300_000,
  },
})
