import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['@spoor/source'] },
  ssr: { resolve: { conditions: ['@spoor/source', 'node'], externalConditions: ['@spoor/source', 'node', 'import'] } },
  test: {
    include: ['**/*.engine.ts'],
    dir: import.meta.dirname,
    pool: 'forks',
    testTimeout: 600_000,
    hookTimeout: 300_000,
  },
})
