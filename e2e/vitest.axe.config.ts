import { defineConfig } from 'vitest/config'

// Every view of the page, looked at by axe in light and dark. Not part of `npm test`, as it takes a minute; run with `npm run axe`.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['src/**/*.axe.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
})
