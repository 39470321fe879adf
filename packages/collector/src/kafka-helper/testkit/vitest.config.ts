import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['@spoor/source'] },
  ssr: { resolve: { conditions: ['@spoor/source', 'node'], externalConditions: ['@spoor/source', 'node', 'import'] } },
  test: {
    include: ['**/*.engine.ts'],
    dir: import.meta.dirname,
    pool: 'forks',
    setupFiles: fileURLToPath(new URL('../../../../../scripts/patience.mjs', import.meta.url)),
    // Each file has a broker of its own.
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 120_000, interval: 200 } },
  },
})
