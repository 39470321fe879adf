import { defineConfig } from 'vitest/config'

// What needs other languages' tools (Python from PyPI, Go, Java, Rust; see interop/README.md). Not part of `npm test`; run with `npm run interop`.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['src/**/*.interop.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
})
