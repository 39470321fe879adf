import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { it } from 'vitest'
import { openLocalStore } from '../local/threads/local-store.ts'
import { sealAll } from '../local/tools/store.test.helper.ts'
import { fill } from './corpus.ts'
import { checkWork } from './work.ts'

it(
  'looks at no more than it has to, of a hundred thousand spans, as they came and sealed',
  { timeout: 240_000 },
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'spoor-scale-'))
    try {
      const store = await openLocalStore({ directory, seal: false })
      await fill(store, 100_000)
      await store.close()
      await checkWork(directory)
      await sealAll(directory)
      await checkWork(directory)
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  },
)
