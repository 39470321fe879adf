import { defineConfig } from 'vitest/config'

// The page in Firefox, over WebDriver BiDi. Not part of `npm test`, as it needs a browser more; run with `npm run firefox`.
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['src/**/*.firefox.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 300_000,
  },
})
